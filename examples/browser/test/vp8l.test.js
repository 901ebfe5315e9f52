import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { AezError } from "../lib/errors.js";
import { decodeVp8l, vp8lSize } from "../lib/vp8l.js";
import { random } from "./random.js";

const cases = JSON.parse(await readFile(new URL("./fixtures/vp8l.json", import.meta.url), "utf8"));
const bytesOf = ({ stream }) => new Uint8Array(Buffer.from(stream, "base64"));

/** @param {Uint32Array} pixels @returns {string} SHA-256 of RGBA samples */
function hashOf(pixels) {
  const samples = Buffer.alloc(4 * pixels.length);
  pixels.forEach((pixel, i) => samples.writeUInt32BE(((pixel << 8) | (pixel >>> 24)) >>> 0, 4 * i));
  return createHash("sha256").update(samples).digest("hex");
}

test("pixels are those of libwebp, transparent ones too", () => {
  for (const picture of cases) assert.equal(hashOf(decodeVp8l(bytesOf(picture))), picture.sha256);
});

test("damaged streams are refused, or give some picture", () => {
  const below = random(2);
  let refused = 0;
  for (let trial = 0; trial < 400; trial++) {
    const stream = bytesOf(cases[below(cases.length)]);
    const damaged = stream.subarray(0, below(4) ? stream.length : 5 + below(stream.length - 5));
    for (let change = below(4); change > 0; change--) damaged[5 + below(damaged.length - 5)] ^= 1 << below(8);
    const { width, height } = vp8lSize(damaged);
    try {
      assert.equal(decodeVp8l(damaged).length, width * height);
    } catch (error) {
      assert.ok(error instanceof AezError, String(error?.stack));
      refused++;
    }
  }
  assert.ok(refused > 100, `${refused} were refused`);
});
