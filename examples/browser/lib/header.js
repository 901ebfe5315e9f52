import { formatError, truncatedError } from "./errors.js";
import { readVarint } from "./varint.js";

const MAX_SIDE = 65535;
const FINGERPRINT_BYTES = 6;
const COLOURS = /** @type {const} */ (["RGB", "grey", "grey RGB"]);
const DEPTHS = /** @type {const} */ ([8, 10, 12, 16]);

/**
 * The HEADER chunk (SPEC section 4).
 *
 * @typedef {object} Header
 * @property {number} width columns of the picture as stored, before it is turned by `orientation`
 * @property {number} height rows of the picture as stored
 * @property {"RGB" | "grey" | "grey RGB"} colour "grey RGB" is RGB with three equal samples, coded as grey
 * @property {boolean} alpha
 * @property {number} orientation value of EXIF's tag 274, 1 … 8
 * @property {8 | 10 | 12 | 16} depth bits per sample
 * @property {number} layout latent layout; 0 is the one that this decoder knows
 * @property {string} fingerprint of the model, 12 hexadecimal digits
 * @property {number} quality quality position, quality point × 256
 * @property {number} tileLog2 log₂ of the tile side in latents, 0 for one tile
 */

/**
 * @param {Uint8Array} payload
 * @returns {Header}
 */
export function readHeader(payload) {
  const [width, afterWidth] = readVarint(payload, 0);
  const [height, start] = readVarint(payload, afterWidth);
  if (width < 1 || width > MAX_SIDE || height < 1 || height > MAX_SIDE) {
    throw formatError(`the header says ${width}×${height} pixels; sides are 1 to ${MAX_SIDE}`);
  }
  let end = start + 2 + FINGERPRINT_BYTES + 2;
  if (payload.length < end) throw truncatedError("the header is too short");
  const [pixel, layout] = payload.subarray(start);
  if ((pixel & 3) === 3) throw formatError("the header names an unknown colour model");
  if (layout & 0x60) throw formatError("the header sets reserved bits");
  let tileLog2 = 0;
  if (layout & 0x80) {
    if (payload.length <= end) throw truncatedError("the header is too short");
    tileLog2 = payload[end++];
    if (tileLog2 < 4 || tileLog2 > 12) throw formatError("the header gives a tile size out of range");
  }
  if (payload.length !== end) throw formatError("the header is longer than its fields");
  const quality = start + 2 + FINGERPRINT_BYTES;
  return {
    width,
    height,
    colour: COLOURS[pixel & 3],
    alpha: (pixel & 4) !== 0,
    orientation: ((pixel >> 3) & 7) + 1,
    depth: DEPTHS[pixel >> 6],
    layout: layout & 0x1f,
    fingerprint: hex(payload.subarray(start + 2, quality)),
    quality: payload[quality] | (payload[quality + 1] << 8),
    tileLog2,
  };
}

/** @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Header} header @returns {boolean} true if the picture is coded as a grey one */
export const isGrey = (header) => header.colour !== "RGB";
