import { mirrorsColumns, mirrorsRows } from "./view.js";

/**
 * RGBA pixels, not premultiplied.
 *
 * @typedef {object} Surface
 * @property {number} width
 * @property {number} height
 * @property {8 | 10 | 12 | 16} depth bits per sample
 * @property {Uint8ClampedArray | Uint16Array} data up to 2^depth − 1
 */

/** @param {number} width @param {number} height @param {8 | 10 | 12 | 16} depth @returns {Surface} opaque */
export function newSurface(width, height, depth) {
  const data = depth === 8 ? new Uint8ClampedArray(4 * width * height) : new Uint16Array(4 * width * height);
  const opaque = 2 ** depth - 1;
  for (let at = 3; at < data.length; at += 4) data[at] = opaque;
  return { width, height, depth, data };
}

/**
 * Turn pixels for display.
 *
 * @param {Surface} surface
 * @param {number} orientation value of EXIF's tag 274
 * @returns {Surface}
 */
export function upright(surface, orientation) {
  if (orientation === 1) return surface;
  const { width, height, depth, data } = surface;
  // A pixel of 8 bits per sample is one word of 32 bits, a deeper one two.
  const words = depth === 8 ? 1 : 2;
  const source = new Uint32Array(data.buffer);
  const target = new Uint32Array(source.length);
  const swapped = orientation >= 5;
  const [outWidth, outHeight] = swapped ? [height, width] : [width, height];
  for (let row = 0, to = 0; row < outHeight; row++) {
    const y = mirrorsRows(orientation) ? outHeight - 1 - row : row;
    for (let col = 0; col < outWidth; col++) {
      const x = mirrorsColumns(orientation) ? outWidth - 1 - col : col;
      const from = words * (swapped ? x * width + y : y * width + x);
      for (let word = 0; word < words; word++) target[to++] = source[from + word];
    }
  }
  const Samples = depth === 8 ? Uint8ClampedArray : Uint16Array;
  return { width: outWidth, height: outHeight, depth, data: new Samples(target.buffer) };
}
