import assert from "node:assert/strict";
import { test } from "node:test";
import { filterWeights } from "../lib/filter.js";
import { readHyper } from "../lib/hyper.js";
import { makeTables } from "../lib/tables.js";
import { readTile } from "../lib/tile.js";
import { encoded } from "./encoder.js";

const FIRST_CODED = 7;
const EIGHTH = 2 ** 21;
/** −1, 0, 1 and the escape, for all 64 indices. */
const TABLES = makeTables(
  Int32Array.from({ length: 4 * 64 }, () => 2 * EIGHTH),
  new Int32Array(64).fill(4),
  true,
);
const ESCAPE = 3;
const format = (message) => ({ name: "AezError", code: "format", message });
const truncated = { name: "AezError", code: "truncated" };

const words = (...entries) => encoded(entries.map((entry) => ({ cumulative: TABLES[0].cumulative, entry })));
const read = (payload, indices) => [...readTile(Uint8Array.from(payload), Uint8Array.from(indices), TABLES, FIRST_CODED)];

test("elements are coded by index, then in raster order", () => {
  assert.deepEqual(read([0, ...words(0, 2, 1, 2)], [9, 6, 7, 9, 7]), [0, 0, -1, 1, 1]);
});

test("a tile is empty if and only if no symbol is coded", () => {
  assert.deepEqual(read([], [0, 6, 6]), [0, 0, 0]);
  assert.throws(() => read([], [7]), format(/is empty/));
  assert.throws(() => read([0], [6]), format(/is empty/));
});

test("a tile may code lower indices, if it has them", () => {
  assert.deepEqual(read([2, ...words(0, 2)], [5, 4, 7]), [-1, 0, 1]);
  assert.throws(() => read([2, ...words(2)], [4, 6, 7]), format(/does not code/));
  assert.throws(() => readTile(Uint8Array.of(2), Uint8Array.of(0), TABLES, 1), format(/does not code/));
});

test("escapes are the excess over the bound, in raster order", () => {
  // Magnitude 1, positive: bits 1 0. Magnitude 5, negative: 00 101 1.
  const bits = [0b00101110];
  assert.deepEqual(read([8, ...bits, ...words(ESCAPE, ESCAPE, 1)], [9, 7, 9]), [-6, 2, 0]);
});

test("damaged escapes are refused", () => {
  const escape = (bits) => {
    const bytes = bits.match(/.{1,8}/g)?.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)) ?? [];
    return read([8 * bytes.length, ...bytes, ...words(ESCAPE)], [7]);
  };
  const zeros = (count) => "0".repeat(count);
  assert.deepEqual(escape("10"), [2]);
  assert.deepEqual(escape("0000000110011001"), [-(0b11001100 + 1)]);
  assert.throws(() => escape(""), truncated);
  assert.throws(() => escape(zeros(8)), truncated);
  assert.throws(() => escape("00001000"), truncated);
  assert.throws(() => escape("101"), format(/bits left over/));
  assert.throws(() => escape(`10${zeros(7)}`), format(/bytes left over/));
  assert.deepEqual(escape(`${zeros(14)}${(2 ** 15 - 2).toString(2)}0`), [2 ** 15 - 1]);
  assert.throws(() => escape(`${zeros(14)}${(2 ** 15 - 1).toString(2)}0`), format(/out of range/));
  assert.throws(() => escape(`${zeros(16)}1${zeros(17)}`), format(/too long/));
  assert.throws(() => read([16, 1], [7]), format(/longer than its tile/));
});

test("words that no encoder writes are refused", () => {
  const good = words(0, 2, 1);
  assert.deepEqual(read([0, ...good], [7, 7, 7]), [-1, 1, 0]);
  assert.throws(() => read([0, ...good, 0], [7, 7, 7]), format(/whole number/));
  assert.throws(() => read([0, ...good, 0, 0, 0, 0], [7, 7, 7]), format(/not what an encoder/));
  assert.throws(() => read([0, 255, 255, 255, 255, 255, 255, 255, 255], [7, 7, 7]), format(/not what an encoder/));
  assert.throws(() => read([0, ...good], new Array(100).fill(7)), format(/too short/));
});

test("z beyond its channel's table is refused", () => {
  // Cells of odd row and column are expected at their neighbours' mean; the table of differences reaches further.
  const tables = makeTables(Int32Array.from([EIGHTH, 6 * EIGHTH, EIGHTH]), Int32Array.of(3), false);
  const counts = Int32Array.from({ length: 3 * 5 }, (_, i) => (i % 5 === 2 ? 4 * EIGHTH : EIGHTH));
  const wide = makeTables(counts, Int32Array.of(5, 5, 5), false);
  const context = { tables: wide, weight: Int16Array.of(0, 0), level: Uint8Array.of(0, 0) };
  const model = { tables, index: Uint8Array.of(0), context };
  const stream = (last) =>
    Uint8Array.from(
      encoded([
        { cumulative: tables[0].cumulative, entry: 2 },
        ...[2, 2, last].map((entry) => ({ cumulative: wide[0].cumulative, entry })),
      ]),
    );
  assert.deepEqual([...readHyper(stream(1), model, 2, 2)], [1, 0, -1, 0]);
  assert.throws(() => readHyper(stream(0), model, 2, 2), format(/outside/));
});

test("a FILTER names a table that is coded", () => {
  const config = { points: 2 };
  const model = {
    config,
    hasFilter: true,
    firstCoded: FIRST_CODED,
    residualTables: TABLES,
    interpolated: (name, width) => new Float64Array(width).fill(name === "filter.mean" ? 0.5 : 0.25),
  };
  const weights = (...bytes) => filterWeights(Uint8Array.from(bytes), /** @type {any} */ (model), 0, 1);
  const numbers = Array.from({ length: 35 }, (_, i) => (i === 8 ? 2 : 1));
  const found = weights(FIRST_CODED, 0, ...words(...numbers));
  assert.deepEqual([...found.subarray(7, 10)], [1.5, 1.75, 0.5]);
  assert.deepEqual(weights(), filterWeights(new Uint8Array(0), /** @type {any} */ (model), 0, 1));
  assert.throws(() => weights(FIRST_CODED - 1, 0, ...words(...numbers)), format(/names table/));
  assert.throws(() => weights(64, 0, ...words(...numbers)), format(/names table/));
  assert.throws(() => weights(FIRST_CODED), format(/is empty/));
  assert.equal(filterWeights(undefined, /** @type {any} */ (model), 0, 1), undefined);
});
