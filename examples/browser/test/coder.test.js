import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { AezError } from "../lib/errors.js";
import { RangeDecoder } from "../lib/range-coder.js";
import { makeTables } from "../lib/tables.js";

const cases = JSON.parse(await readFile(new URL("./fixtures/coder.json", import.meta.url), "utf8"));

/** Decode a stream, or return null if it is refused. */
function decoded({ counts, sizes, runs, stream }) {
  const tables = makeTables(Int32Array.from(counts), Int32Array.from(sizes), false);
  try {
    const decoder = new RangeDecoder(new Uint8Array(Buffer.from(stream, "base64")));
    const symbols = runs.flatMap((run, table) => {
      const entries = new Uint16Array(run);
      decoder.read(tables[table], entries);
      return [...entries];
    });
    decoder.finish();
    return symbols;
  } catch (error) {
    assert.ok(error instanceof AezError);
    return null;
  }
}

test("the range decoder gives Python's symbols, and refuses what Python's check by encoding again refuses", () => {
  const refused = cases.filter(({ symbols }) => symbols === null).length;
  assert.ok(refused > 100 && refused < cases.length - 200, `${refused} of ${cases.length} are refused`);
  cases.forEach((stream, number) => assert.deepEqual(decoded(stream), stream.symbols, `stream ${number}`));
});

test("a stream is compared with the information that its symbols have at least", () => {
  const decoder = new RangeDecoder(new Uint8Array(8));
  decoder.require(64 + 96);
  assert.throws(() => decoder.require(64 + 96.1), { name: "AezError", code: "format" });
});
