/** `aez view` with the page in a browser: the server decodes, the page shows. `PYTHON` may name an interpreter with aez. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launchChromium } from "./chromium.js";

const path = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const OF_CI = [".venv-test/bin/python", ".venv-light/bin/python"].map(path);
const PYTHON = process.env.PYTHON ?? OF_CI.find((file) => existsSync(file)) ?? "python3";
const TINY = ["--model", path("tests/data/tiny.safetensors")];
const [LOW, TILED, CAT] = ["tests/data/low.aez", "tests/data/tiled.aez", "examples/chelsea.png"].map(path);

let browser;
before(async () => (browser = await launchChromium()));
after(() => browser?.close());

/** Run `aez view` on some files while a test uses its page. */
async function viewed(files, use) {
  const server = spawn(PYTHON, ["-m", "aez.cli", "view", "--no-open", ...files]);
  const ended = once(server, "exit");
  let errors = "";
  server.stderr.on("data", (data) => (errors += data));
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  try {
    const [line] = await Promise.race([once(server.stdout, "data"), ended.then(() => assert.fail(errors))]);
    const address = String(line).trim();
    page.on("request", (request) => {
      const own = request.url().startsWith(address) || request.url().startsWith("blob:");
      if (!own) faults.push(request.url());
    });
    await page.goto(address);
    await use(page, address);
    assert.deepEqual(faults, []);
  } finally {
    await page.close();
    server.kill("SIGINT");
    assert.deepEqual([(await ended)[0], errors], [0, ""]);
  }
}

const shown = (page, width) =>
  page.waitForFunction((expected) => {
    const image = document.querySelector("#picture");
    return image.naturalWidth === expected && !document.querySelector("#save").disabled;
  }, width);

test("files are shown as the server decodes them, and no service worker stays behind", async () => {
  await viewed([...TINY, LOW, TILED], async (page, address) => {
    await shown(page, 150);
    assert.match(await page.innerText("#name"), /low\.aez\s*1 of 2/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
    const saved = await readFile(await download.path());
    const served = Buffer.from(await (await fetch(`${address}pictures/0`)).arrayBuffer());
    assert.ok(saved.equals(served));
    await page.keyboard.press("]");
    await shown(page, 300);
    await page.keyboard.press("i");
    assert.match(await page.innerText("#facts"), /tiles\s+2\s/);
    assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  });
});

test("one picture beside one .aez file is compared at once; the page may use threads", async () => {
  await viewed([...TINY, CAT, LOW], async (page) => {
    await page.getByRole("slider", { name: "Divider between low.aez and chelsea.png" }).waitFor();
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  });
});

test("a dropped file is decoded by the server", async () => {
  await viewed([...TINY, LOW], async (page) => {
    await shown(page, 150);
    const drop = (bytes) =>
      page.evaluate((text) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "dropped.aez"));
        dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
      }, bytes.toString("base64"));
    const tiled = await readFile(TILED);
    await drop(tiled);
    await shown(page, 300);
  });
});

