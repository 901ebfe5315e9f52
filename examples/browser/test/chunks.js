import { crc32 } from "../lib/crc32.js";

export const SIGNATURE = [0x89, 0x61, 0x65, 0x7a, 0x0d, 0x0a, 0x1a, 0x0a];
const FINGERPRINT = [1, 2, 3, 4, 5, 6];

/** @param {number} value @returns {number[]} */
export function varint(value) {
  const out = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return [...out, value];
}

/** @param {string} type @param {Iterable<number>} [payload] @returns {number[]} */
export function chunk(type, payload = []) {
  const bytes = [...payload];
  const body = [type.charCodeAt(0), ...varint(bytes.length), ...bytes];
  const crc = crc32(Uint8Array.from(body));
  return [...body, crc & 255, (crc >>> 8) & 255, (crc >>> 16) & 255, crc >>> 24];
}

/** @param {Partial<{width: number, height: number, pixel: number, layout: number, quality: number, tile: number[]}>} fields */
export function header({ width = 20, height = 30, pixel = 0, layout = 0, quality = 0, tile = [] } = {}) {
  return [...varint(width), ...varint(height), pixel, layout, ...FINGERPRINT, quality & 255, quality >> 8, ...tile];
}

/** @param {...number[]} chunks @returns {Uint8Array} */
export function file(...chunks) {
  return Uint8Array.from([...SIGNATURE, 1, ...chunks.flat()]);
}
