/**
 * The page and the element in a browser. The decoder is replaced by one that reads the real header and draws a pattern, so
 * that these tests need neither weights nor the runtime; other tests compare the decoder's pixels with Python's.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before, beforeEach, afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32, inflateSync } from "node:zlib";
import { launchChromium } from "./chromium.js";

const PAGE = fileURLToPath(new URL("..", import.meta.url));
const DATA = fileURLToPath(new URL("../../../tests/data", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../..", import.meta.url));
const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
};
const DECODER = `
  import { readContainer } from "./lib/container.js";
  import { completeLimits } from "./lib/limits.js";
  export const configure = ({ weights }) => (globalThis.PLACE = weights);
  export function info(bytes) {
    bytes = new Uint8Array(bytes);
    const { header, chunks, preview, icc } = readContainer(bytes, completeLimits());
    const { width, height } = header, turned = header.orientation > 4;
    const seen = { width: turned ? height : width, height: turned ? width : height };
    return { ...header, ...seen, bytes: bytes.length, chunks, icc, hasPreview: preview !== undefined };
  }
  export async function preview(bytes) {
    return drawn(8, 6, 8);
  }
  export async function decode(bytes, { onProgress }) {
    const { width, height, depth } = info(bytes);
    if (globalThis.PLACE === "elsewhere/") throw new Error("asked for elsewhere/");
    onProgress(0.5);
    if (globalThis.HELD) await new Promise((go) => (new BroadcastChannel("go").onmessage = go));
    for (const end = performance.now() + (globalThis.SLOW ?? 0); performance.now() < end;);
    return drawn(width, height, depth);
  }
  function drawn(width, height, depth) {
    const data = new (depth > 8 ? Uint16Array : Uint8ClampedArray)(4 * width * height);
    const full = 2 ** depth - 1;
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        data.set([((x * 73) ^ (y * 151)) & full, (y * 5) & full, (x ^ y) & full, x ? full : y & full], at);
        at += 4;
      }
    }
    return { width, height, depth, data };
  }
`;

/** Static files of the page; with the replaced decoder; below /files the golden files and pictures, and damaged ones. */
const extra = new Map();
let requests = [];
const server = createServer(async (request, answer) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
  requests.push(path);
  try {
    const file = path === "/" ? "/index.html" : path;
    const place = file.replace(/^\/weights\//, "/test/fixtures/"); // as make_fixtures.py writes them
    const body = extra.get(file) ?? (await readFile(join(PAGE, place)));
    answer.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
    answer.end(body);
  } catch {
    answer.writeHead(404).end();
  }
});

let browser, context, page, origin, low, broken;
let foreign = [];

before(async () => {
  low = await readFile(join(DATA, "low.aez"));
  broken = Buffer.from(low);
  broken[broken.length >> 1] ^= 1;
  extra.set("/aez.js", DECODER);
  extra.set("/files/low.aez", low);
  extra.set("/files/tiled.aez", await readFile(join(DATA, "tiled.aez")));
  extra.set("/files/broken.aez", broken);
  extra.set("/files/chelsea.png", await readFile(join(EXAMPLES, "chelsea.png")));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

beforeEach(() => fresh({ viewport: { width: 1280, height: 800 } }));

afterEach(async () => {
  await context.close();
  assert.deepEqual(foreign, [], "something was asked of another host, or thrown");
});

async function fresh(options) {
  await context?.close();
  context = await browser.newContext({ acceptDownloads: true, ...options });
  page = await context.newPage();
  foreign = [];
  requests = [];
  page.on("request", (request) => {
    if (!/^(blob:)?http:\/\/127\.0\.0\.1:/.test(request.url()) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  page.on("pageerror", (error) => foreign.push(String(error)));
}

/** Drop files onto the page, as a person does. */
async function drop(...files) {
  await page.evaluate((list) => {
    const transfer = new DataTransfer();
    for (const [name, text] of list) {
      transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    }
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, files.map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]));
}

const shownSize = () =>
  page.waitForFunction(() => {
    const image = document.querySelector("#picture");
    const ready = image.complete && image.naturalWidth && !document.querySelector("#save").disabled;
    return ready && [image.naturalWidth, image.naturalHeight];
  }).then((handle) => handle.jsonValue());

const openLow = async () => {
  await page.goto(`${origin}/?src=files/low.aez`);
  assert.deepEqual(await shownSize(), [150, 100]);
};

/** Let a decoder that is `HELD` go on. */
const go = () => page.evaluate(() => new BroadcastChannel("go").postMessage(0));

const zoom = async () => parseInt(await page.textContent("#percent"), 10);

test("a dropped file is shown in its size, with what it says of itself", async () => {
  await page.goto(origin);
  assert.ok(await page.isVisible("#welcome"));
  await drop(["low.aez", low]);
  assert.deepEqual(await shownSize(), [150, 100]);
  assert.ok(await page.isHidden("#welcome"));
  assert.match(await page.title(), /^low\.aez/);
  await page.keyboard.press("i");
  const details = await page.innerText("#facts");
  for (const part of ["150 × 100", "8-bit RGB", low.length.toLocaleString("en"), "hyper-latents"]) {
    assert.ok(details.includes(part), `${part} in ${details}`);
  }
  const pixels = 8 * low.length / (150 * 100);
  assert.ok(details.includes(pixels.toFixed(2)));
});

test("the picture is as large on the page as the zoom says", async () => {
  await openLow();
  const fitted = await zoom();
  await page.keyboard.press("1");
  assert.equal(await zoom(), 100);
  const box = await page.locator("#picture").boundingBox();
  assert.deepEqual([Math.round(box.width), Math.round(box.height)], [150, 100]);
  assert.equal(await page.getAttribute("#actual", "aria-pressed"), "true");
  await page.keyboard.press("+");
  assert.equal(await zoom(), 125);
  await page.keyboard.press("0");
  assert.equal(await zoom(), fitted);
  assert.equal(await page.getAttribute("#fit", "aria-pressed"), "true");
});

test("the wheel enlarges about the pointer, and a double click turns to one to one", async () => {
  await openLow();
  const start = await page.locator("#picture").boundingBox();
  const point = { x: start.x + start.width * 0.4, y: start.y + start.height * 0.4 };
  const share = (box) => [(point.x - box.x) / box.width, (point.y - box.y) / box.height].map((n) => n.toFixed(2));
  await page.mouse.move(point.x, point.y);
  const before = await zoom();
  for (let i = 0; i < 5; i++) await page.mouse.wheel(0, -100);
  await page.waitForFunction((least) => parseInt(document.querySelector("#percent").textContent, 10) > least, 2 * before);
  assert.deepEqual(share(await page.locator("#picture").boundingBox()), ["0.40", "0.40"]);
  await page.keyboard.press("0");
  await page.mouse.dblclick(point.x, point.y);
  assert.equal(await zoom(), 100);
});

test("two fingers enlarge", async () => {
  await openLow();
  const before = await zoom();
  await page.evaluate(() => {
    const stage = document.querySelector("#stage");
    stage.setPointerCapture = () => {};
    const point = (type, id, x) =>
      stage.dispatchEvent(new PointerEvent(type, { pointerId: id, pointerType: "touch", clientX: x, clientY: 400, bubbles: true }));
    point("pointerdown", 1, 600);
    point("pointerdown", 2, 700);
    point("pointermove", 2, 800);
    point("pointerup", 1, 600);
    point("pointerup", 2, 800);
  });
  assert.ok(Math.abs((await zoom()) / before - 2) < 0.05, `${before} to ${await zoom()}`);
});

test("the saved PNG file has the pixels of the decoder", async () => {
  for (const [name, bits] of [["low", 8], ["deep", 16], ["deep", 10]]) {
    extra.set("/aez.js", bits === 10 ? DECODER.replace("drawn(width, height, depth)", "drawn(width, height, 10)") : DECODER);
    extra.set(`/files/${name}.aez`, await readFile(join(DATA, `${name}.aez`)));
    await page.goto(`${origin}/?src=files/${name}.aez`);
    await shownSize();
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
    assert.equal(download.suggestedFilename(), `${name}.png`);
    const picture = readPng(await readFile(await download.path()));
    const full = 2 ** bits - 1;
    assert.equal(picture.depth, bits > 8 ? 16 : 8);
    let wrong = 0;
    for (let y = 0, at = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const expected = [((x * 73) ^ (y * 151)) & full, (y * 5) & full, (x ^ y) & full, x ? full : y & full];
        for (const sample of expected) wrong += picture.samples[at++] !== (bits === 10 ? (sample << 6) | (sample >> 4) : sample);
      }
    }
    assert.equal(wrong, 0);
  }
  extra.set("/aez.js", DECODER);
});

test("with the real decoder, the saved PNG file has its pixels", async () => {
  extra.delete("/aez.js");
  try {
    for (const name of ["orientation-6", "deep-alpha", "grey", "high"]) {
      await page.goto(`${origin}/?src=test/fixtures/${name}.aez`);
      const seen = await shownSize();
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
      const picture = readPng(await readFile(await download.path()));
      const expected = await page.evaluate(async (file) => {
        const { decode } = await import("./aez.js");
        const { width, height, depth, data } = await decode(await (await fetch(file)).arrayBuffer());
        return { width, height, depth, data: [...data] };
      }, `test/fixtures/${name}.aez`);
      assert.deepEqual([picture.width, picture.height], seen);
      assert.deepEqual([picture.width, picture.height], [expected.width, expected.height]);
      assert.equal(picture.depth, expected.depth > 8 ? 16 : 8);
      const fewer = picture.depth - expected.depth; // the first bits are repeated behind the last
      assert.deepEqual(picture.samples.map((sample) => sample >> fewer), expected.data);
    }
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("a picture is compared with a PNG file; the divider has keys", async () => {
  await page.goto(origin);
  await drop(["low.aez", low], ["chelsea.png", extra.get("/files/chelsea.png")]);
  const divider = page.getByRole("slider", { name: "Divider between low.aez and chelsea.png" });
  await divider.waitFor();
  const now = () => divider.getAttribute("aria-valuenow").then(Number);
  const clip = () => page.locator("#other").evaluate((image) => parseFloat(image.style.clipPath.split(" ").pop()));
  await page.waitForFunction(() => document.activeElement.id === "divider");
  assert.equal(await now(), 50);
  assert.equal(Math.round(await clip()), 75);
  await page.keyboard.press("ArrowRight");
  assert.equal(await now(), 52);
  await page.keyboard.press("Shift+ArrowLeft");
  assert.equal(await now(), 42);
  assert.equal(Math.round(await clip()), 63);
  await page.keyboard.press("End");
  assert.equal(await now(), 100);
  await page.keyboard.press("Home");
  assert.equal(await now(), 0);
  assert.match(await divider.getAttribute("aria-valuetext"), /0 % low\.aez, 100 % chelsea\.png/);
  const box = await page.locator("#picture").boundingBox();
  const handle = await divider.boundingBox();
  await page.mouse.move(handle.x + handle.width / 2, 300);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, 320, { steps: 4 });
  await page.mouse.up();
  assert.equal(await now(), 75);
  assert.match(await page.innerText("#right-tag"), /chelsea\.png.*451 × 300/s);
  await page.getByRole("button", { name: "End the comparison" }).click();
  assert.ok(await page.isHidden("#divider"));
});

test("errors are told: damaged files, foreign files, other hosts", async () => {
  await page.goto(origin);
  await drop(["broken.aez", broken]);
  const problem = page.getByRole("alert");
  await problem.waitFor();
  assert.match(await problem.innerText(), /cannot be shown\s+broken\.aez: .{10,}/);
  assert.ok(await page.isDisabled("#save"));
  await drop(["low.aez", low]);
  assert.deepEqual(await shownSize(), [150, 100]);
  assert.ok(await problem.isHidden());
  await drop(["notes.txt", Buffer.from("notes")]);
  await page.waitForFunction(() => /neither an \.aez file nor/.test(document.querySelector("#status").textContent));
  assert.ok(await page.isVisible("#picture"), "the picture before is still there");
  await page.goto(`${origin}/?src=https://elsewhere.invalid/a.aez`);
  assert.match(await problem.innerText(), /a\.aez: this page opens only files of its own site/);
  await page.goto(`${origin}/?src=files/missing.aez`);
  await page.waitForFunction(() => /404/.test(document.querySelector("#problem").textContent));
});

test("the page answers while a picture is decoded, and says how far it is", async () => {
  extra.set("/aez.js", `globalThis.HELD = true; globalThis.SLOW = 2000;${DECODER}`);
  try {
    await page.goto(origin);
    await drop(["low.aez", low]);
    await page.waitForFunction(() => document.querySelector("#progress").getAttribute("aria-valuenow") === "50");
    assert.equal(await page.textContent("#status"), "Decoding 50 %");
    assert.equal(await page.getByRole("status").textContent(), "Decoding");
    const gap = await page.evaluate(async () => {
      new BroadcastChannel("go").postMessage(0);
      let last = performance.now(), longest = 0;
      while (document.querySelector("#save").disabled) {
        await new Promise(requestAnimationFrame);
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
      return longest;
    });
    assert.ok(gap < 1000, `the page stood still for ${gap} ms`);
    assert.ok(await page.isHidden("#progress"));
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

/** A file with one more chunk, behind the header. */
function withChunk(file, type, payload) {
  const end = 9 + 2 + file[10] + 4;
  const head = Buffer.from([type.charCodeAt(0), 0x80 | (payload.length & 127), payload.length >> 7]);
  const body = Buffer.concat([head, payload]), sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body));
  return Buffer.concat([file.subarray(0, end), body, sum, file.subarray(end)]);
}

test("the colour profile is in the PNG file, also of a picture that happens to be grey", async () => {
  const profile = Buffer.alloc(200, 7);
  profile.write("RGB ", 16, "latin1");
  const file = withChunk(low, "i", profile);
  for (const pixels of [DECODER, DECODER.replace(/data\.set\(.*/, "data.set([y, y, y, 255], at);")]) {
    extra.set("/aez.js", pixels);
    try {
      await page.goto(origin);
      await drop(["profile.aez", file]);
      await shownSize();
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
      const png = await readFile(await download.path());
      const at = png.indexOf("iCCP");
      assert.ok(at > 0);
      assert.ok(inflateSync(png.subarray(at + 4 + 5, at + 4 + png.readUInt32BE(at - 4))).equals(profile));
      assert.equal(png[25] & 2, 2, "not of RGB");
    } finally {
      extra.set("/aez.js", DECODER);
    }
  }
});

test("the stored preview is shown before the picture, in its size", async () => {
  extra.set("/aez.js", `globalThis.HELD = true;${DECODER}`);
  const file = withChunk(extra.get("/files/tiled.aez"), "p", low);
  extra.set("/files/preview.aez", file);
  try {
    await page.goto(origin);
    await drop(["preview.aez", file]);
    await page.locator("#layers.preview").waitFor();
    await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 8);
    const before = await page.locator("#picture").boundingBox();
    await go();
    assert.deepEqual(await shownSize(), [300, 200]);
    assert.deepEqual(await page.locator("#picture").boundingBox(), before);
    assert.equal(await page.locator("#layers.preview").count(), 0);
    await elements(`<aez-img src="files/preview.aez" alt="A face"></aez-img>`);
    await page.locator('aez-img [part="picture preview"]').waitFor();
    assert.deepEqual(await page.evaluate(() => [document.querySelector("aez-img").complete, document.querySelector("aez-img").width]), [false, 300]);
    await go();
    await settled();
    assert.equal(await page.locator('aez-img [part="picture"]').count(), 1);
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("files are gone through; a file is decoded once", async () => {
  await page.goto(origin);
  await drop(["low.aez", low], ["tiled.aez", extra.get("/files/tiled.aez")]);
  await shownSize();
  assert.match(await page.innerText("#name"), /low\.aez\s*1 of 2/);
  assert.ok(await page.isDisabled("#back"));
  await page.keyboard.press("]");
  await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 300);
  const address = () => page.getAttribute("#picture", "src");
  const second = await address();
  await page.getByRole("button", { name: "Previous file" }).click();
  await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 150);
  await page.keyboard.press("]");
  await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 300);
  assert.equal(await address(), second);
});

test("the page works without a network after the first visit", async () => {
  await page.goto(origin); // the service worker comes too late to have seen these files pass
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await context.setOffline(true);
  server.closeAllConnections();
  const asked = requests.length;
  await page.goto(`${origin}/`);
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  await drop(["low.aez", low]);
  assert.deepEqual(await shownSize(), [150, 100]);
  assert.equal(requests.length, asked);
});

test("a new release of the page replaces the old one at the next visit", async () => {
  await openLow();
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  extra.set("/page.css", "body { outline: 7px solid }");
  try {
    await page.reload();
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).outlineWidth), "7px");
  } finally {
    extra.delete("/page.css");
  }
});

test("the service worker keeps the page and its modules, not pictures; its cache changes with the runtime", async () => {
  extra.delete("/aez.js"); // the real one, with all its modules
  try {
    await fresh({ serviceWorkers: "block" });
    await page.goto(`${origin}/?src=test/fixtures/low.aez`);
    await shownSize();
    const needed = requests.filter((path) => /\.(js|css|svg|webmanifest)$/.test(path));
    assert.ok(needed.length > 30, `${needed.length} files`);
    await fresh({});
    await page.goto(origin);
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    const kept = async () =>
      page.evaluate(async () => {
        const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
        return (await Promise.all(caches_.map((cache) => cache.keys()))).flat().map(({ url }) => new URL(url).pathname);
      });
    const found = await kept();
    assert.deepEqual(["/", "/index.html", ...needed].filter((path) => !found.includes(path)), []);
    await page.goto(`${origin}/?src=files/chelsea.png`);
    await shownSize();
    assert.ok(!(await kept()).some((path) => path.endsWith(".png")));
    const { dependencies } = JSON.parse(await readFile(join(PAGE, "package.json"), "utf8"));
    assert.deepEqual(await page.evaluate(() => caches.keys()), [`aez-page-${dependencies["onnxruntime-web"]}`]);
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("on a phone nothing scrolls sideways, and every control can be reached", async () => {
  await fresh({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
  await page.goto(origin);
  await drop(["a file with a rather long name that cannot fit into the title of a phone.aez", low], ["chelsea.png", extra.get("/files/chelsea.png")]);
  await page.locator("#divider:focus").waitFor();
  for (const step of [null, "#facts-button"]) {
    if (step) await page.tap(step);
    const { wide, out } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - 390, // innerWidth grows with the content
      out: [...document.querySelectorAll("button, [role=slider]")]
        .filter((one) => one.checkVisibility())
        .filter((one) => {
          const { left, right, top, bottom } = one.getBoundingClientRect();
          return left < 0 || right > 390 || top < 0 || bottom > 844;
        })
        .map((one) => one.id),
    }));
    assert.equal(wide, 0);
    assert.deepEqual(out, []);
  }
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("nav button, .zoom button")].filter((one) => one.getBoundingClientRect().height < 40).length);
  assert.equal(small, 0);
});

test("every control has a name, and all are reached by Tab", async () => {
  await page.goto(origin);
  await drop(["low.aez", low], ["chelsea.png", extra.get("/files/chelsea.png")]);
  await page.locator("#divider:focus").waitFor();
  await page.keyboard.press("i");
  const client = await context.newCDPSession(page);
  const { nodes } = await client.send("Accessibility.getFullAXTree");
  const roles = new Set(["button", "slider", "image", "link", "dialog", "complementary", "navigation", "progressbar", "textbox"]);
  const controls = nodes.filter(({ ignored, role }) => !ignored && roles.has(role?.value));
  assert.ok(controls.length > 12, `${controls.length} controls`);
  assert.deepEqual(controls.filter(({ name }) => !name?.value).map(({ role }) => role.value), []);
  const reached = new Set();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id));
  }
  const visible = await page.evaluate(() =>
    [...document.querySelectorAll("button:not(:disabled)")].filter((one) => one.checkVisibility()).map((one) => one.id));
  assert.deepEqual(visible.filter((id) => !reached.has(id)), []);
});

test("text is readable in both colours, which follow the system or the reader", async () => {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(origin);
    await drop(["low.aez", low]);
    await shownSize();
    if (await page.isHidden("#facts")) await page.keyboard.press("i");
    const low_ = await page.evaluate(poorContrast);
    assert.deepEqual(low_, []);
  }
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await back();
  await page.keyboard.press("t");
  const light = await back();
  assert.notEqual(light, dark);
  assert.ok(await page.getByRole("button", { name: "Colours: light" }).isVisible());
  await page.reload();
  assert.equal(await back(), light, "the choice is kept");
});

/** Texts of the page whose contrast to what is behind them is below 4.5. */
function poorContrast() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const light = (rgb) =>
    rgb.slice(0, 3).map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const found = [];
  for (const one of document.querySelectorAll("p, button, h2, h3, dt, dd, span, b, output, kbd")) {
    const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !one.checkVisibility() || one.closest(":disabled, .tag")) continue;
    let behind = null;
    for (let up = one; up && !behind; up = up.parentElement) {
      const colour = rgba(getComputedStyle(up).backgroundColor);
      if (colour[3] > 0.85) behind = colour;
    }
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${one.textContent.trim()} ${(a + 0.05) / (b + 0.05)}`);
  }
  return found;
}

// ---------------------------------------------------------------- the element

async function elements(html) {
  extra.set("/elements.html", `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none';
    script-src 'self'; img-src 'self' blob:; connect-src 'self'; worker-src 'self'; style-src 'self'">
    <script type="module" src="aez-img.js"></script><body>${html}`);
  await page.goto(`${origin}/elements.html`);
}

const settled = () => page.waitForFunction(() => [...document.querySelectorAll("aez-img")].every((one) => one.complete));

test("the element shows a picture with its name and size", async () => {
  await elements(`<aez-img id="a" src="files/low.aez" alt="A face"></aez-img><aez-img id="b" src="files/low.aez" width="75"></aez-img>
    <aez-img id="c" src="files/tiled.aez" width="90" height="60" alt=""></aez-img>`);
  await settled();
  await page.getByRole("img", { name: "A face" }).waitFor();
  const sizes = await page.evaluate(() =>
    ["a", "b", "c"].map((id) => document.getElementById(id)).map((e) => [e.width, e.height, e.naturalWidth, e.naturalHeight]));
  assert.deepEqual(sizes, [[150, 100, 150, 100], [75, 50, 150, 100], [90, 60, 300, 200]]);
  assert.deepEqual(await page.evaluate(() => {
    const one = document.getElementById("a");
    one.width = 30;
    return [one.getAttribute("width"), one.clientWidth, one.clientHeight, one.src.endsWith("/files/low.aez"), one.loading];
  }), ["30", 30, 20, true, "eager"]);
});

test("the element tells of broken and missing files, in words and with events", async () => {
  await elements(`<aez-img id="a" alt="A face"></aez-img><aez-img id="b" alt="Another"></aez-img><aez-img id="c" alt="Good"></aez-img>`);
  const events = await page.evaluate(async () => {
    await customElements.whenDefined("aez-img");
    const found = [];
    for (const [id, src] of [["a", "files/broken.aez"], ["b", "files/missing.aez"], ["c", "files/low.aez"]]) {
      const one = document.getElementById(id);
      await new Promise((resolve) => {
        for (const kind of ["load", "error"]) one.addEventListener(kind, () => resolve(found.push(`${id} ${kind}`)), { once: true });
        one.src = src;
      });
    }
    return found;
  });
  assert.deepEqual(events, ["a error", "b error", "c load"]);
  const text = async (id) => {
    assert.ok(await page.locator(`#${id} [part=error]`).isVisible());
    return page.locator(`#${id} [part=error]`).innerText();
  };
  assert.match(await text("a"), /A face — The picture cannot be shown: .{10,}/);
  assert.match(await text("b"), /Another — The picture cannot be shown: it cannot be loaded \(404\)\./);
  assert.ok(await page.locator("#c [part=error]").isHidden());
  await page.evaluate(() => (document.getElementById("a").src = "files/low.aez"));
  await settled();
  assert.ok(await page.locator("#a [part=error]").isHidden());
  assert.ok(await page.locator("#a [part=picture]").isVisible());
});

test("lazy elements load when they come near", async () => {
  await elements(`<aez-img src="files/low.aez" loading="lazy" width="150" height="100"></aez-img>${"<br>".repeat(400)}
    <aez-img id="far" src="files/tiled.aez" loading="lazy" width="300" height="200"></aez-img>`);
  await page.waitForFunction(() => document.querySelector("aez-img").complete);
  assert.equal(await page.evaluate(() => document.getElementById("far").complete), false);
  await page.evaluate(() => document.getElementById("far").scrollIntoView());
  await settled();
  assert.ok(requests.includes("/files/tiled.aez"));
});

test("elements share one worker and decode one after the other", async () => {
  extra.set("/aez.js", DECODER.replace("onProgress(0.5);", `
    if (globalThis.BUSY) throw new Error("two at a time");
    globalThis.BUSY = true;
    await new Promise((done) => setTimeout(done, 60));
    globalThis.BUSY = false;`));
  try {
    await elements(`<aez-img src="files/low.aez"></aez-img>`.repeat(4));
    await settled();
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("aez-img")].map((one) => one.naturalWidth && one.shadowRoot.textContent)), ["", "", "", ""]);
    assert.equal(page.workers().length, 1);
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("an element that is removed or gets another file drops what it was decoding", async () => {
  extra.set("/aez.js", `globalThis.SLOW = 150;${DECODER}`);
  try {
    await elements(`<aez-img id="a" src="files/low.aez" alt=""></aez-img><aez-img id="gone" src="files/low.aez" alt=""></aez-img>`);
    const events = await page.evaluate(async () => {
      await customElements.whenDefined("aez-img");
      const a = document.getElementById("a"), gone = document.getElementById("gone"), found = [];
      for (const one of [a, gone]) for (const kind of ["load", "error"]) one.addEventListener(kind, () => found.push(`${one.id} ${kind} ${one.naturalWidth}`));
      gone.remove();
      a.src = "files/tiled.aez";
      while (!a.complete) await new Promise(requestAnimationFrame);
      return found;
    });
    assert.deepEqual(events, ["a load 300"]);
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("the decoder of all elements can be configured, before and after it has started", async () => {
  await elements(`<aez-img src="files/low.aez" alt=""></aez-img>`);
  await settled();
  const place = (weights) =>
    page.evaluate(async (weights) => {
      (await import("./display/decoder.js")).decoder.configure({ weights });
      document.querySelector("aez-img").src = "files/low.aez";
    }, weights);
  await place("elsewhere/");
  await settled();
  assert.match(await page.locator("aez-img [part=error]").innerText(), /asked for elsewhere/);
  await place("here/");
  await settled();
  assert.ok(await page.locator("aez-img [part=picture]").isVisible());
});

test("an element in a page without the decoder says so", async () => {
  extra.set("/aez.js", "export syntax error");
  try {
    await elements(`<aez-img src="files/low.aez" alt="A face"></aez-img>`);
    await settled();
    assert.match(await page.locator("aez-img [part=error]").innerText(), /the decoder (cannot be loaded|stopped)/);
  } finally {
    extra.set("/aez.js", DECODER);
  }
});

test("the examples of the documentation work", async () => {
  const text = await readFile(fileURLToPath(new URL("../../../docs/pages/browser.md", import.meta.url)), "utf8");
  const blocks = [...text.matchAll(/^```(html|js)\n(.*?)^```$/gms)];
  assert.deepEqual(blocks.map(([, kind]) => kind), ["html", "js"]);
  extra.set("/photo.aez", low);
  extra.set("/example.html", `<!doctype html><body>${blocks[0][2]}`);
  extra.set("/example.js", `${blocks[1][2]}; document.body.append(canvas); globalThis.done = [width, height, chunks.length];`);
  await page.goto(`${origin}/example.html`);
  await page.locator("aez-img").last().scrollIntoViewIfNeeded();
  await settled();
  for (const name of ["An astronaut", "The same, further down"]) await page.getByRole("img", { name }).waitFor();
  await page.evaluate(() => import("./example.js"));
  assert.deepEqual(await page.evaluate(() => globalThis.done), [150, 100, 4]);
  const [red, green] = await page.evaluate(() => document.querySelector("canvas").getContext("2d").getImageData(3, 2, 1, 1).data);
  assert.deepEqual([red, green], [((3 * 73) ^ (2 * 151)) & 255, 2 * 5]);
});

// ---------------------------------------------------------------- reading PNG files

const CHANNELS = [[0, 0, 0, -1], [], [0, 1, 2, -1], [], [0, 0, 0, 1], [], [0, 1, 2, 3]];

/** Read a PNG file of 8 or 16 bits without interlacing; all kinds give four samples per pixel. */
function readPng(file) {
  const parts = [];
  let at = 8, header;
  while (at < file.length) {
    const length = file.readUInt32BE(at), type = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = body;
    if (type === "IDAT") parts.push(body);
    at += 12 + length;
  }
  const [width, height, depth, colour] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]];
  const count = { 0: 1, 2: 3, 4: 2, 6: 4 }[colour];
  const step = (count * depth) / 8, length = width * step;
  const raw = inflateSync(Buffer.concat(parts));
  const rows = Buffer.alloc(length * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (length + 1)];
    for (let i = 0; i < length; i++) {
      const left = i < step ? 0 : rows[y * length + i - step], up = y ? rows[(y - 1) * length + i] : 0;
      const corner = i < step || !y ? 0 : rows[(y - 1) * length + i - step];
      const estimate = left + up - corner;
      const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
      const add = [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner][filter];
      rows[y * length + i] = raw[y * (length + 1) + 1 + i] + add;
    }
  }
  const stored = depth === 16 ? Array.from({ length: rows.length / 2 }, (_, i) => rows.readUInt16BE(2 * i)) : rows;
  const samples = [];
  for (let from = 0; from < stored.length; from += count) {
    for (const channel of CHANNELS[colour]) samples.push(channel < 0 ? 2 ** depth - 1 : stored[from + channel]);
  }
  return { width, height, depth, samples };
}
