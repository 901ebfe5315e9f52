import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { launchChromium } from "./chromium.js";
import { serve } from "./server.js";

const entries = JSON.parse(await readFile(new URL("./fixtures/manifest.json", import.meta.url), "utf8"));
const OF_ISOLATED_PAGES = ["photo-q70", "tiles", "alpha-picture", "deep-12", "tiled"];

for (const isolated of [false, true]) {
  describe(isolated ? "in an isolated page, with threads" : "in any page", () => {
    let server, browser, page;

    before(async () => {
      server = await serve({ isolated });
      browser = await launchChromium();
      page = await browser.newPage();
      await page.goto(`${server.url}/blank`);
    });

    after(async () => {
      await browser?.close();
      server?.close();
    });

    test("the page is isolated as the test says", async () => {
      assert.equal(await page.evaluate(() => crossOriginIsolated), isolated);
    });

    for (const entry of entries.filter(({ name }) => !isolated || OF_ISOLATED_PAGES.includes(name))) {
      test(`${entry.name} has Python's digest and pixels`, async () => {
        const faults = await page.evaluate(async (e) => (await import("/test/in-page.js")).faultsOf(e), entry);
        assert.deepEqual(faults, []);
      });
    }
  });
}

test("with WebGPU, here on a software adapter, pixels are Python's, too", async (t) => {
  const server = await serve();
  const browser = await launchChromium(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/blank`);
    if (!(await page.evaluate(async () => await navigator.gpu?.requestAdapter()))) return t.skip("there is no adapter");
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    const faults = await page.evaluate(async (entry) => {
      const { configure, faultsOf } = await import("/test/in-page.js");
      configure({ webgpu: true, worker: false });
      return faultsOf(entry);
    }, entries.find(({ name }) => name === "low"));
    assert.deepEqual(faults, []);
    assert.ok(requests.some((url) => url.includes("webgpu")));
  } finally {
    await browser.close();
    server.close();
  }
});
