/** What the tests run in a page: decode fixtures and compare them with what Python decoded. */

import { AezError, configure, decode, digest, info, preview } from "../aez.js";

const FIXTURES = new URL("./fixtures/", import.meta.url);
/**
 * SPEC section 9 allows one level for 99.9 % of the samples and 55 dB. Both decoders compute in float32, and agree to
 * about 94 dB; small mistakes, as in the picture filter, are still within 60.
 */
const SHARE_WITHIN = 0.999;
const LEAST_PSNR = 75;

configure({ weights: FIXTURES.href });

/** @returns {Promise<any[]>} */
export async function manifest() {
  return (await fetch(new URL("manifest.json", FIXTURES))).json();
}

async function bytesOf(name) {
  return (await fetch(new URL(name, FIXTURES))).arrayBuffer();
}

/**
 * Decode a fixture and all of its views.
 *
 * @param {any} entry of the manifest
 * @returns {Promise<string[]>} what is wrong
 */
export async function faultsOf(entry) {
  const file = await bytesOf(`${entry.name}.aez`);
  const faults = [];
  const found = await digest(file);
  if (found !== entry.digest) faults.push(`digest ${found}, not ${entry.digest}`);
  for (const view of entry.views) {
    const fault = differenceOf(await decode(file, view.options), view, await bytesOf(view.pixels), entry.exact);
    if (fault) faults.push(`${JSON.stringify(view.options)}: ${fault}`);
  }
  return faults;
}

/** Return in what way pixels differ by more than two conforming decoders may. */
function differenceOf(picture, view, expectedBytes, exact) {
  const { width, height, depth, data } = picture;
  const size = (x) => `${x.width}×${x.height} of ${x.depth} bits`;
  if (size(picture) !== size(view)) return `${size(picture)}, not ${size(view)}`;
  const most = 2 ** depth - 1;
  const expected = depth === 8 ? new Uint8Array(expectedBytes) : new Uint16Array(expectedBytes);
  const counts = { colours: 3 * width * height, opacity: width * height };
  const far = { colours: 0, opacity: 0 };
  const squares = { colours: 0, opacity: 0 };
  for (let i = 0; i < expected.length; i++) {
    const kind = i % 4 === 3 ? "opacity" : "colours";
    const difference = Math.abs(data[i] - expected[i]);
    squares[kind] += difference ** 2;
    if (difference > (exact ? 0 : most / 255)) far[kind]++;
  }
  for (const kind of ["colours", "opacity"]) {
    const decibels = (sum) => 10 * Math.log10((most ** 2 * counts[kind]) / sum);
    const psnr = decibels(squares[kind]);
    // One sample may always differ by one level, which is much in a picture of few.
    const least = Math.min(LEAST_PSNR, decibels((most / 255) ** 2));
    if (exact ? far[kind] > 0 : far[kind] > (1 - SHARE_WITHIN) * counts[kind] || psnr < least) {
      return `${kind}: ${far[kind]} of ${counts[kind]} samples are far, ${psnr.toFixed(1)} dB`;
    }
  }
  return undefined;
}

/**
 * Decode damaged files.
 *
 * @param {string} name of a fixture
 * @param {number[][]} files
 * @returns {Promise<{code?: string, fault?: string, seconds: number}[]>} of each file
 */
export async function decodeDamaged(files) {
  const results = [];
  for (const file of files) {
    const start = performance.now();
    const result = await outcomeOf(Uint8Array.from(file)).catch((error) => ({ fault: `${error}\n${error?.stack}` }));
    results.push({ ...result, seconds: (performance.now() - start) / 1000 });
  }
  return results;
}

async function outcomeOf(file) {
  try {
    const { width, height } = info(file);
    const picture = await decode(file);
    const whole = picture.width === width && picture.height === height && picture.data.length === 4 * width * height;
    return whole ? { code: "decoded" } : { fault: "a picture of another size" };
  } catch (error) {
    if (!(error instanceof AezError) || !error.code) throw error;
    return { code: error.code };
  }
}

/** Decode the preview of a fixture. */
export async function previewOf(name) {
  const picture = await preview(await bytesOf(`${name}.aez`));
  return picture && { width: picture.width, height: picture.height };
}

/** Return what a call of the decoder does for a fixture: its error's code, or what is reported on the way. */
export async function call(name, options) {
  const shares = [];
  try {
    const { width, height } = await decode(await bytesOf(name), { ...options, onProgress: (share) => shares.push(share) });
    return { width, height, shares };
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
}

/** Return what `info` says of a fixture. */
export async function infoOf(name) {
  const { icc, exif, xmp, ...facts } = info(await bytesOf(`${name}.aez`));
  return { ...facts, exif: exif && [...exif.subarray(0, 4)] };
}

export { configure };
