import { crc32 } from "./crc32.js";
import { AezError, formatError, limitError, truncatedError } from "./errors.js";
import { readHeader } from "./header.js";
import { checkPixels, checkPixelsPerByte } from "./limits.js";
import { readVarint } from "./varint.js";

const SIGNATURE = Uint8Array.of(0x89, 0x61, 0x65, 0x7a, 0x0d, 0x0a, 0x1a, 0x0a);
const VERSION = 1;
const METADATA = /** @type {const} */ ({ i: "icc", e: "exif", x: "xmp", p: "preview", f: "filter" });
const CRITICAL = "HALZTE";
const MAX_PREVIEW_SIDE = 1024;
const LAYER_IS_WHOLE = 0x80;

/** @typedef {import("./header.js").Header} Header */
/** @typedef {import("./limits.js").Limits} Limits */

/**
 * @typedef {object} Chunk
 * @property {string} type a letter; lower case means ancillary
 * @property {number} offset of its first byte in the file
 * @property {number} length bytes of its payload
 */

/**
 * The parts of a file whose structure and checksums have been verified.
 *
 * @typedef {object} Container
 * @property {Header} header
 * @property {Chunk[]} chunks in the order of the file
 * @property {Uint8Array} hyper stream of z
 * @property {Uint8Array[]} tiles streams of r, one per tile, in raster order
 * @property {Uint8Array} [alpha] payload of ALPHA
 * @property {Uint8Array} [layer] payload of LAYER
 * @property {boolean} whole the layer is the whole picture
 * @property {Uint8Array} [filter] payload of FILTER
 * @property {Uint8Array} [icc]
 * @property {Uint8Array} [exif]
 * @property {Uint8Array} [xmp]
 * @property {Uint8Array} [preview]
 */

/**
 * Parse a whole file and enforce SPEC sections 2 to 4.
 *
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @returns {Container}
 */
export function readContainer(bytes, limits) {
  const parts = new Parts(limits);
  for (const chunk of walk(bytes)) parts.add(chunk, payloadOf(bytes, chunk));
  return parts.finish(bytes.length);
}

/**
 * Return the stored preview, itself a file; the bytes may end after it.
 *
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @returns {Uint8Array | undefined}
 */
export function readStoredPreview(bytes, limits) {
  const rest = walk(bytes);
  readFirst(bytes, rest.next().value, limits);
  const { value: chunk } = rest.next();
  if (!chunk || chunk.type !== "p") return undefined;
  if (chunk.length > limits.maxMetadata) throw limitError("the preview is larger than the limit for metadata");
  const preview = payloadOf(bytes, chunk);
  const container = readContainer(preview, limits);
  if (Math.max(container.header.width, container.header.height) > MAX_PREVIEW_SIDE) {
    throw formatError(`the preview has more than ${MAX_PREVIEW_SIDE} pixels a side`);
  }
  if (container.preview) throw formatError("the preview has a preview");
  return preview;
}

/**
 * Check the header, which must be the first chunk.
 *
 * @param {Uint8Array} bytes
 * @param {(Chunk & {start: number}) | undefined} chunk
 * @param {Limits} limits
 */
function readFirst(bytes, chunk, limits) {
  if (!chunk) throw truncatedError("the file ends before its header");
  if (chunk.type !== "H") throw formatError("the first chunk is not the header");
  checkPixels(limits, readHeader(payloadOf(bytes, chunk)));
}

/**
 * Yield the chunks without a look at their payloads.
 *
 * @param {Uint8Array} bytes
 * @returns {Generator<Chunk & {start: number}, undefined, undefined>}
 */
function* walk(bytes) {
  const known = bytes.subarray(0, SIGNATURE.length);
  if (known.some((byte, i) => byte !== SIGNATURE[i])) throw formatError("not an .aez file");
  if (bytes.length <= SIGNATURE.length) throw truncatedError("the file ends before its version");
  const version = bytes[SIGNATURE.length];
  if (version !== VERSION) throw formatError(`format version ${version} is not known to this decoder`);
  let offset = SIGNATURE.length + 1;
  while (offset < bytes.length) {
    const [length, start] = readVarint(bytes, offset + 1);
    const end = start + length + 4;
    if (end > bytes.length) throw truncatedError(`the file ends inside a chunk (${bytes.length} of ${end} bytes)`);
    yield { type: String.fromCharCode(bytes[offset]), offset, start, length };
    offset = end;
  }
}

/** @param {Uint8Array} bytes @param {Chunk & {start: number}} chunk @returns {Uint8Array} */
function payloadOf(bytes, { offset, start, length }) {
  const end = start + length;
  const crc = (bytes[end] | (bytes[end + 1] << 8) | (bytes[end + 2] << 16) | (bytes[end + 3] << 24)) >>> 0;
  if (crc32(bytes.subarray(offset, end)) !== crc) {
    throw new AezError("checksum", `the checksum of the chunk at byte ${offset} does not match: the file is damaged`);
  }
  return bytes.subarray(start, end);
}

/** The parts of a file read so far, each accepted only in its place. */
class Parts {
  /** @param {Limits} limits */
  constructor(limits) {
    this.limits = limits;
    /** @type {Partial<Container> & {chunks: Chunk[], tiles: Uint8Array[]}} */
    this.found = { chunks: [], tiles: [] };
    this.ended = false;
    this.ancillaryBytes = 0;
    this.others = 0; // the header limits the number of tiles
  }

  /** @param {Chunk} chunk @param {Uint8Array} payload */
  add({ type, offset, length }, payload) {
    if (this.ended) throw formatError("there are bytes after the END chunk");
    if (!/[A-Za-z]/.test(type)) throw formatError(`chunk type ${type.charCodeAt(0)} is not a letter`);
    if (type !== "T" && ++this.others > this.limits.maxChunks) throw limitError("the file has too many chunks");
    this.found.chunks.push({ type, offset, length });
    if (!this.found.header) {
      if (type !== "H") throw formatError("the first chunk is not the header");
      this.found.header = readHeader(payload);
      checkPixels(this.limits, this.found.header);
    } else if (type >= "a") {
      this.addAncillary(type, payload);
    } else {
      this.addCritical(type, payload);
    }
  }

  /** @param {string} type @param {Uint8Array} payload */
  addAncillary(type, payload) {
    this.ancillaryBytes += payload.length;
    if (this.ancillaryBytes > this.limits.maxMetadata) throw limitError("the metadata are larger than the limit");
    const name = METADATA[/** @type {keyof typeof METADATA} */ (type)];
    if (!name) return;
    if (this.found[name]) throw formatError(`chunk "${type}" appears twice`);
    this.found[name] = payload;
  }

  /** @param {string} type @param {Uint8Array} payload */
  addCritical(type, payload) {
    const { found } = this;
    if (!CRITICAL.includes(type)) throw formatError(`chunk "${type}" is not known to this decoder`);
    if (type === "A" && !found.alpha && !found.hyper) found.alpha = payload;
    else if (type === "L" && !found.layer && !found.hyper) found.layer = payload;
    else if (type === "Z" && !found.hyper) found.hyper = payload;
    else if (type === "T" && found.hyper && found.tiles.length < tileCount(found.header)) found.tiles.push(payload);
    else if (type === "E" && payload.length === 0) this.ended = true;
    else throw formatError(`chunk "${type}" is out of place`);
  }

  /** @param {number} size bytes of the file @returns {Container} */
  finish(size) {
    const { header, hyper, layer, alpha, tiles, filter } = this.found;
    if (!this.ended || !header) throw truncatedError("the file ends before its END chunk");
    const whole = layer !== undefined && (layer[0] & LAYER_IS_WHOLE) !== 0;
    if (!hyper || tiles.length !== tileCount(header) || (alpha !== undefined) !== (header.alpha && !whole)) {
      throw formatError("a chunk that the header announces is missing, or one that it does not is there");
    }
    if (layer && header.depth !== 8) throw formatError("a picture of more than 8 bits has a layer");
    if (!whole) checkPixelsPerByte(this.limits, header, size);
    else if (hyper.length || tiles.some((tile) => tile.length) || header.tileLog2 || filter) {
      throw formatError("a picture that is a layer has symbols besides");
    }
    return /** @type {Container} */ ({ ...this.found, whole });
  }
}

/** @param {Header} header @returns {number} number of TILE chunks */
function tileCount({ width, height, tileLog2 }) {
  if (tileLog2 === 0) return 1;
  const side = 16 << tileLog2;
  return Math.ceil(width / side) * Math.ceil(height / side);
}
