import { chromium } from "playwright-core";

/**
 * @param {string[]} [flags] more of the command line
 * @returns {Promise<import("playwright-core").Browser>} headless Chromium, as Debian installs it
 */
export function launchChromium(flags = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
}
