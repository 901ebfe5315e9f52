import { paintAlpha, readAlpha } from "./alpha.js";
import { readContainer } from "./container.js";
import { surfaceBytes, symbolsCost, viewCost } from "./cost.js";
import { formatError } from "./errors.js";
import { hex, isGrey } from "./header.js";
import { paintLayer, readLayer } from "./layer.js";
import { checkCost } from "./limits.js";
import { colourSink, decodeLevels } from "./pixels.js";
import { tileMemory } from "./pixel-tiles.js";
import { Sha256 } from "./sha256.js";
import { newSurface, upright } from "./surface.js";
import { checkModel, Symbols } from "./symbols.js";
import { viewOf } from "./view.js";
import { copyPlanes, Window } from "./windows.js";

/** @typedef {import("./networks.js").Networks} Networks */
/** @typedef {import("./limits.js").Limits} Limits */
/** @typedef {import("./surface.js").Surface} Surface */

/**
 * @typedef {object} Request
 * @property {number} [scale]
 * @property {readonly number[]} [region]
 * @property {"from-image" | "none"} [imageOrientation]
 * @property {Limits} limits
 */

/**
 * Decode a view of a file.
 *
 * @param {Uint8Array} bytes
 * @param {Request} request
 * @param {(fingerprint: string) => Promise<Networks>} networksOf called only if the picture needs a model
 * @param {(share: number) => void} onProgress
 * @returns {Promise<Surface>}
 */
export async function decodePicture(bytes, { limits, ...request }, networksOf, onProgress) {
  const turned = request.imageOrientation !== "none";
  const container = readContainer(bytes, limits);
  const { header } = container;
  checkLayout(header);
  const view = viewOf(header, request, turned);
  const layer = container.layer && readLayer(container.layer, header);
  const alpha = container.alpha && readAlpha(container.alpha, header, limits);
  const tiles = [...(layer ?? []), ...(alpha && "tiles" in alpha ? alpha.tiles : [])];
  const forTiles = tileMemory(tiles, view.span);
  checkCost(limits, { memory: surfaceBytes(view) + forTiles, symbols: 0 });
  const { rows, cols } = view.window;
  if (container.whole) {
    const surface = newSurface(cols, rows, header.depth);
    paintLayer(/** @type {any} */ (layer), surface, view, true);
    return finished(surface, header, turned);
  }
  const networks = await networksOf(header.fingerprint);
  checkModel(header, networks.model);
  if (alpha && "picture" in alpha) checkModel(alpha.picture.header, networks.model);
  const { memory, symbols } = viewCost(networks.model, view);
  checkCost(limits, { memory: memory + forTiles, symbols });

  const surface = newSurface(cols, rows, header.depth);
  const channels = isGrey(header) ? 1 : 3;
  const share = alpha && "picture" in alpha ? 0.6 : 1; // of the time that colours take
  await decodeLevels(container, networks, view, colourSink(surface, view.window, channels), (done) =>
    onProgress(share * done),
  );
  if (layer) paintLayer(layer, surface, view, false);
  if (alpha) await paintAlpha(alpha, networks, surface, view, (done) => onProgress(share + (1 - share) * done));
  return finished(surface, header, turned);
}

/** @param {Surface} surface @param {import("./header.js").Header} header @param {boolean} turned */
function finished(surface, header, turned) {
  return turned ? upright(surface, header.orientation) : surface;
}

/**
 * Return the digest of a file's symbols (SPEC section 9).
 *
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @param {(fingerprint: string) => Promise<import("./model.js").Model>} modelOf
 * @returns {Promise<string>} 64 hexadecimal digits
 */
export async function digestOf(bytes, limits, modelOf) {
  const container = readContainer(bytes, limits);
  checkLayout(container.header);
  const model = await modelOf(container.header.fingerprint);
  checkModel(container.header, model);
  const view = viewOf(container.header, {}, false);
  checkCost(limits, symbolsCost(model.config, view));
  const symbols = new Symbols(container, model, view);
  const { latent } = model.config;
  const all = new Window(0, view.rows, 0, view.cols);
  const r = new Int16Array(latent * all.area);
  symbols.areas.forEach((area, number) => copyPlanes(symbols.tile(number), area, r, all, latent, area));
  const hash = new Sha256().update(new Uint8Array(symbols.z.buffer));
  for (let c = 0; c < latent; c++) {
    const plane = Int32Array.from(r.subarray(c * all.area, (c + 1) * all.area));
    hash.update(new Uint8Array(plane.buffer));
  }
  return hex(hash.digest());
}

/** @param {import("./header.js").Header} header */
function checkLayout({ layout }) {
  if (layout !== 0) {
    throw formatError(`latent layout ${layout} is not known to this decoder, which has no models of the family`);
  }
}
