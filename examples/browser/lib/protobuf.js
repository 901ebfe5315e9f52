/**
 * Just enough of the Protocol Buffers wire format to fill in the weights of ONNX models and to append operations.
 */

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/**
 * A field of a message: `value` is a number for integers, bytes for what has a length.
 *
 * @typedef {object} Field
 * @property {number} number
 * @property {number} wire
 * @property {Uint8Array} raw the whole field with its tag
 * @property {Uint8Array} [value] of wire type 2
 * @property {number} [integer] of wire type 0
 */

/**
 * Divide a message into its fields.
 *
 * @param {Uint8Array} message
 * @returns {Field[]}
 */
export function fieldsOf(message) {
  const fields = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= message.length || shift > 63) throw new RangeError("a damaged message");
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const begin = at;
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag & 7;
    /** @type {Partial<Field>} */
    const field = { number, wire };
    if (wire === WIRE.varint) field.integer = varint();
    else if (wire === WIRE.fixed64) at += 8;
    else if (wire === WIRE.fixed32) at += 4;
    else if (wire === WIRE.bytes) {
      const length = varint();
      field.value = message.subarray(at, at + length);
      at += length;
    } else throw new RangeError("a damaged message");
    if (at > message.length) throw new RangeError("a damaged message");
    fields.push(/** @type {Field} */ ({ ...field, raw: message.subarray(begin, at) }));
  }
  return fields;
}

/** @param {number} value @returns {number[]} */
function varintBytes(value) {
  const out = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) out.push((value % 128) | 0x80);
  out.push(value);
  return out;
}

/** @param {number} number @param {number} value @returns {Uint8Array} a field that holds an integer */
export function integerField(number, value) {
  return Uint8Array.from([...varintBytes(number * 8 + WIRE.varint), ...varintBytes(value)]);
}

/** @param {number} number @param {Uint8Array | string} value @returns {Uint8Array} a field of bytes or text */
export function bytesField(number, value) {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return joined([Uint8Array.from([...varintBytes(number * 8 + WIRE.bytes), ...varintBytes(bytes.length)]), bytes]);
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
export function joined(parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
