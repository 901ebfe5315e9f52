import { formatError } from "./errors.js";
import { BitReader, PrefixCode, readPrefixCode } from "./vp8l-codes.js";
import { undo } from "./vp8l-transforms.js";

/**
 * A decoder of VP8L image streams (RFC 9649 section 3). The browser's own one is not used: it may give only premultiplied
 * samples, which do not keep the colour of transparent pixels.
 */

const SIGNATURE = 0x2f;
export const VP8L_HEADER_BYTES = 5;
const LITERALS = 256;
const LENGTHS = 24;
const DISTANCES = 40;
const MAX_CACHE_BITS = 11;
const HASH = 0x1e35a7bd;
const NEAR = nearOffsets();

/** Offsets to earlier pixels with short distance codes, nearest first: 8 rows of up to 16 pixels. */
function nearOffsets() {
  const offsets = [];
  for (let y = 0; y < 8; y++) for (let x = y ? -7 : 1; x <= 8; x++) offsets.push([x, y]);
  return offsets.sort(
    ([ax, ay], [bx, by]) => ax * ax + ay * ay - bx * bx - by * by || Math.abs(ax) - Math.abs(bx) || bx - ax,
  );
}

/**
 * Read what a stream's header states.
 *
 * @param {Uint8Array} stream
 * @returns {{width: number, height: number} | undefined} nothing if it is no VP8L stream of version 0
 */
export function vp8lSize(stream) {
  if (stream.length < VP8L_HEADER_BYTES || stream[0] !== SIGNATURE) return undefined;
  const bits = stream[1] | (stream[2] << 8) | (stream[3] << 16) | (stream[4] << 24);
  if (bits >>> 29) return undefined;
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/**
 * Decode a stream.
 *
 * @param {Uint8Array} stream whose header has been checked
 * @returns {Uint32Array} pixels as alpha, red, green, blue from the most significant byte on
 */
export function decodeVp8l(stream) {
  const size = /** @type {{width: number, height: number}} */ (vp8lSize(stream));
  const reader = new BitReader(stream, VP8L_HEADER_BYTES);
  const transforms = [];
  let { width } = size;
  while (reader.read(1)) {
    const transform = readTransform(reader, width, size.height);
    if (transforms.some(({ kind }) => kind === transform.kind)) throw formatError("a VP8L stream repeats a transform");
    transforms.push(transform);
    width = transform.packedWidth;
  }
  let pixels = readImage(reader, width, size.height, true);
  reader.finish();
  for (const transform of transforms.reverse()) pixels = undo(transform, pixels, size.height);
  return pixels;
}

/**
 * @param {BitReader} reader
 * @param {number} width
 * @param {number} height
 * @returns {import("./vp8l-transforms.js").Transform}
 */
function readTransform(reader, width, height) {
  const kind = /** @type {const} */ (["predictor", "colour", "green", "palette"])[reader.read(2)];
  if (kind === "green") return { kind, width, packedWidth: width, bits: 0, data: new Uint32Array(0) };
  if (kind === "palette") {
    const colours = reader.read(8) + 1;
    const data = readImage(reader, colours, 1, false);
    const bits = colours <= 2 ? 3 : colours <= 4 ? 2 : colours <= 16 ? 1 : 0;
    return { kind, width, packedWidth: blocks(width, bits), bits, data };
  }
  const bits = reader.read(3) + 2;
  const data = readImage(reader, blocks(width, bits), blocks(height, bits), false);
  return { kind, width, packedWidth: width, bits, data };
}

const blocks = (size, bits) => (size + (1 << bits) - 1) >> bits;

/**
 * Read an entropy-coded image.
 *
 * @param {BitReader} reader
 * @param {number} width
 * @param {number} height
 * @param {boolean} main whether it may have several groups of prefix codes
 * @returns {Uint32Array}
 */
function readImage(reader, width, height, main) {
  const cacheBits = reader.read(1) ? reader.read(4) : 0;
  if (cacheBits > MAX_CACHE_BITS) throw formatError("a VP8L stream has a colour cache out of range");
  const { groups, groupOf } = readGroups(reader, width, height, main, cacheBits);
  return readPixels(reader, width, height, groups, groupOf, cacheBits);
}

/** Read the groups of prefix codes, and which group codes which block of pixels. */
function readGroups(reader, width, height, main, cacheBits) {
  let count = 1;
  let groupOf;
  if (main && reader.read(1)) {
    const bits = reader.read(3) + 2;
    const columns = blocks(width, bits);
    const numbers = readImage(reader, columns, blocks(height, bits), false).map((pixel) => (pixel >>> 8) & 0xffff);
    count = numbers.reduce((most, number) => Math.max(most, number), 0) + 1;
    groupOf = { bits, columns, numbers };
  }
  const green = LITERALS + LENGTHS + (cacheBits ? 1 << cacheBits : 0);
  const groups = [];
  for (let group = 0; group < count; group++) {
    groups.push([green, LITERALS, LITERALS, LITERALS, DISTANCES].map((symbols) => readPrefixCode(reader, symbols)));
  }
  return { groups, groupOf };
}

/**
 * @param {BitReader} reader
 * @param {number} width
 * @param {number} height
 * @param {PrefixCode[][]} groups
 * @param {{bits: number, columns: number, numbers: Uint32Array} | undefined} groupOf
 * @param {number} cacheBits
 * @returns {Uint32Array}
 */
function readPixels(reader, width, height, groups, groupOf, cacheBits) {
  const pixels = new Uint32Array(width * height);
  const cache = new Uint32Array(cacheBits ? 1 << cacheBits : 0);
  const shift = 32 - cacheBits;
  let [green, red, blue, alpha, distance] = groups[0];
  const mask = groupOf ? (1 << groupOf.bits) - 1 : 0;
  let [x, y] = [0, 0];
  let copied = false;
  for (let at = 0; at < pixels.length; ) {
    // A copy may end within a block of another group.
    if (groupOf && (copied || (x & mask) === 0)) {
      const number = groupOf.numbers[(y >> groupOf.bits) * groupOf.columns + (x >> groupOf.bits)];
      [green, red, blue, alpha, distance] = groups[number];
    }
    const symbol = reader.symbol(green);
    const start = at;
    if (symbol < LITERALS) {
      const high = reader.symbol(red) << 16;
      const low = reader.symbol(blue);
      pixels[at++] = (reader.symbol(alpha) << 24) | high | (symbol << 8) | low;
    } else if (symbol < LITERALS + LENGTHS) {
      const length = readCount(reader, symbol - LITERALS);
      const back = distanceOf(readCount(reader, reader.symbol(distance)), width);
      if (back > at || length > pixels.length - at) throw formatError("a VP8L stream copies from outside its picture");
      for (const end = at + length; at < end; at++) pixels[at] = pixels[at - back];
    } else {
      pixels[at++] = cache[symbol - LITERALS - LENGTHS];
    }
    if (cacheBits) for (let i = start; i < at; i++) cache[Math.imul(HASH, pixels[i]) >>> shift] = pixels[i];
    copied = at - start > 1;
    x += at - start;
    y += Math.floor(x / width);
    x %= width;
  }
  return pixels;
}

/** Read a length or a distance code from its prefix symbol. */
function readCount(reader, symbol) {
  if (symbol < 4) return symbol + 1;
  const extra = (symbol - 2) >> 1;
  return ((2 + (symbol & 1)) << extra) + reader.read(extra) + 1;
}

/** @param {number} code @param {number} width @returns {number} pixels back */
function distanceOf(code, width) {
  if (code > NEAR.length) return code - NEAR.length;
  const [x, y] = NEAR[code - 1];
  return Math.max(1, x + y * width);
}
