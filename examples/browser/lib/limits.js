import { AezError, limitError } from "./errors.js";

/**
 * What a file may ask for; it is refused before memory is taken for more. The defaults are those of SPEC section 10.
 *
 * @typedef {object} Limits
 * @property {number} maxPixels largest width × height
 * @property {number} maxSide largest width and height
 * @property {number} maxMemory most bytes that decoding takes beyond the model and the file, as estimated
 * @property {number} maxSymbols most symbols that are decoded
 * @property {number} maxMetadata most bytes of ancillary chunks together
 * @property {number} maxChunks most chunks besides the tiles
 * @property {number} maxPixelsPerByte most pixels per byte of the file beyond the first 2²⁰ pixels
 */

/** @type {Readonly<Limits>} */
export const DEFAULT_LIMITS = Object.freeze({
  maxPixels: 2 ** 28,
  maxSide: 65535,
  maxMemory: 2 ** 30,
  maxSymbols: 2 ** 30,
  maxMetadata: 2 ** 26,
  maxChunks: 2 ** 10,
  maxPixelsPerByte: 2 ** 13,
});

const FREE_PIXELS = 2 ** 20;

/**
 * @param {Partial<Limits>} [limits]
 * @returns {Limits} the limits, completed by the defaults
 */
export function completeLimits(limits = {}) {
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in DEFAULT_LIMITS)) throw new AezError("argument", `there is no limit "${name}"`);
    if (!(value >= 0)) throw new AezError("argument", `the limit ${name} is not a number of at least 0`);
  }
  return { ...DEFAULT_LIMITS, ...limits };
}

/** @param {Limits} limits @param {{width: number, height: number}} size */
export function checkPixels(limits, { width, height }) {
  if (width * height > limits.maxPixels) {
    throw limitError(`the picture has ${width}×${height} pixels, above the limit of ${limits.maxPixels}`);
  }
  if (Math.max(width, height) > limits.maxSide) {
    throw limitError(`the picture has ${width}×${height} pixels, above the limit of ${limits.maxSide} a side`);
  }
}

/** @param {Limits} limits @param {{width: number, height: number}} size @param {number} bytes of the file */
export function checkPixelsPerByte(limits, { width, height }, bytes) {
  if (width * height > FREE_PIXELS + limits.maxPixelsPerByte * bytes) {
    throw limitError(`${bytes} bytes cannot hold a picture of ${width}×${height}`);
  }
}

/** @param {Limits} limits @param {{memory: number, symbols: number}} cost */
export function checkCost(limits, { memory, symbols }) {
  if (symbols > limits.maxSymbols) {
    throw limitError(`decoding takes ${symbols} symbols, above the limit of ${limits.maxSymbols}`);
  }
  if (memory > limits.maxMemory) {
    const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
    throw limitError(
      `decoding takes about ${megabytes(memory)} of memory, above the limit of ${megabytes(limits.maxMemory)}`,
    );
  }
}
