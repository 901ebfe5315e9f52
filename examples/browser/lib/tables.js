import { modelError } from "./errors.js";

const PRECISION = 24;
const TOTAL = 2 ** PRECISION;
const BUCKET_BITS = 11;
/** Bits of a quantile below the number of its interval. */
export const BUCKET_SHIFT = PRECISION - BUCKET_BITS;
const MAX_TABLES = 255;
const MAX_ENTRIES = 2 ** 13;

/**
 * A probability table (SPEC section 6).
 *
 * @typedef {object} Table
 * @property {Uint32Array} cumulative of each entry, and the total at the end
 * @property {Uint16Array} first of each interval of 2¹³ quantiles, the entry in which it begins
 * @property {number} bound L: entry k stands for k − L
 * @property {number} escape number of the escape, −1 if there is none
 * @property {number} leastBits information of the most probable entry
 */

/**
 * Check tables and prepare them for decoding.
 *
 * @param {Int32Array} counts of all tables, one after the other
 * @param {Int32Array} sizes
 * @param {boolean} escape whether the last entry of each table is the escape
 * @returns {Table[]}
 */
export function makeTables(counts, sizes, escape) {
  if (sizes.length < 1 || sizes.length > MAX_TABLES) throw modelError("the model has too many tables, or none");
  const tables = [];
  let at = 0;
  for (const size of sizes) {
    if (size < 3 || size > MAX_ENTRIES || at + size > counts.length || (size - (escape ? 1 : 0)) % 2 === 0) {
      throw modelError("the model has a table of a wrong size");
    }
    tables.push(makeTable(counts.subarray(at, at + size), escape));
    at += size;
  }
  if (at !== counts.length) throw modelError("the model's tables are damaged");
  return tables;
}

/** @param {Int32Array} counts @param {boolean} escape @returns {Table} */
function makeTable(counts, escape) {
  const cumulative = new Uint32Array(counts.length + 1);
  let total = 0;
  counts.forEach((count, entry) => {
    if (count < 1 || count >= TOTAL) throw modelError("the model's tables are damaged");
    total += count;
    cumulative[entry + 1] = total;
  });
  if (total !== TOTAL) throw modelError("the model's tables do not sum to 2²⁴");
  const first = new Uint16Array(1 << BUCKET_BITS);
  for (let bucket = 0, entry = 0; bucket < first.length; bucket++) {
    while (cumulative[entry + 1] <= bucket << BUCKET_SHIFT) entry++;
    first[bucket] = entry;
  }
  return {
    cumulative,
    first,
    bound: (counts.length - (escape ? 2 : 1)) >> 1,
    escape: escape ? counts.length - 1 : -1,
    leastBits: PRECISION - Math.log2(counts.reduce((a, b) => Math.max(a, b))),
  };
}
