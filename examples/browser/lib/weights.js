import { AezError, modelError } from "./errors.js";
import { Model } from "./model.js";

const CACHE = "aez-weights-1";

/**
 * Load a model, from the browser's cache if it is there. A model is named by its fingerprint, so what the cache holds
 * cannot be out of date, and what is damaged or false is refused.
 *
 * @param {string | ArrayBuffer | Uint8Array} source address or contents of a weights file
 * @param {string} fingerprint
 * @returns {Promise<Model>}
 */
export async function loadModel(source, fingerprint) {
  if (typeof source !== "string") return checked(new Uint8Array(source), fingerprint);
  const cache = await openCache();
  const kept = await cache?.match(source);
  if (kept) {
    try {
      return checked(new Uint8Array(await kept.arrayBuffer()), fingerprint);
    } catch {
      await cache?.delete(source);
    }
  }
  const bytes = await fetched(source);
  const model = checked(bytes, fingerprint);
  // Where there is no room for it, the model is fetched again next time.
  await cache?.put(source, new Response(bytes)).catch(() => {});
  return model;
}

/** @returns {Promise<Cache | undefined>} none where pages have no cache, as without TLS */
async function openCache() {
  try {
    return await caches.open(CACHE);
  } catch {
    return undefined;
  }
}

/** @param {string} url @returns {Promise<Uint8Array>} */
async function fetched(url) {
  try {
    const response = await fetch(url);
    if (!response.ok) throw modelError(`the weights file ${url} cannot be fetched: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof AezError) throw error;
    throw new AezError("model", `the weights file ${url} cannot be fetched`, { cause: error });
  }
}

/** @param {Uint8Array} bytes @param {string} fingerprint @returns {Model} */
function checked(bytes, fingerprint) {
  const model = new Model(bytes);
  if (model.fingerprint !== fingerprint) {
    throw modelError(`the file needs the model ${fingerprint}, and the weights are those of ${model.fingerprint}`);
  }
  return model;
}
