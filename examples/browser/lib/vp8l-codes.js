import { formatError, truncatedError } from "./errors.js";

const MAX_LENGTH = 15;
const ROOT_BITS = 8;
const LENGTH_ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/** Bits beyond the end that may be looked at, not taken. */
const MAX_OVERRUN = 64;

/** Reads bits, the least significant of a byte first. */
export class BitReader {
  /** @param {Uint8Array} bytes @param {number} at first byte */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
    this.bits = 0;
    this.count = 0;
  }

  /** Have at least 25 bits at hand. */
  fill() {
    while (this.count <= 24) {
      this.bits |= (this.bytes[this.at++] ?? 0) << this.count;
      this.count += 8;
    }
    if (8 * (this.at - this.bytes.length) > MAX_OVERRUN) throw tooShort();
  }

  /** @param {number} count up to 24 @returns {number} */
  read(count) {
    this.fill();
    const value = this.bits & ((1 << count) - 1);
    this.skip(count);
    return value;
  }

  /** @param {number} count */
  skip(count) {
    this.bits >>>= count;
    this.count -= count;
  }

  /** @param {PrefixCode} code @returns {number} the next symbol */
  symbol(code) {
    this.fill();
    const found = code.root[this.bits & code.mask];
    const length = found & 15;
    if (found >= 0) {
      this.skip(length);
      return found >> 4;
    }
    return this.longSymbol(code);
  }

  /** @param {PrefixCode} code @returns {number} the next symbol, of a code longer than the root table */
  longSymbol({ counts, symbols }) {
    let [value, first, index] = [0, 0, 0];
    for (let length = 1; length <= MAX_LENGTH; length++) {
      value = (value << 1) | ((this.bits >>> (length - 1)) & 1);
      const count = counts[length];
      if (value - first < count) {
        this.skip(length);
        return symbols[index + value - first];
      }
      index += count;
      first = (first + count) << 1;
    }
    throw formatError("a VP8L stream has a code that does not exist");
  }

  /** Check that no bits beyond the end were taken. */
  finish() {
    if (8 * this.at - this.count > 8 * this.bytes.length) throw tooShort();
  }
}

const tooShort = () => truncatedError("a VP8L stream is too short");

/** A canonical prefix code. */
export class PrefixCode {
  /** @param {Uint8Array} lengths of the codes of all symbols, 0 of those without one */
  constructor(lengths) {
    this.counts = new Uint16Array(MAX_LENGTH + 1);
    for (const length of lengths) if (length) this.counts[length]++;
    const used = this.counts.reduce((a, b) => a + b);
    this.symbols = sortedSymbols(lengths, this.counts, used);
    const longest = this.counts.findLastIndex((count) => count > 0);
    if (used === 1) {
      this.mask = 0;
      this.root = Int32Array.of(this.symbols[0] << 4);
      return;
    }
    if (this.counts.reduce((sum, count, length) => sum + count * 2 ** (MAX_LENGTH - length), 0) !== 2 ** MAX_LENGTH) {
      throw formatError("a VP8L stream has a code that is not complete");
    }
    const bits = Math.min(longest, ROOT_BITS);
    this.mask = (1 << bits) - 1;
    this.root = this.rootTable(bits);
  }

  /** @param {number} bits @returns {Int32Array} symbol · 16 + length for the next bits, −1 for longer codes */
  rootTable(bits) {
    const root = new Int32Array(1 << bits).fill(-1);
    let [code, index] = [0, 0];
    for (let length = 1; length <= bits; length++, code <<= 1) {
      for (let n = 0; n < this.counts[length]; n++, code++, index++) {
        let reversed = 0;
        for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
        for (let i = reversed; i < root.length; i += 1 << length) root[i] = (this.symbols[index] << 4) | length;
      }
    }
    return root;
  }
}

/** Return symbols by length of their code, then by number. */
function sortedSymbols(lengths, counts, used) {
  if (used === 0) throw formatError("a VP8L stream has an empty code");
  const next = new Uint16Array(MAX_LENGTH + 2);
  for (let length = 1; length <= MAX_LENGTH; length++) next[length + 1] = next[length] + counts[length];
  const symbols = new Uint16Array(used);
  lengths.forEach((length, symbol) => {
    if (length) symbols[next[length]++] = symbol;
  });
  return symbols;
}

/**
 * @param {BitReader} reader
 * @param {number} size symbols of the alphabet
 * @returns {PrefixCode}
 */
export function readPrefixCode(reader, size) {
  return new PrefixCode(reader.read(1) ? readSimpleLengths(reader, size) : readLengths(reader, size));
}

/** Read a code of one or two symbols. */
function readSimpleLengths(reader, size) {
  const lengths = new Uint8Array(size);
  const two = reader.read(1);
  const symbols = [reader.read(reader.read(1) ? 8 : 1)];
  if (two) symbols.push(reader.read(8));
  for (const symbol of symbols) {
    if (symbol >= size) throw formatError("a VP8L stream has a symbol out of range");
    lengths[symbol] = 1;
  }
  return lengths;
}

/** Read the lengths of a code's words, which are themselves prefix-coded. */
function readLengths(reader, size) {
  const ofLengths = new Uint8Array(LENGTH_ORDER.length);
  const given = reader.read(4) + 4;
  for (let i = 0; i < given; i++) ofLengths[LENGTH_ORDER[i]] = reader.read(3);
  const code = new PrefixCode(ofLengths);
  let left = size;
  if (reader.read(1)) {
    left = 2 + reader.read(2 + 2 * reader.read(3));
    if (left > size) throw formatError("a VP8L stream has too many code lengths");
  }
  const lengths = new Uint8Array(size);
  let previous = 8;
  for (let at = 0; at < size && left > 0; left--) {
    const symbol = reader.symbol(code);
    if (symbol < 16) {
      lengths[at++] = symbol;
      if (symbol) previous = symbol;
      continue;
    }
    const [value, repeat] =
      symbol === 16 ? [previous, 3 + reader.read(2)] : [0, symbol === 17 ? 3 + reader.read(3) : 11 + reader.read(7)];
    if (at + repeat > size) throw formatError("a VP8L stream has too many code lengths");
    lengths.fill(value, at, at + repeat);
    at += repeat;
  }
  return lengths;
}
