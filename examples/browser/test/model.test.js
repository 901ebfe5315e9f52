import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { AezError } from "../lib/errors.js";
import { Model } from "../lib/model.js";
import { makeTables } from "../lib/tables.js";
import { random } from "./random.js";

const PHOTO = "1a112aaa3651";
const TINY = "cc3b06a78481";
const fileOf = async (name) => new Uint8Array(await readFile(new URL(`./fixtures/${name}.safetensors`, import.meta.url)));
const tiny = await fileOf(TINY);
const refused = { name: "AezError", code: "model" };

/** Return a weights file with another header; the fingerprint in it need not be true. */
function withHeader(file, change) {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  change(header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + file.length - 8 - length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(file.subarray(8 + length), 8 + text.length);
  return out;
}

test("fingerprints are those of Python", async () => {
  assert.equal(new Model(tiny).fingerprint, TINY);
  const photo = new Model(await fileOf(PHOTO));
  assert.equal(photo.fingerprint, PHOTO);
  assert.deepEqual([photo.pixelHalo, photo.hasFilter, photo.hasGrey], [7, true, true]);
});

test("the fingerprint covers the configuration and every tensor that decoding reads", () => {
  const changes = [
    (header) => (header.__metadata__.config = header.__metadata__.config.replace('"analysis": 16', '"analysis": 17')),
    (header) => (header.__metadata__.fingerprint = "000000000000"),
    (header) => (header["tables.other"] = header["tables.hyper_index"]),
    (header) => (header["synthesis.head4.bias"].shape = [1, ...header["synthesis.head4.bias"].shape]),
  ];
  for (const change of changes) assert.throws(() => new Model(withHeader(tiny, change)), { ...refused, message: /fingerprint/ });
  assert.equal(new Model(withHeader(tiny, (header) => delete header["graphs.synthesis"])).fingerprint, TINY);
});

test("headers that are not as they must be are refused", () => {
  const changes = [
    (header) => delete header.__metadata__,
    (header) => (header.__metadata__.format = "aez-weights-2"),
    (header) => (header.__metadata__.config = "[]"),
    (header) => (header.__metadata__.config = "{"),
    (header) => (header.__metadata__.config = '{"latent": 0}'),
    (header) => (header["exact.conv1"].dtype = "F64"),
    (header) => (header["exact.conv1"].shape = [-1, -128]),
    (header) => (header["exact.conv1"].shape = "no"),
    (header) => (header["exact.conv1"].data_offsets = [0]),
    (header) => (header["exact.conv1"].data_offsets[1] += 2),
    (header) => (header["graphs.synthesis"].data_offsets = [1e9, 1e9 + header["graphs.synthesis"].shape[0]]),
    (header) => (header["exact.conv1"] = null),
  ];
  changes.forEach((change, number) => assert.throws(() => new Model(withHeader(tiny, change)), refused, `change ${number}`));
});

test("damaged weights are refused, wherever the damage is", () => {
  const below = random(8);
  for (let trial = 0; trial < 150; trial++) {
    const damaged = tiny.slice();
    // Headers are a small part of the file.
    const end = trial % 2 ? 12000 : damaged.length;
    damaged[below(end)] ^= 1 << below(8);
    try {
      assert.equal(new Model(damaged).fingerprint, TINY); // what the fingerprint does not cover
    } catch (error) {
      assert.ok(error instanceof AezError && error.code === "model", String(error?.stack));
    }
  }
});

test("tables are checked", () => {
  const make = (counts, sizes, escape = false) => makeTables(Int32Array.from(counts), Int32Array.from(sizes), escape);
  const half = 2 ** 23;
  assert.equal(make([1, half, half - 1], [3])[0].bound, 1);
  assert.equal(make([1, half, half - 2, 1], [4], true)[0].escape, 3);
  for (const [counts, sizes, escape] of [
    [[], []], [[half, half], [2]], [[1, half, half - 2, 1], [4]], [[1, half, half - 1], [3], true],
    [[1, half, half], [3]], [[0, half, half], [3]], [[1, half, half - 1, 1], [3]], [[1, half], [3]],
  ]) {
    assert.throws(() => make(counts, sizes, escape), refused, JSON.stringify(counts));
  }
});
