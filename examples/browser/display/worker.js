/**
 * A worker that decodes files, so that the page stays responsive: bytes in, a PNG file out.
 *
 * In: `{configure: {…}}`, or `{id, bytes}`. Out, each with the id: `facts`, `preview`, `progress`, then `picture` or `error`.
 */

import { configure, decode, info, preview } from "../aez.js";
import { encodePng } from "./png.js";

self.addEventListener("message", async ({ data: { id, bytes, configure: settings } }) => {
  if (settings) {
    configure(settings);
    return;
  }
  const say = (message) => self.postMessage({ id, ...message });
  try {
    const start = performance.now();
    const facts = await info(bytes);
    say({ facts });
    await showPreview(bytes, facts, say);
    const picture = await decode(bytes, { onProgress: (done) => say({ progress: Math.min(1, Number(done) || 0) }) });
    const seconds = (performance.now() - start) / 1000;
    say({ picture: await described(picture), seconds });
  } catch (error) {
    say({ error: String(error?.message || error), kind: error?.name ?? "Error" });
  }
});

/** Send the stored preview, if there is one. A damaged preview is no reason to give up: the picture says what is wrong. */
async function showPreview(bytes, facts, say) {
  try {
    const small = await preview(bytes);
    if (small) say({ preview: await described(small) });
  } catch {
    // decode() follows, and refuses what must be refused
  }
}

async function described(picture) {
  return { blob: await encodePng(picture), width: picture.width, height: picture.height };
}
