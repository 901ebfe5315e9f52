import { formatError } from "./errors.js";
import { RangeDecoder } from "./range-coder.js";

const TOTAL = 2 ** 24;
const WORD = 2 ** 32;
/** More than the rounding error of a quotient below 2²⁴ in doubles, so that it is never rounded to less. */
const ROUNDING = 2 ** -20;
const LEARNT = 8;
const FULL = 2000;
/** The least count of a symbol of two kinds: 2 at first, and (2 >> 1) + 1 whenever counts are halved. */
const LEAST = 2;

/** Stands for a context where there is nothing to decode. */
export const NO_CONTEXT = -1;

/** The contexts of symbols of some number of kinds, and what was learnt of them (SPEC section 7.8, "Counts"). */
export class Contexts {
  /**
   * @param {number} size number of contexts
   * @param {number} kinds of a symbol, a power of two
   * @param {number} start the counts at first
   */
  constructor(size, kinds, start) {
    this.kinds = kinds;
    this.counts = new Int32Array(size * kinds).fill(start);
    /** Of each context the cumulative counts of its kinds, without the total; equal counts give equal parts. */
    this.cumulative = new Int32Array(size * kinds);
    for (let i = 0; i < this.cumulative.length; i++) this.cumulative[i] = (TOTAL / kinds) * (i % kinds);
    this.learntIn = new Int32Array(size).fill(-1);
  }

  /**
   * Learn the symbols that were decoded in a wave.
   *
   * @param {Int32Array} contexts
   * @param {Uint8Array} symbols
   * @param {number} length how many of them
   * @param {number} wave its number; no context has symbols in two calls of one wave
   */
  learn(contexts, symbols, length, wave) {
    const { kinds, counts, learntIn } = this;
    for (let i = 0; i < length; i++) {
      if (contexts[i] !== NO_CONTEXT) counts[contexts[i] * kinds + symbols[i]] += LEARNT;
    }
    for (let i = 0; i < length; i++) {
      const context = contexts[i];
      if (context === NO_CONTEXT || learntIn[context] === wave) continue;
      learntIn[context] = wave;
      this.refresh(context * kinds);
    }
  }

  /** @param {number} at place of a context's first count */
  refresh(at) {
    const { kinds, counts, cumulative } = this;
    let sum = 0;
    for (let k = at; k < at + kinds; k++) sum += counts[k];
    if (sum > FULL) {
      sum = 0;
      for (let k = at; k < at + kinds; k++) sum += counts[k] = (counts[k] >> 1) + 1;
    }
    let upper = TOTAL;
    for (let k = at + kinds - 1; k > at; k--) {
      // A product below 2⁵³, and a quotient further from the next whole number than it is rounded.
      upper -= Math.floor((counts[k] * (TOTAL - kinds)) / sum) + 1;
      cumulative[k] = upper;
    }
  }
}

/** A range decoder of symbols whose probabilities are learnt. A stream has at least one of them. */
export class LearningDecoder extends RangeDecoder {
  /** @returns {number} the next word, 0 after the end; refuses a stream that is certain to be too short */
  word() {
    // An encoder ends a stream at the last word that the decoder has taken, or at the last but one.
    if (this.taken > this.words) throw formatError("a stream is too short for its symbols");
    return super.word();
  }

  /**
   * Refuse a stream that is too short for a number of pixels, each of which has a symbol at least.
   *
   * The sum of a context's counts is at most 2000, or what it tends to if all symbols of all waves are its.
   *
   * @param {number} pixels
   * @param {number} most pixels of a wave
   */
  requirePixels(pixels, most) {
    const sum = Math.max(FULL, LEARNT * most + 32);
    this.require(-pixels * Math.log2(1 - LEAST / sum));
  }

  /**
   * Decode symbols.
   *
   * @param {Contexts} learnt
   * @param {Int32Array} contexts of the symbols
   * @param {Uint8Array} symbols is filled with them, and with 0 where there is no context
   * @param {number} length how many of them
   */
  readLearnt({ kinds, cumulative }, contexts, symbols, length) {
    let { high, low, rangeHigh, rangeLow } = this;
    for (let i = 0; i < length; i++) {
      if (contexts[i] === NO_CONTEXT) {
        symbols[i] = 0;
        continue;
      }
      const scale = rangeHigh;
      if (high >= scale) throw formatError("a stream is not what an encoder writes for its symbols"); // the quantile
      const quantile = (high * TOTAL + low) / scale + ROUNDING;
      const at = contexts[i] * kinds;
      let symbol = kinds - 1;
      while (cumulative[at + symbol] > quantile) symbol--;

      const scaleHigh = Math.floor(scale / TOTAL);
      const scaleLow = scale - scaleHigh * TOTAL;
      let part = cumulative[at + symbol];
      let product = scaleLow * part;
      let carry = Math.floor(product / TOTAL);
      let nextHigh = high - (scaleHigh * part + carry);
      let nextLow = low - (product - carry * TOTAL);
      if (nextHigh < 0 || (nextHigh === 0 && nextLow < 0)) {
        // The quantile was rounded up into this kind.
        part = cumulative[at + --symbol];
        product = scaleLow * part;
        carry = Math.floor(product / TOTAL);
        nextHigh = high - (scaleHigh * part + carry);
        nextLow = low - (product - carry * TOTAL);
      }
      high = nextLow < 0 ? nextHigh - 1 : nextHigh;
      low = nextLow < 0 ? nextLow + TOTAL : nextLow;
      const count = (symbol + 1 < kinds ? cumulative[at + symbol + 1] : TOTAL) - part;
      product = scaleLow * count;
      carry = Math.floor(product / TOTAL);
      rangeHigh = scaleHigh * count + carry;
      rangeLow = product - carry * TOTAL;
      if (rangeHigh < 256) {
        const word = this.word();
        rangeHigh = rangeHigh * WORD + rangeLow * 256;
        rangeLow = 0;
        high = high * WORD + low * 256 + (word >>> 24);
        low = word & (TOTAL - 1);
      }
      symbols[i] = symbol;
    }
    this.high = high;
    this.low = low;
    this.rangeHigh = rangeHigh;
    this.rangeLow = rangeLow;
    this.begun = true;
  }
}
