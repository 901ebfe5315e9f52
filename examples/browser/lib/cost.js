import { CELL, STRIDE } from "./view.js";
import { Window } from "./windows.js";

/** Bytes that any decoding takes: kernels and threads of the networks. */
const FIXED_BYTES = 6e7;
const HYPER_BYTES = 24;
/** Bytes per element of a tile while it is decoded: its index, twice, its place in the stream, and r. */
const TILE_BYTES = 10;
/** Bytes per pixel of a window in the networks of `photo` and in the filter, and what `widthOf` gives for it. */
const PIXEL_BYTES = 220;
const PIXEL_WIDTH = 26.25;

/** @typedef {{memory: number, symbols: number}} Cost */

/**
 * Estimate what decoding all symbols of a picture takes.
 *
 * @param {import("./model.js").Config} config
 * @param {import("./view.js").View} view of any part
 * @returns {Cost}
 */
export function symbolsCost(config, view) {
  const latents = view.rows * view.cols;
  const hyper = config.hyper * view.cells.rows * view.cells.cols;
  const tile = Math.min(tileSide(view), view.rows) * Math.min(tileSide(view), view.cols);
  const memory = FIXED_BYTES + HYPER_BYTES * hyper + 2 * config.latent * latents + tileBytes(config, tile);
  return { memory, symbols: hyper + config.latent * latents };
}

/**
 * Estimate what decoding a view takes.
 *
 * @param {import("./model.js").Model} model
 * @param {import("./view.js").View} view
 * @returns {Cost}
 */
export function viewCost({ config, pixelHalo }, view) {
  const side = tileSide(view);
  const whole = (window) => window.coarser(side).finer(side, view.rows, view.cols);
  const reaches = view.windows().map((window) => view.reach(view.around(window, pixelHalo)));
  const needed = whole(reaches.reduce(covering));
  const rows = Math.max(...reaches.map((reach) => whole(reach).rows));
  const kept = Math.min(needed.area, rows * needed.cols);
  const largest = Math.max(...reaches.map(({ area }) => area)) * STRIDE ** 2;
  const tile = Math.min(side, view.rows) * Math.min(side, view.cols);
  const hyper = config.hyper * view.cells.rows * view.cells.cols;
  const memory =
    FIXED_BYTES +
    surfaceBytes(view) +
    HYPER_BYTES * hyper +
    2 * config.latent * kept +
    tileBytes(config, tile) +
    largest * PIXEL_BYTES * (widthOf(config) / PIXEL_WIDTH);
  return { memory, symbols: hyper + config.latent * needed.area };
}

/** @param {import("./view.js").View} view @returns {number} bytes of the pixels, and of a copy to turn them */
export function surfaceBytes({ header, window }) {
  return (header.depth === 8 ? 4 : 8) * window.area * (header.orientation === 1 ? 1 : 2);
}

function covering(a, b) {
  return new Window(
    Math.min(a.top, b.top),
    Math.max(a.bottom, b.bottom),
    Math.min(a.left, b.left),
    Math.max(a.right, b.right),
  );
}

function tileSide({ header, rows, cols }) {
  return header.tileLog2 ? 2 ** header.tileLog2 : Math.max(rows, cols);
}

function tileBytes(config, latents) {
  const cells = Math.ceil(latents / CELL ** 2);
  return TILE_BYTES * config.latent * latents + 8 * (11 * config.scale + 2 * config.hyper) * cells;
}

/** Floats per pixel of the activations that are in memory together, about five times each. */
function widthOf(config) {
  const at16 = Math.max(config.synthesis16, config.context, config.latent);
  return 5 * (config.synthesis4 / 16 + config.synthesis8 / 64 + at16 / 256);
}
