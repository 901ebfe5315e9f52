import { modelError } from "./errors.js";

const MAX_BYTES = 2 ** 28;
const MAX_HEADER_BYTES = 2 ** 22;

/** Array types of the safetensors types that weights files use, and their names in fingerprints (SPEC section 8). */
const TYPES = /** @type {const} */ ({
  F16: { array: Uint16Array, name: "torch.float16" },
  F32: { array: Float32Array, name: "torch.float32" },
  I8: { array: Int8Array, name: "torch.int8" },
  U8: { array: Uint8Array, name: "torch.uint8" },
  I16: { array: Int16Array, name: "torch.int16" },
  I32: { array: Int32Array, name: "torch.int32" },
  I64: { array: BigInt64Array, name: "torch.int64" },
});

/**
 * A tensor of a safetensors file.
 *
 * @typedef {object} Tensor
 * @property {keyof typeof TYPES} type
 * @property {string} typeName as fingerprints have it
 * @property {number[]} shape
 * @property {Uint8Array} bytes little-endian
 */

/**
 * Read a safetensors file; tensors stay where they are in it.
 *
 * @param {Uint8Array} file
 * @returns {{metadata: Record<string, string>, tensors: Map<string, Tensor>}}
 */
export function readSafetensors(file) {
  if (file.length < 8 || file.length > MAX_BYTES) throw modelError("not a weights file, by its size");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const start = 8 + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || start > file.length) throw modelError("not a weights file");
  const { __metadata__: metadata, ...entries } = parseHeader(file.subarray(8, start));
  const tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, tensorOf(name, entry, file.subarray(start)));
  return { metadata: metadata ?? {}, tensors };
}

/** @param {Uint8Array} bytes @returns {Record<string, any>} */
function parseHeader(bytes) {
  try {
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (header !== null && typeof header === "object" && !Array.isArray(header)) return header;
  } catch {
    // Reported below, with what parses but is no object.
  }
  throw modelError("not a weights file: its header is damaged");
}

/**
 * @param {string} name
 * @param {any} entry
 * @param {Uint8Array} data
 * @returns {Tensor}
 */
function tensorOf(name, entry, data) {
  const type = TYPES[/** @type {keyof typeof TYPES} */ (entry?.dtype)];
  const { shape, data_offsets: offsets } = entry ?? {};
  const isCount = (x) => Number.isSafeInteger(x) && x >= 0;
  if (!type || !Array.isArray(shape) || !shape.every(isCount) || !Array.isArray(offsets) || !offsets.every(isCount)) {
    throw modelError(`the model's tensor "${name}" is damaged`);
  }
  const bytes = shape.reduce((product, side) => product * side, type.array.BYTES_PER_ELEMENT);
  const [begin, end] = offsets;
  if (end - begin !== bytes || end > data.length) throw modelError(`the model's tensor "${name}" is damaged`);
  return { type: entry.dtype, typeName: type.name, shape, bytes: data.subarray(begin, end) };
}

/**
 * Return a tensor's values as integers or, of float16 and float32, as numbers.
 *
 * @param {Tensor} tensor
 * @returns {Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array}
 */
export function valuesOf({ type, bytes }) {
  const { array: Values } = TYPES[type];
  // A copy, because offsets in the file need not be multiples of the element's size.
  const values = new Values(new Uint8Array(bytes).buffer);
  return type === "F16" ? fromHalves(/** @type {Uint16Array} */ (values)) : values;
}

/** @param {Uint16Array} halves @returns {Float32Array} */
function fromHalves(halves) {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) bits[i] = 0x7fc00000; // infinities, too, are refused later as not finite
    else if (magnitude < 0x400) out[i] = (half & 0x8000 ? -magnitude : magnitude) * 2 ** -24;
    else bits[i] = ((half & 0x8000) << 16) | ((magnitude << 13) + 0x38000000);
  }
  return out;
}
