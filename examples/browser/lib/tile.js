import { EscapeReader } from "./escapes.js";
import { formatError } from "./errors.js";
import { RangeDecoder } from "./range-coder.js";
import { readVarint } from "./varint.js";

const MAX_MAGNITUDE = 2 ** 15 - 1;
const INDICES = 64;

/** @typedef {import("./tables.js").Table} Table */

/**
 * Decode r of a tile (SPEC section 7.3).
 *
 * @param {Uint8Array} payload
 * @param {Uint8Array} indices table of each element, in raster order
 * @param {Table[]} tables with escape
 * @param {number} firstCoded of the model
 * @returns {Int16Array} r in raster order
 */
export function readTile(payload, indices, tables, firstCoded) {
  const { extra, escapes, words } = divide(payload);
  const lowest = firstCoded - extra;
  const counts = countIndices(indices, lowest);
  const coded = counts.reduce((a, b) => a + b);
  if (payload.length > 0 !== coded > 0) {
    throw formatError("a tile with coded symbols is empty, or one without any is not");
  }
  if (extra && !(lowest >= 0 && counts[lowest])) throw formatError("a tile names a table that it does not code");
  const decoder = new RangeDecoder(words);
  decoder.require(counts.reduce((bits, count, index) => bits + count * tables[index].leastBits, 0));
  const order = codingOrder(indices, counts, lowest, coded);
  const r = new Int16Array(indices.length);
  const escaped = readRuns(decoder, order, counts, tables, r);
  decoder.finish();
  readEscapes(new EscapeReader(escapes), escaped, (place) => tables[indices[place]].bound, r);
  return r;
}

/** @param {Uint8Array} payload */
function divide(payload) {
  if (payload.length === 0) return { extra: 0, escapes: payload, words: payload };
  const [head, start] = readVarint(payload, 0);
  const end = start + Math.floor(head / 8);
  if (end > payload.length) throw formatError("the escape stream is longer than its tile");
  return { extra: head & 7, escapes: payload.subarray(start, end), words: payload.subarray(end) };
}

/** @param {Uint8Array} indices @param {number} lowest coded @returns {Uint32Array} elements of each coded index */
function countIndices(indices, lowest) {
  const counts = new Uint32Array(INDICES);
  for (let i = 0; i < indices.length; i++) counts[indices[i]]++;
  return counts.fill(0, 0, Math.max(0, lowest));
}

/**
 * Return the places of the coded elements, by index and then in raster order.
 *
 * @param {Uint8Array} indices
 * @param {Uint32Array} counts
 * @param {number} lowest
 * @param {number} coded number of coded elements
 */
function codingOrder(indices, counts, lowest, coded) {
  const next = new Uint32Array(INDICES);
  for (let index = 1; index < INDICES; index++) next[index] = next[index - 1] + counts[index - 1];
  const order = new Uint32Array(coded);
  for (let place = 0; place < indices.length; place++) {
    if (indices[place] >= lowest) order[next[indices[place]]++] = place;
  }
  return order;
}

/**
 * @param {RangeDecoder} decoder
 * @param {Uint32Array} order
 * @param {Uint32Array} counts
 * @param {Table[]} tables
 * @param {Int16Array} r is filled
 * @returns {number[]} places of escaped elements
 */
function readRuns(decoder, order, counts, tables, r) {
  const escaped = [];
  let start = 0;
  counts.forEach((count, index) => {
    const table = tables[index];
    const entries = new Uint16Array(count);
    decoder.read(table, entries);
    for (let i = 0; i < count; i++) {
      if (entries[i] === table.escape) escaped.push(order[start + i]);
      else r[order[start + i]] = entries[i] - table.bound;
    }
    start += count;
  });
  return escaped;
}

/**
 * @param {EscapeReader} reader
 * @param {number[]} places
 * @param {(place: number) => number} boundOf bound of the table of a place
 * @param {Int16Array} r is filled
 */
function readEscapes(reader, places, boundOf, r) {
  reader.require(places.length);
  places.sort((a, b) => a - b);
  for (const place of places) {
    const excess = reader.read();
    const magnitude = Math.abs(excess) + boundOf(place);
    if (magnitude > MAX_MAGNITUDE) throw formatError("an escaped symbol is out of range");
    r[place] = excess < 0 ? -magnitude : magnitude;
  }
  reader.finish();
}
