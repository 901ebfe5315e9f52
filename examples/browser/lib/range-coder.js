import { formatError } from "./errors.js";
import { BUCKET_SHIFT } from "./tables.js";

/** @typedef {import("./tables.js").Table} Table */

const LOW = 2 ** 24;
const WORD = 2 ** 32;
const SPARE_BITS = 96;
/** More than the rounding error of a quotient below 2²⁴ in doubles, so that it is never rounded to less. */
const ROUNDING = 2 ** -20;

/**
 * The range decoder of SPEC section 7.1.
 *
 * Its 64-bit integers are pairs of doubles, high · 2²⁴ + low: `range >> 24` is then the high part, and no product of two
 * parts exceeds 2⁵³. Only the difference `point − lower` is kept, which all steps and the check at the end need.
 */
export class RangeDecoder {
  /** @param {Uint8Array} stream */
  constructor(stream) {
    if (stream.length % 4) throw formatError("a stream is not a whole number of 32-bit words");
    this.view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
    this.words = stream.length / 4;
    this.taken = 0;
    this.rangeHigh = 2 ** 40 - 1;
    this.rangeLow = LOW - 1;
    const [first, second] = [this.word(), this.word()];
    this.high = first * 2 ** 8 + (second >>> 24);
    this.low = second & (LOW - 1);
    this.begun = false;
  }

  /** @returns {number} the next word, 0 after the end */
  word() {
    const at = this.taken++;
    return at < this.words ? this.view.getUint32(4 * at, true) : 0;
  }

  /**
   * Refuse a stream that is too short for symbols to come, before memory is taken for them.
   *
   * @param {number} bits information that the symbols have at least
   */
  require(bits) {
    if (bits > 32 * this.words + SPARE_BITS) throw formatError("a stream is too short for its symbols");
  }

  /**
   * Decode symbols of one table.
   *
   * @param {Table} table
   * @param {Uint16Array} entries is filled with the numbers of the symbols' entries
   */
  read({ cumulative, first }, entries) {
    let { high, low, rangeHigh, rangeLow } = this;
    for (let i = 0; i < entries.length; i++) {
      const scale = rangeHigh;
      if (high >= scale) throw notAnEncoders(); // the quantile is 2²⁴ or more
      const quantile = Math.min(LOW - 1, Math.floor((high * LOW + low) / scale + ROUNDING));
      let entry = first[quantile >>> BUCKET_SHIFT];
      while (cumulative[entry + 1] <= quantile) entry++;

      const scaleHigh = Math.floor(scale / LOW);
      const scaleLow = scale - scaleHigh * LOW;
      let part = cumulative[entry];
      let product = scaleLow * part;
      let carry = Math.floor(product / LOW);
      low -= product - carry * LOW;
      high -= scaleHigh * part + carry;
      if (low < 0) {
        low += LOW;
        high--;
      }
      let count = cumulative[entry + 1] - part;
      if (high < 0) {
        // The quantile was rounded up into the next entry.
        part = cumulative[entry--];
        count = part - cumulative[entry];
        product = scaleLow * count;
        carry = Math.floor(product / LOW);
        low += product - carry * LOW;
        high += scaleHigh * count + carry;
        if (low >= LOW) {
          low -= LOW;
          high++;
        }
      }
      product = scaleLow * count;
      carry = Math.floor(product / LOW);
      rangeHigh = scaleHigh * count + carry;
      rangeLow = product - carry * LOW;
      if (rangeHigh < 256) {
        const word = this.word();
        rangeHigh = rangeHigh * WORD + rangeLow * 256;
        rangeLow = 0;
        high = high * WORD + low * 256 + (word >>> 24);
        low = word & (LOW - 1);
      }
      entries[i] = entry;
    }
    Object.assign(this, { high, low, rangeHigh, rangeLow });
    this.begun ||= entries.length > 0;
  }

  /**
   * Check that the whole stream was read and is what an encoder writes.
   *
   * An encoder that has moved n words out of `lower` ends with one word, that of the least multiple of 2³² that is not
   * below `lower`; and with a word 0 if `lower + range` begins with the same word (SPEC section 7.1).
   */
  finish() {
    if (!this.begun) {
      if (this.words) throw notAnEncoders();
      return;
    }
    const rest = this.rangeHigh - this.high - (this.rangeLow < this.low ? 1 : 0);
    const twoWords = rest < 256; // 2³² is 256 in the high part
    const words = this.taken - (twoWords ? 0 : 1);
    const zero = !twoWords || (this.words > 0 && this.view.getUint32(4 * (this.words - 1), true) === 0);
    if (this.words !== words || this.high >= 256 || !zero) throw notAnEncoders();
  }
}

const notAnEncoders = () => formatError("a stream is not what an encoder writes for its symbols");
