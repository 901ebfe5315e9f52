import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launchChromium } from "./chromium.js";
import { serve } from "./server.js";

const TINY = "cc3b06a78481";
let server, browser, context, page, requests;

before(async () => {
  server = await serve();
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  server?.close();
});

// A new context has an empty cache.
beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
  requests = [];
  context.on("request", (request) => requests.push(request.url()));
  page = await opened();
});

async function opened() {
  const made = await context.newPage();
  await made.goto(`${server.url}/blank`);
  return made;
}

/** Call a function of in-page.js in the page. */
function inPage(name, ...args) {
  return page.evaluate(async ([f, a]) => (await import("/test/in-page.js"))[f](...a), [name, args]);
}

const requested = (text) => requests.filter((url) => url.includes(text));

test("info describes a file and decodes nothing", async () => {
  const facts = await inPage("infoOf", "orientation-6");
  assert.deepEqual(
    [facts.width, facts.height, facts.storedWidth, facts.storedHeight, facts.orientation, facts.depth, facts.colour],
    [71, 97, 97, 71, 6, 8, "RGB"],
  );
  assert.equal(facts.fingerprint, TINY);
  assert.deepEqual(facts.exif, [...Buffer.from("MM\0*")]);
  assert.match(facts.chunks.map(({ type }) => type).join(""), /^He.*ZTE$/);
  assert.equal(facts.hasPreview, false);
  assert.equal((await inPage("infoOf", "tiles")).tileSide, 256);
  assert.deepEqual([(await inPage("infoOf", "layer-over")).layer, (await inPage("infoOf", "layer-whole")).layer], ["over", "whole"]);
  assert.deepEqual(requested(".safetensors").concat(requested(".wasm")), []);
});

test("preview is the stored one", async () => {
  const { width, height } = await inPage("previewOf", "grey-rgb");
  assert.ok(Math.max(width, height) <= 1024 && width > 0 && height > 0);
  assert.equal(await inPage("previewOf", "low"), undefined);
});

test("progress grows to 1", async () => {
  const { shares } = await inPage("call", "windows.aez", {});
  assert.ok(shares.length > 8 && shares.at(-1) === 1);
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
});

test("options out of range are refused", async () => {
  for (const options of [
    { scale: 1 / 3 }, { scale: 0 }, { region: [0, 0, 151, 1] }, { region: [-1, 0, 2, 2] }, { region: [0, 0, 0, 1] },
    { region: [0, 0, 1] }, { region: [0.5, 0, 1, 1] }, { limits: { pixels: 1 } }, { limits: { maxPixels: -1 } },
  ]) {
    assert.equal((await inPage("call", "low.aez", options)).code, "argument", JSON.stringify(options));
  }
});

test("limits are kept before anything is loaded for more", async () => {
  for (const limits of [{ maxPixels: 14999 }, { maxSide: 149 }, { maxChunks: 2 }]) {
    assert.equal((await inPage("call", "low.aez", { limits })).code, "limit", JSON.stringify(limits));
  }
  assert.equal((await inPage("call", "orientation-1.aez", { limits: { maxMetadata: 10 } })).code, "limit");
  assert.equal((await inPage("call", "lossless-grey.aez", { limits: { maxMemory: 1e6 } })).code, "limit");
  assert.deepEqual(requested(".safetensors"), []);
  assert.equal((await inPage("call", "low.aez", { limits: { maxSymbols: 1000 } })).code, "limit");
  assert.equal((await inPage("call", "windows.aez", { limits: { maxMemory: 1e8 } })).code, "limit");
  assert.deepEqual(requested(".onnx"), []);
  assert.equal((await inPage("call", "low.aez", { limits: { maxPixels: 15000 } })).width, 150);
});

test("weights that are missing, false or damaged are refused, and then asked for again", async () => {
  const damages = [
    (bytes) => bytes.fill(1, bytes.length - 1),
    (bytes) => bytes.subarray(0, bytes.length - 10),
    (bytes) => bytes.subarray(0, 4),
    (bytes) => bytes.fill(255, 0, 8),
    (bytes) => bytes.fill(0x20, 8, 20),
  ];
  let damage;
  await context.route(`**/${TINY}.safetensors`, async (route) => {
    const response = await route.fetch();
    if (damage === "missing") return route.fulfill({ status: 404 });
    if (damage === "false") return route.continue({ url: `${server.url}/test/fixtures/b2f48118b471.safetensors` });
    await route.fulfill({ response, body: damage ? Buffer.from(damage(new Uint8Array(await response.body()))) : undefined });
  });
  for (damage of ["missing", "false", ...damages]) {
    assert.equal((await inPage("call", "low.aez", {})).code, "model", String(damage));
  }
  damage = undefined;
  assert.equal((await inPage("call", "low.aez", {})).width, 150);
});

test("weights may be a function, an address or bytes", async () => {
  const widths = await page.evaluate(async (name) => {
    const { configure, decode } = await import("/aez.js");
    const file = await (await fetch("/test/fixtures/low.aez")).arrayBuffer();
    const address = `/test/fixtures/${name}.safetensors`;
    const asked = [];
    const sources = [
      (fingerprint) => (asked.push(fingerprint), address),
      async () => (await fetch(address)).arrayBuffer(),
      new URL(address, location.href),
      new Uint8Array(await (await fetch(address)).arrayBuffer()),
    ];
    const found = [];
    for (const weights of sources) {
      configure({ weights, worker: found.length % 2 === 0 });
      found.push((await decode(file)).width);
    }
    return [...found, ...asked];
  }, TINY);
  assert.deepEqual(widths, [150, 150, 150, 150, TINY]);
});

test("a runtime that is missing is an error of its own", async () => {
  const code = await page.evaluate(async () => {
    const { configure, decode } = await import("/aez.js");
    configure({ weights: "/test/fixtures/", wasmPaths: "/nowhere/" });
    const file = await (await fetch("/test/fixtures/low.aez")).arrayBuffer();
    return decode(file).catch((error) => error.code);
  });
  assert.equal(code, "model");
});

test("a worker that cannot be loaded is an error, and is tried again", async () => {
  await context.route("**/lib/worker.js", (route) => route.fulfill({ status: 404 }));
  assert.equal((await inPage("call", "low.aez", {})).code, "model");
  await context.unroute("**/lib/worker.js");
  assert.equal((await inPage("call", "low.aez", {})).width, 150);
});

test("weights are fetched once, and again if the kept ones are damaged", async () => {
  assert.equal((await inPage("call", "low.aez", {})).width, 150);
  assert.equal(requested(TINY).length, 1);
  page = await opened();
  assert.equal((await inPage("call", "low.aez", {})).width, 150);
  assert.equal(requested(TINY).length, 1);
  await page.evaluate(async (name) => {
    const cache = await caches.open("aez-weights-1");
    await cache.put(new URL(`/test/fixtures/${name}.safetensors`, location.href), new Response(new Uint8Array(9)));
  }, TINY);
  page = await opened();
  assert.equal((await inPage("call", "low.aez", {})).width, 150);
  assert.equal(requested(TINY).length, 2);
});

test("a picture that is a layer needs neither weights nor runtime", async () => {
  assert.equal((await inPage("call", "lossless-alpha.aez", {})).width, 97);
  assert.deepEqual(requested(".safetensors").concat(requested(".wasm")), []);
});

test("nothing is loaded from elsewhere", async () => {
  await inPage("call", "layered.aez", {});
  assert.ok(requests.length > 10);
  assert.deepEqual(requests.filter((url) => !url.startsWith(server.url)), []);
});

test("files of another layout are refused, and what is no file", async () => {
  const codes = await page.evaluate(async () => {
    const { crc32 } = await import("/lib/crc32.js");
    const { decode, digest, info } = await import("/aez.js");
    const file = new Uint8Array(await (await fetch("/test/fixtures/dot.aez")).arrayBuffer());
    file[14] = 1;
    new DataView(file.buffer).setUint32(23, crc32(file.subarray(9, 23)), true);
    const code = async (call) => {
      try {
        return await call();
      } catch (error) {
        return error.code;
      }
    };
    return [
      await code(async () => info(file).layout),
      await code(() => decode(file)),
      await code(() => digest(file)),
      await code(() => decode(new ArrayBuffer(0))),
      await code(() => decode("dot.aez")),
    ];
  });
  assert.deepEqual(codes, [1, "format", "format", "truncated", "argument"]);
});
