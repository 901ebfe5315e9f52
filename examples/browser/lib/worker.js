/** Decodes in a worker, so that the page stays responsive; `remote.js` talks to it. */

import { Service } from "./service.js";

/** @type {Service} */
let service;
/** @type {Map<string, (reply: {source?: any, error?: string}) => void>} */
const waiting = new Map();

/** Ask the page where a model's weights are: only it can call the function that it was configured with. */
function sourceOf(fingerprint) {
  return new Promise((resolve, reject) => {
    waiting.set(fingerprint, ({ source, error }) => (error ? reject(revived(error)) : resolve(source)));
    postMessage({ type: "weights", fingerprint });
  });
}

const revived = ({ message, code }) => Object.assign(new Error(message), { name: "AezError", code });

addEventListener("message", async ({ data }) => {
  if (data.type === "start") {
    service = new Service(data.settings, sourceOf);
  } else if (data.type === "weights") {
    waiting.get(data.fingerprint)?.(data);
    waiting.delete(data.fingerprint);
  } else {
    await answer(data);
  }
});

/** @param {{id: number, type: "decode" | "digest", bytes: Uint8Array, request: any}} call */
async function answer({ id, type, bytes, request }) {
  try {
    if (type === "digest") {
      postMessage({ id, value: await service.digest(bytes, request.limits) });
      return;
    }
    const value = await service.decode(bytes, request, (share) => postMessage({ id, share }));
    postMessage({ id, value }, { transfer: [value.data.buffer] });
  } catch (error) {
    const { name, message, code } = /** @type {any} */ (error);
    postMessage({ id, error: { name, message, code } });
  }
}
