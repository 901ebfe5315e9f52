import { formatError, truncatedError } from "./errors.js";

const MAX_PREFIX = 15;

/** The escape stream of a tile (SPEC section 7.3). */
export class EscapeReader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0; // in bits
  }

  /** @param {number} count of codes, of at least two bits each */
  require(count) {
    if (2 * count > 8 * this.bytes.length) throw truncatedError("the escape stream is too short");
  }

  /** @returns {number} 0 or 1 */
  bit() {
    if (this.at >= 8 * this.bytes.length) throw truncatedError("the escape stream is too short");
    const bit = (this.bytes[this.at >> 3] >> (7 - (this.at & 7))) & 1;
    this.at++;
    return bit;
  }

  /** @returns {number} the next excess, not 0 */
  read() {
    let digits = 0;
    while (!this.bit()) {
      if (++digits > MAX_PREFIX) throw formatError("an escape code is too long");
    }
    let magnitude = 1;
    for (; digits > 0; digits--) magnitude = 2 * magnitude + this.bit();
    return this.bit() ? -magnitude : magnitude;
  }

  /** Check that nothing but the zeros that fill the last byte is left. */
  finish() {
    if (8 * this.bytes.length - this.at >= 8) throw formatError("the escape stream has bytes left over");
    while (this.at < 8 * this.bytes.length) {
      if (this.bit()) throw formatError("the escape stream has bits left over");
    }
  }
}
