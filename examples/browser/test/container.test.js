import assert from "node:assert/strict";
import { test } from "node:test";
import { readContainer, readStoredPreview } from "../lib/container.js";
import { readAlpha } from "../lib/alpha.js";
import { paintLayer, readLayer } from "../lib/layer.js";
import { completeLimits } from "../lib/limits.js";
import { newSurface } from "../lib/surface.js";
import { View } from "../lib/view.js";
import { Window } from "../lib/windows.js";
import { chunk, file, header, SIGNATURE, varint } from "./chunks.js";

const limits = completeLimits();
const H = chunk("H", header());
const Z = chunk("Z", [1, 2, 3, 4]);
const T = chunk("T", [0, 1, 2, 3, 4]);
const E = chunk("E");
const ALPHA = 4;
const DEPTH_10 = 64;

/** Check that a file is refused for a reason. */
function refused(bytes, code, reason, given = limits) {
  assert.throws(() => readContainer(Uint8Array.from(bytes), given), { name: "AezError", code, message: reason });
}

test("a plain file is read", () => {
  const found = readContainer(file(H, chunk("q", [1]), Z, T, E), limits);
  assert.deepEqual([found.header.width, found.header.height, found.header.fingerprint], [20, 30, "010203040506"]);
  assert.deepEqual([...found.hyper], [1, 2, 3, 4]);
  assert.deepEqual(found.chunks.map(({ type }) => type), ["H", "q", "Z", "T", "E"]);
  assert.equal(found.whole, false);
});

test("what is no file of this version is refused, and one that ends early", () => {
  const plain = [...file(H, Z, T, E)];
  refused([...SIGNATURE.slice(0, 7), 0x0d, ...plain.slice(8)], "format", /not an/);
  refused([...SIGNATURE, 2, ...plain.slice(9)], "format", /version 2/);
  for (let length = 0; length < plain.length; length++) refused(plain.slice(0, length), "truncated", /ends/);
});

test("a damaged byte of any chunk is found", () => {
  const plain = [...file(H, chunk("x", [9]), Z, T, E)];
  for (let at = 9; at < plain.length; at++) {
    const damaged = Uint8Array.from(plain);
    damaged[at] ^= 0x40;
    assert.throws(() => readContainer(damaged, limits), { name: "AezError" }, `byte ${at}`);
  }
  plain[plain.length - 1] ^= 1;
  refused(plain, "checksum", /does not match/);
});

test("numbers are in their shortest form", () => {
  const long = [0x45, 0x80, 0x00, 0, 0, 0, 0];
  refused(file(H, Z, T, long), "format", /shortest/);
  refused(file(H, Z, T, [0x45, 0x80, 0x80, 0x80, 0x80, 0x10]), "format", /shortest/);
  refused(file(H, Z, T, [0x45, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), "format", /shortest/);
});

test("chunks missing, repeated, out of order or unknown are refused", () => {
  refused(file(Z, H, T, E), "format", /first chunk/);
  refused(file(H, H, Z, T, E), "format", /"H" is out of place/);
  refused(file(H, T, Z, E), "format", /"T" is out of place/);
  refused(file(H, Z, Z, T, E), "format", /"Z" is out of place/);
  refused(file(H, Z, T, T, E), "format", /"T" is out of place/);
  refused(file(H, Z, E), "format", /missing/);
  refused(file(H, T, E), "format", /out of place/);
  refused(file(H, Z, T), "truncated", /END/);
  refused(file(H, Z, T, E, [0]), "truncated", /ends/);
  refused(file(H, Z, T, E, chunk("q")), "format", /after the END/);
  refused(file(H, Z, T, chunk("E", [0])), "format", /"E" is out of place/);
  refused(file(H, chunk("Q"), Z, T, E), "format", /not known/);
  refused(file(H, chunk("\x01"), Z, T, E), "format", /not a letter/);
  refused(file(H, chunk("\xe9"), Z, T, E), "format", /not a letter/);
  for (const type of "iexpf") refused(file(H, chunk(type), Z, chunk(type), T, E), "format", /appears twice/);
});

test("alpha and layers are where the header says", () => {
  const withAlpha = chunk("H", header({ pixel: ALPHA }));
  const A = chunk("A", [6, 0, 9]);
  assert.ok(readContainer(file(withAlpha, A, Z, T, E), limits).alpha);
  refused(file(withAlpha, Z, T, E), "format", /announces/);
  refused(file(H, A, Z, T, E), "format", /announces/);
  refused(file(withAlpha, Z, A, T, E), "format", /"A" is out of place/);
  refused(file(withAlpha, A, A, Z, T, E), "format", /"A" is out of place/);
  const L = chunk("L", [6, 0]);
  const [whole, none] = [chunk("L", [6 + 128, 3, 1, 2, 3]), [chunk("Z"), chunk("T")].flat()];
  assert.equal(readContainer(file(H, L, Z, T, E), limits).whole, false);
  assert.equal(readContainer(file(H, whole, none, E), limits).whole, true);
  refused(file(H, Z, L, T, E), "format", /"L" is out of place/);
  refused(file(H, L, L, Z, T, E), "format", /"L" is out of place/);
  refused(file(chunk("H", header({ pixel: DEPTH_10 })), L, Z, T, E), "format", /more than 8 bits/);
  refused(file(H, whole, Z, chunk("T"), E), "format", /symbols besides/);
  refused(file(H, whole, chunk("Z"), T, E), "format", /symbols besides/);
  refused(file(H, whole, chunk("f"), none, E), "format", /symbols besides/);
  refused(file(chunk("H", header({ layout: 0x80, tile: [5] })), whole, none, E), "format", /symbols besides/);
  refused(file(withAlpha, A, whole, none, E), "format", /announces/);
});

test("fields of the header out of range are refused", () => {
  const refusedHeader = (bytes, code, reason) => refused(file(chunk("H", bytes), Z, T, E), code, reason);
  refusedHeader(header({ width: 0 }), "format", /sides are/);
  refusedHeader(header({ height: 65536 }), "format", /sides are/);
  refusedHeader(header({ pixel: 3 }), "format", /colour model/);
  refusedHeader(header({ layout: 0x20 }), "format", /reserved/);
  refusedHeader(header({ layout: 0x40 }), "format", /reserved/);
  refusedHeader(header({ layout: 0x80 }), "truncated", /short/);
  refusedHeader(header({ layout: 0x80, tile: [3] }), "format", /tile size/);
  refusedHeader(header({ layout: 0x80, tile: [13] }), "format", /tile size/);
  refusedHeader(header({ tile: [4] }), "format", /longer/);
  refusedHeader(header().slice(0, -1), "truncated", /short/);
});

test("the default limits are those of SPEC section 10", () => {
  const large = (width, height) => file(chunk("H", header({ width, height, layout: 0x80, tile: [12] })), Z, T, E);
  refused(large(2 ** 14 + 1, 2 ** 14), "limit", /above the limit/);
  refused(large(2 ** 12, 2 ** 10), "limit", /cannot hold/);
  const many = Array.from({ length: 1021 }, () => chunk("q"));
  assert.ok(readContainer(file(H, ...many, Z, T, E), limits));
  refused(file(H, ...many, chunk("q"), Z, T, E), "limit", /too many chunks/);
  refused(file(H, chunk("q", [1, 2]), chunk("x", [1]), Z, T, E), "limit", /metadata/, { ...limits, maxMetadata: 2 });
});

test("a preview is a file without preview, of at most 1024 pixels a side", () => {
  const own = (fields, ...before) => [...file(chunk("H", header(fields)), ...before, Z, T, E)];
  const stored = (bytes) => readStoredPreview(file(H, chunk("p", bytes)), limits);
  assert.equal(stored(own())?.length, own().length);
  assert.equal(readStoredPreview(file(H, Z, T, E), limits), undefined);
  assert.equal(readStoredPreview(file(H, chunk("i"), chunk("p", own()), Z, T, E), limits), undefined);
  assert.throws(() => stored(own({ width: 1025 })), { code: "format", message: /1024/ });
  assert.throws(() => stored(own({}, chunk("p"))), { code: "format", message: /has a preview/ });
  assert.throws(() => stored(own().slice(0, -1)), { code: "truncated" });
});

test("opacity in tiles is checked", () => {
  const outer = { width: 65, height: 10, fingerprint: "010203040506" };
  const read = (...bytes) => readAlpha(Uint8Array.from(bytes), /** @type {any} */ (outer), limits);
  assert.equal(read(6, 0, 9, 0, 8).tiles.length, 2);
  assert.throws(() => read(), { code: "truncated" });
  assert.throws(() => read(5, 0, 9, 0, 8), { code: "format", message: /size out of range/ });
  assert.throws(() => read(14, 0, 9), { code: "format", message: /size out of range/ });
  assert.throws(() => read(6, 0, 9), { code: "truncated" });
  assert.throws(() => read(6, 0, 9, 0, 8, 7), { code: "format", message: /left over/ });
  assert.throws(() => read(6, 6, 1, 2, 3, 4, 5, 6, 0, 8), { code: "format", message: /VP8L/ });
});

test("opacity as a picture is checked", () => {
  const outer = { width: 20, height: 30, fingerprint: "010203040506" };
  const read = (edge, fields, ...more) => {
    const inner = file(chunk("H", header({ pixel: 1, ...fields })), ...more, Z, T, E);
    return readAlpha(Uint8Array.from([0, edge, ...inner]), /** @type {any} */ (outer), limits);
  };
  assert.equal(read(63, {}, chunk("f")).edge, 63);
  assert.throws(() => read(64, {}), { code: "format", message: /edge/ });
  assert.throws(() => read(0, { width: 21 }), { code: "format", message: /another size/ });
  for (const pixel of [0, 2, 1 + 8, 1 + DEPTH_10]) {
    assert.throws(() => read(0, { pixel }), { code: "format", message: /plain grey/ }, `${pixel}`);
  }
  for (const type of "iexpq") assert.throws(() => read(0, {}, chunk(type)), { code: "format", message: /more than/ });
  assert.throws(() => read(0, {}, chunk("L", [6, 0])), { code: "format", message: /more than/ });
  assert.throws(() => read(0, { pixel: 1 + ALPHA }, chunk("A", [6, 0, 1])), { code: "format", message: /plain grey/ });
});

test("layers are checked", () => {
  const read = (fields, ...bytes) => {
    const size = { width: 65, height: 10, colour: "RGB", alpha: false, ...fields };
    return readLayer(Uint8Array.from(bytes), /** @type {any} */ (size));
  };
  assert.deepEqual(read({}, 6, 0, 3, 1, 2, 3).map(({ pixel }) => pixel), [undefined, 0xff010203]);
  assert.deepEqual(read({ colour: "grey" }, 6, 1, 7, 0)[0].pixel, 0xff070707);
  assert.deepEqual(read({ alpha: true }, 128 + 13, 4, 1, 2, 3, 4)[0].pixel, 0x04010203);
  assert.throws(() => read({}), { code: "truncated" });
  assert.throws(() => read({}, 5, 0, 0), { code: "format", message: /size out of range/ });
  assert.throws(() => read({}, 14, 0), { code: "format", message: /size out of range/ });
  assert.throws(() => read({}, 6, 0), { code: "truncated" });
  assert.throws(() => read({}, 6, 0, 0, 0), { code: "format", message: /left over/ });
  assert.throws(() => read({}, 13, 128), { code: "truncated" });
  assert.throws(() => read({}, 128 + 13, 0), { code: "format", message: /neither/ });
  assert.throws(() => read({}, 13, 1, 7), { code: "format", message: /neither/ });
  assert.throws(() => read({}, 13, 4, 1, 2, 3, 4), { code: "format", message: /neither/ });
  assert.throws(() => read({ alpha: true }, 128 + 13, 3, 1, 2, 3), { code: "format", message: /neither/ });
  assert.throws(() => read({}, 13, ...varint(6), 0x2f, 0, 0, 0, 0, 0), { code: "format", message: /of its size/ });
});

test("a layer covers a pixel or does not, and of smaller pictures part of it", () => {
  const size = { width: 4, height: 4, colour: "RGB", alpha: false };
  const painted = (pixel, reduction) => {
    const view = new View(/** @type {any} */ (size), new Window(0, 4, 0, 4).coarser(reduction), reduction);
    const surface = newSurface(view.window.cols, view.window.rows, 8);
    surface.data.fill(100);
    // The tile covers the left half.
    paintLayer([{ area: new Window(0, 4, 0, 2), pixel }], surface, view, false);
    return [...surface.data];
  };
  assert.deepEqual(painted(0xff0a0b0c, 1).slice(0, 12), [10, 11, 12, 100, 10, 11, 12, 100, 100, 100, 100, 100]);
  assert.deepEqual(painted(0xff0a0b0c, 2).slice(0, 8), [10, 11, 12, 100, 100, 100, 100, 100]);
  assert.deepEqual(painted(0x000a0b0c, 1), new Array(64).fill(100));
  for (const alpha of [1, 128, 254]) {
    assert.throws(() => painted(((alpha << 24) | 5) >>> 0, 1), { code: "format", message: /in part/ });
  }
});
