import { formatError, truncatedError } from "./errors.js";

/**
 * Read an unsigned LEB128 integer below 2³² in its shortest form (SPEC section 1).
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[value: number, next: number]} the value and the offset after it
 */
export function readVarint(bytes, at) {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    if (at + i >= bytes.length) throw truncatedError("the file ends inside a number");
    const byte = bytes[at + i];
    value += (byte & 0x7f) * 2 ** (7 * i); // shifts would make the fifth byte negative
    if (byte < 0x80) {
      if ((i > 0 && byte === 0) || value >= 2 ** 32) break;
      return [value, at + i + 1];
    }
  }
  throw formatError("a number is not in its shortest form or too large");
}
