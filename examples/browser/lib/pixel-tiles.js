import { formatError, truncatedError } from "./errors.js";
import { INDEXED, indexedPixels, readIndexed } from "./indexed.js";
import { readVarint } from "./varint.js";
import { decodeVp8l, vp8lSize } from "./vp8l.js";
import { divided, Window } from "./windows.js";

const MIN_LOG2 = 6;
const MAX_LOG2 = 13;
/** Bytes per pixel of a tile while it is decoded. */
const TILE_BYTES = 16;

/**
 * A tile of ALPHA or LAYER: a VP8L stream or numbers of colours, or one pixel that stands for all, or nothing.
 *
 * @typedef {object} PixelTile
 * @property {Window} area in pixels
 * @property {Uint8Array} [stream]
 * @property {number} [pixel] alpha, red, green, blue from the most significant byte on
 */

/**
 * Return the areas of the tiles of a payload.
 *
 * @param {number} log2 of their side
 * @param {{width: number, height: number}} header
 * @param {number} bytes that are left for them
 * @param {number} least bytes of a tile
 * @returns {Window[]}
 */
export function tileAreas(log2, { width, height }, bytes, least) {
  if (log2 < MIN_LOG2 || log2 > MAX_LOG2) throw formatError("a chunk of pixels gives a tile size out of range");
  const side = 2 ** log2;
  // Before the list is made.
  if (least * Math.ceil(height / side) * Math.ceil(width / side) > bytes) {
    throw truncatedError("a chunk of pixels is too short");
  }
  return divided(new Window(0, height, 0, width), side, side);
}

/**
 * Read the length of a tile and its bytes.
 *
 * @param {Uint8Array} payload
 * @param {number} at
 * @param {(length: number) => number} bytesOf bytes that a tile of a stated length has
 * @returns {{length: number, content: Uint8Array, end: number}}
 */
export function readContent(payload, at, bytesOf = (length) => length) {
  const [length, start] = readVarint(payload, at);
  const end = start + bytesOf(length);
  if (end > payload.length) throw truncatedError("a chunk of pixels is too short");
  return { length, content: payload.subarray(start, end), end };
}

/** @param {Uint8Array} stream @param {Window} area @returns {PixelTile} with the size in its header checked */
export function streamTile(stream, area) {
  const size = vp8lSize(stream);
  if (!size || size.width !== area.cols || size.height !== area.rows) {
    throw formatError("a tile is not a VP8L stream of its size");
  }
  return { area, stream };
}

/** @param {Uint8Array} stream @param {Window} area @returns {PixelTile} of numbers of colours or a VP8L stream, checked */
export function layerTile(stream, area) {
  if (stream[0] !== INDEXED) return streamTile(stream, area);
  readIndexed(stream, area.cols, area.rows);
  return { area, stream };
}

/** @param {PixelTile[]} tiles @param {Window} span @returns {number} bytes that decoding the largest shown tile takes */
export function tileMemory(tiles, span) {
  const shown = tiles.filter(({ stream, area }) => stream && area.touches(span));
  return TILE_BYTES * shown.reduce((most, { area }) => Math.max(most, area.area), 0);
}

/**
 * Call a function with each tile that a view shows and with its pixels: those of the stream, or the one of all.
 *
 * @param {PixelTile[]} tiles
 * @param {Window} span of the view in the picture
 * @param {(area: Window, pixels: Uint32Array) => void} paint
 */
export function paintTiles(tiles, span, paint) {
  for (const { area, stream, pixel } of tiles) {
    if (!area.touches(span) || (!stream && pixel === undefined)) continue;
    paint(area, stream ? pixelsOf(stream, area) : Uint32Array.of(/** @type {number} */ (pixel)));
  }
}

/** @param {Uint8Array} stream @param {Window} area @returns {Uint32Array} */
function pixelsOf(stream, area) {
  return stream[0] === INDEXED ? indexedPixels(stream, area.cols, area.rows) : decodeVp8l(stream);
}

/**
 * Call a function for each pixel of a view that a tile shows, with the places in the tile of the pixels that it is the
 * mean of; those beyond the tile's end are its last ones.
 *
 * @param {import("./view.js").View} view
 * @param {Window} area of the tile
 * @param {(to: number, places: Uint32Array) => void} visit `to` is the number of the view's pixel
 */
export function eachPixel({ window, reduction }, area, visit) {
  const part = area.coarser(reduction).shared(window);
  const places = new Uint32Array(reduction ** 2);
  for (let row = part.top; row < part.bottom; row++) {
    for (let col = part.left; col < part.right; col++) {
      for (let i = 0; i < places.length; i++) {
        const y = Math.min(area.bottom - 1, row * reduction + Math.floor(i / reduction)) - area.top;
        const x = Math.min(area.right - 1, col * reduction + (i % reduction)) - area.left;
        places[i] = y * area.cols + x;
      }
      visit((row - window.top) * window.cols + col - window.left, places);
    }
  }
}
