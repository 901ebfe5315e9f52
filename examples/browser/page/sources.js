/**
 * Where decoded pictures come from: this browser, or the server of `aez view`, which decodes on the same machine.
 *
 * Both have `decode(file, handlers)`, with the handlers of `Decoder.decode`. Facts have the names of `aez info --json`, but width
 * and height are those of the picture as it is meant to be seen.
 */

import { Decoder } from "../display/decoder.js";

export class BrowserSource {
  #decoder = new Decoder();
  #models = null;

  async decode(file, { onFacts, ...handlers }) {
    this.#models ??= known();
    const [bytes, models] = await Promise.all([file.data(), this.#models]);
    return this.#decoder.decode(bytes, { ...handlers, onFacts: (facts) => onFacts(renamed(facts, models)) });
  }
}

export class ServerSource {
  async decode(file, { onFacts, signal }) {
    const start = performance.now();
    const body = file.number === undefined ? await file.data() : undefined;
    const facts = turned(file.stated ?? (await (await asked("describe", { method: "POST", body, signal })).json()));
    onFacts(facts);
    const answer = await (body
      ? asked("decode", { method: "POST", body, signal })
      : asked(`pictures/${file.number}`, { signal }));
    const { width, height } = facts;
    return { blob: await answer.blob(), width, height, seconds: (performance.now() - start) / 1000 };
  }
}

/**
 * Fetch from this page's server.
 *
 * @returns {Promise<Response>} a successful answer
 */
export async function asked(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Error("the server does not answer");
  }
  if (answer.ok) return answer;
  const plain = answer.headers.get("content-type")?.startsWith("text/plain");
  throw new Error((plain && (await answer.text()).trim()) || `the server answers ${answer.status}`);
}

/** Names and qualities of the models, by fingerprint; `make_weights.py` writes them beside the weights. */
async function known() {
  try {
    return await (await asked("weights/models.json")).json();
  } catch {
    return {}; // these facts are left out then
  }
}

/** The facts of `info` of `aez.js` under the names of `aez info --json`. */
function renamed(facts, models) {
  const { fingerprint, qualityPoint } = facts;
  const chunks = facts.chunks.map(({ type, length }) => ({ type, bytes: length }));
  const layer = facts.layer === "over" ? "part" : facts.layer;
  const model = models[fingerprint];
  const quality = layer === "whole" ? undefined : interpolated(model?.qualities, qualityPoint);
  return { ...facts, model: model?.name, quality, chunks, layer, tiles: chunks.filter(({ type }) => type === "T").length };
}

function interpolated(values, place) {
  if (!values) return undefined;
  const below = Math.min(Math.floor(place), values.length - 2);
  return values[below] + (place - below) * (values[below + 1] - values[below]);
}

/** The facts of `aez info --json` with the sides as they are seen. */
function turned(facts) {
  const { width, height, orientation } = facts;
  return orientation > 4 ? { ...facts, width: height, height: width } : facts;
}
