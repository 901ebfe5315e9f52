/**
 * Write pixels as a PNG file, with every bit and without multiplying colours with opacity, which a canvas would do.
 * A browser shows the file with its colour profile.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY = 0, RGB = 2, GREY_ALPHA = 4, RGBA = 6;
const CHANNELS = { [GREY]: [0], [GREY_ALPHA]: [0, 3], [RGB]: [0, 1, 2], [RGBA]: [0, 1, 2, 3] };
const PAETH = 4;

const CRC = new Uint32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

/**
 * @param {object} picture
 * @param {number} picture.width
 * @param {number} picture.height
 * @param {number} picture.depth bits per sample: 8, 10, 12 or 16
 * @param {Uint8ClampedArray|Uint16Array} picture.data RGBA, row by row, from 0 to 2^depth − 1
 * @param {Uint8Array} [picture.icc] colour profile of the samples
 * @returns {Promise<Blob>} a PNG file of 8 or 16 bits: grey if all pixels are, with alpha if one is not opaque
 */
export async function encodePng({ width, height, depth, data, icc }) {
  const full = 2 ** depth - 1;
  const { grey: equal, opaque } = survey(data, full);
  const grey = equal && (!icc?.length || isGreyProfile(icc)); // a profile for RGB needs a file of RGB
  const kind = grey ? (opaque ? GREY : GREY_ALPHA) : opaque ? RGB : RGBA;
  const bytes = depth > 8 ? 2 : 1;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8 * bytes, kind], 8);
  const parts = [new Uint8Array(SIGNATURE), ...chunk("IHDR", [header])];
  if (icc?.length && grey === isGreyProfile(icc)) {
    parts.push(...chunk("iCCP", [new TextEncoder().encode("ICC\0\0"), await deflated([icc])]));
  }
  if (depth % 8) parts.push(...chunk("sBIT", [new Uint8Array(CHANNELS[kind].map((c) => (c === 3 ? 8 : depth)))]));
  const rows = filtered(width, height, data, { kind, bytes, depth });
  parts.push(...chunk("IDAT", [await deflated(rows)]), ...chunk("IEND", []));
  return new Blob(parts, { type: "image/png" });
}

/** Whether all pixels are grey, and whether all are opaque. */
function survey(data, full) {
  let grey = true, opaque = true;
  for (let at = 0; at < data.length && (grey || opaque); at += 4) {
    grey &&= data[at] === data[at + 1] && data[at] === data[at + 2];
    opaque &&= data[at + 3] === full;
  }
  return { grey, opaque };
}

function isGreyProfile(icc) {
  return String.fromCharCode(...icc.subarray(16, 20)) === "GRAY";
}

/** The rows with the Paeth filter, in bands, so that a large picture is not held twice. */
function* filtered(width, height, data, { kind, bytes, depth }) {
  const more = 8 * bytes - depth, repeat = depth - more; // bits that are added, a repetition of the first ones
  const channels = CHANNELS[kind];
  const count = channels.length, step = count * bytes, length = width * step;
  const band = Math.max(1, Math.floor(2 ** 20 / (length + 1)));
  let above = new Uint8Array(length), row = new Uint8Array(length);
  for (let top = 0; top < height; top += band) {
    const rows = Math.min(band, height - top);
    const out = new Uint8Array(rows * (length + 1));
    let to = 0;
    for (let y = top; y < top + rows; y++) {
      let at = 0;
      for (let from = y * width * 4, end = from + width * 4; from < end; from += 4) {
        for (let c = 0; c < count; c++) {
          const value = data[from + channels[c]], sample = more ? (value << more) | (value >> repeat) : value;
          if (bytes === 2) row[at++] = sample >> 8;
          row[at++] = sample;
        }
      }
      out[to++] = PAETH;
      for (let i = 0; i < length; i++) {
        const left = i < step ? 0 : row[i - step], up = above[i], corner = i < step ? 0 : above[i - step];
        const a = Math.abs(up - corner), b = Math.abs(left - corner), c = Math.abs(left + up - 2 * corner);
        out[to++] = row[i] - (a <= b && a <= c ? left : b <= c ? up : corner);
      }
      [above, row] = [row, above];
    }
    yield out;
  }
}

/** Compress parts as one zlib stream. */
async function deflated(parts) {
  const stream = new CompressionStream("deflate");
  const writing = (async () => {
    const writer = stream.writable.getWriter();
    for (const part of parts) await writer.write(part);
    await writer.close();
  })();
  const [bytes] = await Promise.all([new Response(stream.readable).arrayBuffer(), writing]);
  return new Uint8Array(bytes);
}

/** The parts of a chunk: length and type, payload, checksum. */
function chunk(type, payload) {
  const head = new Uint8Array(8), tail = new Uint8Array(4);
  head.set(new TextEncoder().encode(type), 4);
  new DataView(head.buffer).setUint32(0, payload.reduce((sum, part) => sum + part.length, 0));
  let crc = 0xffffffff;
  for (const part of [head.subarray(4), ...payload]) {
    for (let i = 0; i < part.length; i++) crc = CRC[(crc ^ part[i]) & 255] ^ (crc >>> 8);
  }
  new DataView(tail.buffer).setUint32(0, ~crc >>> 0);
  return [head, ...payload, tail];
}
