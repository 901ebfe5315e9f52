/**
 * Decode .aez pictures in a browser.
 *
 *     import { decode } from "./aez.js";
 *     const { data, width, height } = await decode(await (await fetch("photo.aez")).arrayBuffer());
 *     canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
 *
 * The types of all options and results are in aez.d.ts.
 *
 * @module aez
 */

import { readContainer, readStoredPreview } from "./lib/container.js";
import { AezError } from "./lib/errors.js";
import { completeLimits } from "./lib/limits.js";
import { RemoteService } from "./lib/remote.js";
import { Service } from "./lib/service.js";

export { AezError };

/** A worker that uses this module needs no other one. */
const hasPage = typeof document === "object";

/** @type {import("./aez.d.ts").Configuration} */
const configuration = {};
/** @type {RemoteService | Service | undefined} */
let service;

/**
 * Set where weights and ONNX Runtime are, and how pictures are decoded. Decoding that has begun is not affected.
 *
 * @param {import("./aez.d.ts").Configuration} changes
 */
export function configure(changes) {
  Object.assign(configuration, changes);
  // Weights are asked for when they are needed; the rest is fixed in a service.
  if (Object.keys(changes).every((name) => name === "weights")) return;
  if (service instanceof RemoteService) service.close();
  service = undefined;
}

/**
 * Describe a file: its size, colours, metadata and chunks. All checksums are verified; nothing is decoded.
 *
 * @param {BufferSource} bytes the whole file
 * @param {import("./aez.d.ts").InfoOptions} [options]
 * @returns {import("./aez.d.ts").Info}
 */
export function info(bytes, { limits } = {}) {
  const file = asBytes(bytes);
  const { header, chunks, layer, whole, icc, exif, xmp, preview: stored } = readContainer(file, completeLimits(limits));
  const { width, height, quality, tileLog2, ...rest } = header;
  const turned = header.orientation >= 5;
  return {
    ...rest,
    width: turned ? height : width,
    height: turned ? width : height,
    storedWidth: width,
    storedHeight: height,
    qualityPoint: quality / 256,
    tileSide: tileLog2 ? 16 * 2 ** tileLog2 : undefined,
    layer: whole ? "whole" : layer ? "over" : undefined,
    hasPreview: stored !== undefined,
    bytes: file.length,
    bitsPerPixel: (8 * file.length) / (width * height),
    chunks,
    icc,
    exif,
    xmp,
  };
}

/**
 * Decode a picture, or a part of it, or a smaller one.
 *
 * @param {BufferSource} bytes the whole file
 * @param {import("./aez.d.ts").DecodeOptions} [options]
 * @returns {Promise<import("./aez.d.ts").Picture>}
 */
export async function decode(bytes, options = {}) {
  const { scale, region, imageOrientation, onProgress = () => {}, limits, weights } = options;
  const request = { scale, region: region && [...region], imageOrientation, limits: completeLimits(limits) };
  return serviceFor(weights).decode(asBytes(bytes), request, onProgress);
}

/**
 * Decode the preview that a file has.
 *
 * @param {BufferSource} bytes the file, or its beginning up to the end of its preview
 * @param {import("./aez.d.ts").PreviewOptions} [options]
 * @returns {Promise<import("./aez.d.ts").Picture | undefined>} nothing if it has none; `decode` gives small pictures
 */
export async function preview(bytes, options = {}) {
  const stored = readStoredPreview(asBytes(bytes), completeLimits(options.limits));
  return stored && decode(stored, options);
}

/**
 * Return SHA-256 of a picture's symbols: two decoders that give the same have decoded the same (SPEC section 9).
 *
 * @param {BufferSource} bytes the whole file
 * @param {import("./aez.d.ts").InfoOptions & {weights?: import("./aez.d.ts").WeightsSource}} [options]
 * @returns {Promise<string>} 64 hexadecimal digits
 */
export async function digest(bytes, { limits, weights } = {}) {
  return serviceFor(weights).digest(asBytes(bytes), completeLimits(limits));
}

/**
 * @param {import("./aez.d.ts").WeightsSource} [weights] kept for later calls: fingerprints tell models apart
 * @returns {RemoteService | Service}
 */
function serviceFor(weights) {
  if (weights !== undefined) configure({ weights });
  if (!service || (service instanceof RemoteService && service.failed)) {
    const { wasmPaths = "./node_modules/onnxruntime-web/dist/", threads, webgpu, worker = hasPage } = configuration;
    const settings = { wasmPaths: new URL(wasmPaths, import.meta.url).href, threads, webgpu };
    const Kind = worker && typeof Worker === "function" ? RemoteService : Service;
    service = new Kind(settings, weightsOf);
  }
  return service;
}

/** @param {string} fingerprint @returns {Promise<string | ArrayBuffer | Uint8Array>} */
async function weightsOf(fingerprint) {
  const { weights = "./weights/" } = configuration;
  const source = typeof weights === "function" ? await weights(fingerprint) : weights;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return /** @type {any} */ (source);
  const url = new URL(source, import.meta.url).href;
  return url.endsWith("/") ? `${url}${fingerprint}.safetensors` : url;
}

/** @param {BufferSource} bytes @returns {Uint8Array} */
function asBytes(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new AezError("argument", "a file is an ArrayBuffer or a view of one");
}
