import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readContainer } from "../lib/container.js";
import { AezError } from "../lib/errors.js";
import { Contexts, LearningDecoder } from "../lib/indexed-coder.js";
import { decodeIndices, indexedPixels } from "../lib/indexed.js";
import { DEFAULT_LIMITS } from "../lib/limits.js";
import { readContent } from "../lib/pixel-tiles.js";
import { random } from "./random.js";

/** @returns {Uint8ClampedArray} samples red, green, blue, alpha of a tile */
function decodeIndexed(content, width, height, decode) {
  const pixels = indexedPixels(content, width, height, decode);
  return Uint8ClampedArray.from({ length: 4 * pixels.length }, (_, i) => pixels[i >> 2] >>> [16, 8, 0, 24][i & 3] & 255);
}

// Width, height, colours and marks of `drawn`, and the words that Python's encode_indices writes for the numbers.
const STREAMS = [
  [1, 1, 2, 1, "AAAAEA=="],
  [1, 1, 5000, 1, "AAAxnA=="],
  [40, 1, 17, 6, "fA/hYfNQekvoy8j+0GweDuz229c="],
  [1, 40, 700, 6, "EgIfQrmioxPXRfXf6ysQcWVDpY4="],
  [53, 37, 2, 20, "L/7/D7cD9gWDNHrgmNV2zTj1qhVB5K7S3JBJJZJsiwdmWouDeuepg3VnBjlrEyap5fTB2Z3ReD/FcEi3Oh1+EwnzU26je/9r6b9vKK2hRBazGzpft/rrD9roDRUwRuxqF82surEMl34PYkCBJw35prbi5YN9nfp0oiuBkbNtuTkrQfic"],
  [53, 37, 5000, 20, "//8AAPiDaOkfNmtDTFKSEmJu4IDVZ3p8CQynaD6aiR20rIi4ULnVcHY+xvxpJwZ1QPKBqLq6U9Apwhl6908yVYBket8UDonUWmRq+gQcRef3SJu2RU1dUs6Yaz2ORFo+VHIu+kffUP1gOKm7dLoEzTdAr8vMDDCPZUozqFdrExeQdlZc8/XYgR/0GBbN2cGfvbjIdidEEyFRWaNt9h6KA7//OubrlIpMOWrjakgnt3FGs8I//ZUrqi7CKrCpk+XAP2LupSLHtMM+nCrgWN5JTJ7e82WwtjuF981Zxibl/sCvadN64s5L/fZb9AETNhC+noLXxXaH9Yr9H4Wa"],
  [331, 200, 3, 30, "////D49cg+3oOeFI4TJhDsvpKGShwgRkkP19T48XTSzyqk2e8cG/9yhtlpcTuDxPDf6w5pnK8FUppPIDxZaDi11Qbr16u4Tv/4PbvCtb06lCI3mFopxGTTNetUHv+TgV6/H5VsNQXPMldXpIhGd/VfwzjIsitRZaA+XuN6ODkpGJ8a2gR4cFo1TLw9dpOdhIrMTV/ODkxdp778dmRRpiSXcRJd8R/+s0qIjvF9H2DCKPeXJRXbxgR1Qmxxexprnm9Od5CTiHIV8khIy0juO9l3ldg+TZt6sOwQdWU1YopCLLxOICta0VQEjTea0="],
  [331, 200, 700, 30, "HyYPAEng/qFZAzYMA+SpZ4Qj+07b4noCNZnvfcmowRe1S7mLGdyhXgUDyLCKNxePzx7/Sm8FRNPSAJE8L+7cMyg1HB2kET3kZeg9jeD62O7hzmTUjiwMpBqump63k6VGaQOhgWEgEw2SFnKRGJCbaDl9FG28otVx2fJtp0ci+mvJQep+Zy/T0O5FYmAp0tC6NDJ4MOhS6hKRgFy8SgBS9PT4QJx1pJOiB3Pl/VVtzX+Bz4qYNmJSAsNhucTk+QPKnI9LUz81k7b8+7pzTWRtqA/bJ3M6P31Mio5ObLZ3QJlLq1ccFFuxA8XHYOpcXFSJFRYiFE7c2nSlE/2a/qq7AYiZ9wdbcZnIRFOu+1KCOIfuM1VZ+XZw5x208EGcdDU19zSliADH/YU="],
  [331, 200, 16384, 20, "//8AAP//f/cCXJ+C+kj2vHbS6ygxiIX9MN+AZMJbuBdGkd7FiLRrwYwUg6h1KpjkdnKM6iQWnE2ZqXr66Kj5M12lULVoRTkG5FQUMS3IW+jrZ9JlciuV41fBKZBK8h8FHc3n2/gRSLsDCkvLlNhGOua8CuJaJFjIsEhz3XL0tVnXATi8C/sg/kNeodpTmBPeiMwuJyJUPEHpaRVIzPRm7VKIk2Qw9HZoY6wUjcnOV3tyUvaghfRt+Y+ZJX8zPuL6WC+z6dKI6c2uPjt0M/6a0QgU4GwFA6qstQgFBnVd1+s="],
  [2, 90, 3, 25, "qSb+D2G7XiWzQUpiAv3utBmL4sQTzlhJ48vPYkiq8iVten8N"],
  [600, 300, 3, 12, "////D21Vg+3cXgFrAGmxnhBVwteOj2K+AfvQXIizW36NEFXyQSf5NHOWHUSvrExcv7gaBFW4Ih5mXTi8QjwaaPKB0POW1yAQldYwzsqDSxHYOZptLd/izfMtdza+pcrDOcM5lKRcuOJQDlJK9Uz6O/K2BgU3l9ocfam+hTHozBnM4esNy3IWVj4FlFmRr9Bm"],
];

// The tile of a LAYER that Python writes for drawn(53, 37, 17, 12).
const TILE =
  "SWovEAAAAFATyVYj4YuIxhhaHGVqJCCECg3ZipLYtqIQP9b/LIoGNNgVabAEYCiwO5IgMWpqW2000IxwUIAHduaMcRAnMRA/RUOz0P8YRlvdKy0vDVqgrtS7KcPh55NfieZTos9f6oMO094G////AI8P1vH/AjYuvXwMfyv4tEVOvH0ZhbT0Tv3pDDEq4sub7aMh3QFnbWlzapy6pyX3YSKu6ti3AK5NiT+k+IqsNHvc+3OrfIGzjWjLj/GDgWvjLBo8M2WXtp2LU98MnjDsQSQVrYDJtEaBRgQB+267gLp3G2gS1kEQyWBxXDJemmsVbqVLn+A9e22j9vxSJKDbqFrqt4TSVgRC";

const GOLDEN = new URL("../../../tests/data/indexed.aez", import.meta.url);
const GOLDEN_SAMPLES = "cc4e5d469b1d06c34c5b10e30432c296711b7525d8f963930e05445133787064";

const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));

/** Return a palette, and a picture of rectangles and of many copies of one sign. */
function drawn(width, height, colours, marks) {
  const below = random(1000 * height + colours);
  const palette = Uint32Array.from({ length: colours }, () => 0xff000000 + below(2 ** 24));
  const indices = new Uint16Array(width * height);
  for (let mark = 0; mark < marks; mark++) {
    const [colour, top, left] = [below(colours), below(height), below(width)];
    const [rows, columns] = [1 + below(9), 1 + below(12)];
    const set = (y, x, value) => y < height && x < width && (indices[y * width + x] = value);
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) set(top + y, left + x, colour);
    const [row, column] = [below(height), below(width)];
    for (let i = 0; i < 42; i++) {
      if (((37 * i) >> 3) % 3 === 0) set(row + Math.floor(i / 6), column + (i % 6), colours - 1);
    }
  }
  return { palette, indices };
}

const streams = STREAMS.map(([width, height, colours, marks, words]) => {
  return { width, height, words: bytesOf(words), ...drawn(width, height, colours, marks) };
});
const tile = { width: 53, height: 37, content: bytesOf(TILE), ...drawn(53, 37, 17, 12) };

const format = { name: "AezError", code: "format" };

test("numbers of colours are those that Python encoded", () => {
  for (const { words, width, height, palette, indices } of streams) {
    const decoded = decodeIndices(words, width, height, palette);
    assert.deepEqual(decoded, indices, `${width}×${height}, ${palette.length} colours`);
  }
});

test("a tile has the colours of its palette", () => {
  const { content, width, height, palette, indices } = tile;
  assert.deepEqual(indexedPixels(content, width, height), Uint32Array.from(indices, (index) => palette[index]));
  const samples = decodeIndexed(content, width, height);
  assert.ok(samples instanceof Uint8ClampedArray && samples.length === 4 * indices.length);
  indices.forEach((index, i) => {
    const [red, green, blue, alpha] = samples.subarray(4 * i);
    assert.equal(((alpha << 24) | (red << 16) | (green << 8) | blue) >>> 0, palette[index], `pixel ${i}`);
  });
});

const missing = !existsSync(GOLDEN) && "tests/data/indexed.aez is missing";
test("the golden file has Python's samples", { skip: missing }, async () => {
  const { header, layer } = readContainer(new Uint8Array(await readFile(GOLDEN)), DEFAULT_LIMITS);
  const { content, end } = readContent(layer, 1);
  assert.equal(end, layer.length, "the layer has one tile");
  const samples = decodeIndexed(content, header.width, header.height);
  assert.equal(createHash("sha256").update(samples).digest("hex"), GOLDEN_SAMPLES);
});

test("words that are short, long or changed at the end are refused", () => {
  for (const { words, width, height, palette } of streams) {
    const refused = (changed) => assert.throws(() => decodeIndices(changed, width, height, palette), format);
    for (const length of [0, 4, words.length - 8, words.length - 4]) {
      if (length >= 0 && length < words.length) refused(words.subarray(0, length));
    }
    refused(words.subarray(0, words.length - 1));
    for (const word of [0, 1, 255]) refused(Uint8Array.from([...words, word, word, word, word]));
    const last = words.slice();
    last[last.length - 4] ^= 1; // may decode to the same picture, but there is one way to write it
    refused(last);
  }
});

test("numbers that the palette does not have are refused", () => {
  for (const colours of [2, 3, 13, 16]) {
    for (let number = 0; number < 16; number++) {
      const decode = () => decodeIndices(Uint8Array.of(0, 0, 0, number << 4), 1, 1, new Uint32Array(colours));
      if (number < colours) assert.deepEqual([...decode()], [number]);
      else assert.throws(decode, format, `${number} of ${colours}`);
    }
  }
  // Of five bits the last is a piece of its own.
  for (let piece = 0; piece < 16; piece++) {
    const decode = () => decodeIndices(Uint8Array.of(0, 0, 0, piece), 1, 1, new Uint32Array(17));
    if (piece < 2) assert.deepEqual([...decode()], [piece]);
    else assert.throws(decode, format, `a bit of ${piece}`);
  }
});

test("a quantile just below a kind's first one is not rounded into it", () => {
  for (const [kinds, kind] of [[2, 1], [16, 5], [16, 15]]) {
    for (const below of [0n, 1n]) {
      const point = (2n ** 40n - 1n) * BigInt((kind * 2 ** 24) / kinds) - below;
      const words = new Uint8Array(Uint32Array.of(Number(point >> 32n), Number(point & 0xffffffffn)).buffer);
      const symbols = new Uint8Array(1);
      new LearningDecoder(words).readLearnt(new Contexts(1, kinds, 1), Int32Array.of(0), symbols, 1);
      assert.equal(symbols[0], kind - Number(below));
    }
  }
});

test("damaged tiles are refused with an AezError or give a picture", () => {
  const below = random(49);
  const small = streams.filter(({ indices }) => indices.length < 2000);
  let [decoded, refused] = [0, 0];
  const attempt = (decode, length) => {
    try {
      assert.equal(decode().length, length);
      decoded++;
    } catch (error) {
      if (!(error instanceof AezError)) throw error;
      refused++;
    }
  };
  for (let round = 0; round < 400; round++) {
    const content = tile.content.slice();
    const place = below(content.length);
    content[place] ^= 1 << below(8);
    attempt(() => indexedPixels(content, tile.width, tile.height), tile.indices.length);
    const { words, width, height, palette, indices } = small[below(small.length)];
    const changed = words.slice(0, words.length - 4 * below(2));
    for (let change = below(3); change >= 0 && changed.length; change--) changed[below(changed.length)] = below(256);
    attempt(() => decodeIndices(changed, width, height, palette), indices.length);
    // Random words of few pixels are often what an encoder writes.
    const few = Uint8Array.from({ length: 4 }, (_, i) => (i < 2 ? 0 : below(256)));
    const length = 1 + below(3);
    attempt(() => decodeIndices(few, 1, length, tile.palette.subarray(0, 16)), length);
  }
  assert.ok(decoded > 20 && refused > 500, `${decoded} decoded, ${refused} refused`);
});

test("tiles are checked before they are decoded", () => {
  const { content, width, height } = tile;
  const refused = (bytes, code = "format", [w, h] = [width, height]) => {
    const decode = () => assert.fail("the palette is decoded");
    assert.throws(() => decodeIndexed(Uint8Array.from(bytes), w, h, decode), { name: "AezError", code });
  };
  const palette = (columns, rows, kind = 0x2f, version = 0) => {
    const bits = (columns - 1) | ((rows - 1) << 14) | (version << 29);
    return [0x49, 5, kind, bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >>> 24];
  };
  refused([0x2f, ...content.subarray(1)]);
  refused([0x49], "truncated");
  refused([0x49, 0]);
  refused([0x49, 0x80, 0x00]);
  refused([0x49, 4, ...content.subarray(2)]);
  refused([...palette(3, 1)].slice(0, -1), "truncated");
  refused(palette(1, 1));
  refused(palette(3, 2));
  refused(palette(3, 1, 0x2e));
  refused(palette(3, 1, 0x2f, 1));
  refused(content, "format", [2048, 2049]);
  assert.throws(() => indexedPixels(content.subarray(0, content.length - 1), width, height), format);
  assert.throws(() => indexedPixels(Uint8Array.of(...content, 0), width, height), format);
  assert.throws(() => indexedPixels(content, width + 1, height), format);
});

test("streams that are too short for their pixels are refused at once", () => {
  const palette = Uint32Array.from({ length: 2 ** 14 }, (_, i) => i);
  const below = random(7);
  const start = process.cpuUsage();
  for (const bytes of [0, 4, 32, 1024]) {
    for (const fill of [() => 0, () => 255, () => below(256)]) {
      const words = Uint8Array.from({ length: bytes }, fill);
      assert.throws(() => decodeIndices(words, 2048, 2048, palette), format);
      assert.throws(() => decodeIndices(words, 2048, 2048, palette.subarray(0, 2)), format);
    }
  }
  assert.ok(process.cpuUsage(start).user < 3e6, "they are decoded to their end");
});
