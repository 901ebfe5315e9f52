import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { AezError } from "../lib/errors.js";
import { decodeVp8l, vp8lSize } from "../lib/vp8l.js";

const cases = JSON.parse(await readFile(new URL("./fixtures/vp8l.json", import.meta.url), "utf8"));
const bytesOf = ({ stream }) => new Uint8Array(Buffer.from(stream, "base64"));

/** @param {Uint32Array} pixels @returns {string} SHA-256 of RGBA samples */
function hashOf(pixels) {
  const samples = Buffer.alloc(4 * pixels.length);
  pixels.forEach((pixel, i) => samples.writeUInt32BE(((pixel << 8) | (pixel >>> 24)) >>> 0, 4 * i));
  return createHash("sha256").update(samples).digest("hex");
}

test("pixels are those of libwebp, transparent ones too; what it refuses is refused", () => {
  let [refused, shorter] = [0, 0];
  cases.forEach((picture, number) => {
    try {
      assert.equal(hashOf(decodeVp8l(bytesOf(picture))), picture.sha256, `stream ${number}`);
    } catch (error) {
      if (!(error instanceof AezError)) throw error;
      refused++;
      // libwebp accepts streams that lack no more than bits of their last pixels.
      if (picture.sha256 !== null && error.code === "truncated") shorter++;
      else assert.equal(picture.sha256, null, `stream ${number}: ${error.message}`);
    }
  });
  assert.ok(refused > 50 && refused < cases.length - 60 && shorter <= 3, `${refused} refused, ${shorter} as too short`);
});

test("a short stream of a large picture is refused at once", () => {
  // Two symbols of green, one of each other colour and of distances; then no bits are left.
  const bits = `000 111 00000000 10000000 ${"1000".repeat(4)}`.replaceAll(" ", "");
  const size = 4095;
  const stream = new Uint8Array(5 + Math.ceil(bits.length / 8));
  stream[0] = 0x2f;
  new DataView(stream.buffer).setUint32(1, size | (size << 14), true);
  [...bits].forEach((bit, i) => (stream[5 + (i >> 3)] |= Number(bit) << (i & 7)));
  assert.deepEqual(vp8lSize(stream), { width: size + 1, height: size + 1 });
  const start = process.cpuUsage();
  assert.throws(() => decodeVp8l(stream), { name: "AezError", code: "truncated" });
  assert.ok(process.cpuUsage(start).user < 0.2e6, "it is decoded to its end");
});
