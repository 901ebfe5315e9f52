import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "./server.js";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const MOST_MILLISECONDS = 120_000;
/** Files that take little time, of all kinds; and every golden file. */
const NAMES = [
  ...Object.keys(JSON.parse(await readFile(new URL("../../../tests/data/goldens.json", import.meta.url), "utf8"))),
  "photo-q20", "grey", "alpha-tiles", "alpha-picture", "deep-12", "layer-over", "lossless-alpha", "tiles", "filter-grey",
];
/** Nothing but the page is loaded. */
const PREFERENCES = {
  "app.update.enabled": false,
  "browser.newtabpage.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.blocklist.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "http://127.0.0.1:9/",
  "toolkit.telemetry.enabled": false,
};

/** Open a page in a new profile, and wait for its report. */
async function reportOf(options, path) {
  const profile = await mkdtemp(join(tmpdir(), "aez-firefox-"));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  await writeFile(join(profile, "user.js"), lines.join("\n"));
  let report;
  const reported = new Promise((resolve) => (report = resolve));
  const server = await serve({ ...options, onReport: report });
  const firefox = spawn(FIREFOX, ["--headless", "--no-remote", "--profile", profile, `${server.url}${path}`], { stdio: "ignore" });
  const ended = new Promise((resolve) => firefox.on("exit", resolve));
  const late = setTimeout(() => report({ error: "Firefox has not reported in time" }), MOST_MILLISECONDS);
  try {
    return await Promise.race([reported, ended.then((code) => ({ error: `Firefox has ended with ${code}` }))]);
  } finally {
    clearTimeout(late);
    firefox.kill();
    await ended;
    server.close();
    await rm(profile, { recursive: true, force: true });
  }
}

test("Firefox decodes as Python does", { skip: !existsSync(FIREFOX) && "Firefox is not installed" }, async (t) => {
  const { error, agent, faults } = await reportOf({ isolated: true }, `/test/report.html?only=${NAMES.join()}`);
  assert.equal(error, undefined);
  t.diagnostic(agent);
  assert.match(agent, /Firefox/);
  assert.deepEqual(faults, Object.fromEntries(NAMES.map((name) => [name, []])));
});
