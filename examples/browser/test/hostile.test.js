import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { crc32 } from "../lib/crc32.js";
import { launchChromium } from "./chromium.js";
import { random } from "./random.js";
import { serve } from "./server.js";

const FILES = ["low", "high", "tiled", "deep", "layered", "rare", "exact", "alpha-picture", "grey-rgb", "lossless-alpha", "filter-grey"];
const MUTATIONS = 300;
const AT_ONCE = 20;
const MOST_SECONDS = 5;
const FIRST_CHUNK = 9;

const contents = await Promise.all(FILES.map((name) => readFile(new URL(`./fixtures/${name}.aez`, import.meta.url))));

/** Return places of a file's chunks: of the type, of the payload, and of the checksum. */
function chunksOf(file) {
  const chunks = [];
  for (let at = FIRST_CHUNK; at < file.length; ) {
    let [length, start, shift] = [0, at + 1, 0];
    do length += (file[start] & 127) * 2 ** shift;
    while (((shift += 7), file[start++] >= 128) && shift < 35);
    const end = start + length;
    if (end + 4 > file.length) break;
    chunks.push({ at, start, end });
    at = end + 4;
  }
  return chunks;
}

/** Damage a file; in half of the cases the checksums are those of the damaged chunks. */
function mutated(below) {
  let file = new Uint8Array(contents[below(contents.length)]);
  const kind = below(8);
  if (kind === 0) file = file.slice(0, below(file.length));
  else if (kind === 1) file = withChunksMoved(file, below);
  else if (kind === 2) file = withBytesInserted(file, below);
  else for (let change = 1 + below(4); change > 0; change--) changeByte(file, below, kind);
  if (below(2)) repairChecksums(file);
  return file;
}

function changeByte(file, below, kind) {
  const chunks = chunksOf(file);
  const chunk = chunks[below(chunks.length)] ?? { start: 0, end: file.length };
  // Of a chunk its first bytes in half of the cases: heads, sizes and kinds.
  const room = kind % 2 ? Math.min(8, chunk.end - chunk.start) : chunk.end - chunk.start;
  const place = kind === 7 ? below(file.length) : chunk.start + below(Math.max(1, room));
  file[Math.min(place, file.length - 1)] = below(2) ? below(256) : file[place] ^ (1 << below(8));
}

function withChunksMoved(file, below) {
  const chunks = chunksOf(file).map(({ at, end }) => file.slice(at, end + 4));
  const [from, to] = [below(chunks.length), below(chunks.length + 1)];
  const chunk = below(2) ? chunks[from] : chunks.splice(from, 1)[0];
  if (below(3)) chunks.splice(to, 0, chunk);
  return Uint8Array.from([...file.slice(0, FIRST_CHUNK), ...chunks.flatMap((bytes) => [...bytes])]);
}

function withBytesInserted(file, below) {
  const place = below(file.length);
  return Uint8Array.from([...file.slice(0, place), ...Array.from({ length: 1 + below(9) }, () => below(256)), ...file.slice(place)]);
}

function repairChecksums(file) {
  const view = new DataView(file.buffer);
  for (const { at, end } of chunksOf(file)) view.setUint32(end, crc32(file.subarray(at, end)), true);
}

let server, browser, page;

before(async () => {
  server = await serve();
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(`${server.url}/blank`);
});

after(async () => {
  await browser?.close();
  server?.close();
});

test(`${MUTATIONS} damaged files are refused with an AezError or give a picture, each within ${MOST_SECONDS} s`, async (t) => {
  const below = random(24);
  const outcomes = {};
  // Weights, runtime and networks are loaded before the clock runs.
  for (const name of FILES) await page.evaluate(async (n) => (await import("/test/in-page.js")).call(`${n}.aez`), name);
  for (let done = 0; done < MUTATIONS; done += AT_ONCE) {
    const files = Array.from({ length: AT_ONCE }, () => [...mutated(below)]);
    const results = await page.evaluate(async (f) => (await import("/test/in-page.js")).decodeDamaged(f), files);
    results.forEach(({ fault, code, seconds }, i) => {
      assert.equal(fault, undefined, `file ${done + i}`);
      assert.ok(seconds < MOST_SECONDS, `file ${done + i} takes ${seconds} s`);
      outcomes[code] = (outcomes[code] ?? 0) + 1;
    });
  }
  t.diagnostic(JSON.stringify(outcomes));
  for (const code of ["format", "checksum", "truncated", "decoded"]) assert.ok(outcomes[code] > 5, `${code}: ${outcomes[code]}`);
});
