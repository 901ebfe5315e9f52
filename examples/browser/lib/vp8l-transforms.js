/**
 * A transform of VP8L pixels (RFC 9649 section 4).
 *
 * @typedef {object} Transform
 * @property {"predictor" | "colour" | "green" | "palette"} kind
 * @property {number} width of the picture after the transform is undone
 * @property {number} packedWidth of the picture before
 * @property {number} bits log₂ of the side of a block, or of the pixels in one packed pixel
 * @property {Uint32Array} data of blocks, or colours
 */

const OPAQUE_BLACK = 0xff000000;

/**
 * Undo a transform; all but palettes in place.
 *
 * @param {Transform} transform
 * @param {Uint32Array} pixels
 * @param {number} height
 * @returns {Uint32Array}
 */
export function undo(transform, pixels, height) {
  if (transform.kind === "green") addGreen(pixels);
  else if (transform.kind === "colour") addColour(transform, pixels, height);
  else if (transform.kind === "predictor") addPrediction(transform, pixels, height);
  else return unpacked(transform, pixels, height);
  return pixels;
}

/** @param {Uint32Array} pixels */
function addGreen(pixels) {
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i];
    const green = (pixel >>> 8) & 255;
    pixels[i] = (pixel & 0xff00ff00) | (((pixel & 0xff00ff) + (green << 16) + green) & 0xff00ff);
  }
}

/** @param {Transform} transform @param {Uint32Array} pixels @param {number} height */
function addColour({ width, bits, data }, pixels, height) {
  const columns = (width + (1 << bits) - 1) >> bits;
  const delta = (factor, sample) => (((factor << 24) >> 24) * ((sample << 24) >> 24)) >> 5;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const block = data[(y >> bits) * columns + (x >> bits)];
      const pixel = pixels[i];
      const green = (pixel >>> 8) & 255;
      const red = ((pixel >>> 16) + delta(block, green)) & 255;
      const blue = (pixel + delta(block >>> 8, green) + delta(block >>> 16, red)) & 255;
      pixels[i] = (pixel & 0xff00ff00) | (red << 16) | blue;
    }
  }
}

/** @param {Transform} transform @param {Uint32Array} pixels @param {number} height @returns {Uint32Array} */
function unpacked({ width, packedWidth, bits, data }, pixels, height) {
  const colours = new Uint32Array(256); // numbers beyond the palette stand for transparent black
  for (let i = 0, colour = 0; i < data.length; i++) {
    colour = sum(colour, data[i]);
    colours[i] = colour;
  }
  const out = new Uint32Array(width * height);
  const size = 8 >> bits;
  const inPixel = (1 << bits) - 1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const packed = (pixels[y * packedWidth + (x >> bits)] >>> 8) & 255;
      out[i] = colours[(packed >> ((x & inPixel) * size)) & ((1 << size) - 1)];
    }
  }
  return out;
}

/** Add two pixels, each sample modulo 256. */
function sum(a, b) {
  const even = (a & 0x00ff00ff) + (b & 0x00ff00ff);
  const odd = ((a >>> 8) & 0x00ff00ff) + ((b >>> 8) & 0x00ff00ff);
  return ((even & 0x00ff00ff) | ((odd & 0x00ff00ff) << 8)) >>> 0;
}

/** Average two pixels, each sample rounded down. */
const average = (a, b) => (a & b) + (((a ^ b) >>> 1) & 0x7f7f7f7f);

/** Apply a function to each sample of three pixels. */
function mapSamples(a, b, c, f) {
  let out = 0;
  for (let shift = 0; shift < 32; shift += 8) {
    const value = f((a >>> shift) & 255, (b >>> shift) & 255, (c >>> shift) & 255);
    out |= (value < 0 ? 0 : value > 255 ? 255 : value) << shift;
  }
  return out;
}

/** Choose the one of left and top that the gradient favours. */
function select(left, top, corner) {
  let [byLeft, byTop] = [0, 0];
  for (let shift = 0; shift < 32; shift += 8) {
    const c = (corner >>> shift) & 255;
    byLeft += Math.abs(((top >>> shift) & 255) - c);
    byTop += Math.abs(((left >>> shift) & 255) - c);
  }
  return byLeft < byTop ? left : top;
}

/** Predictions from the left, top, top right and top left pixels. */
const PREDICTORS = [
  () => OPAQUE_BLACK,
  (left) => left,
  (left, top) => top,
  (left, top, right) => right,
  (left, top, right, corner) => corner,
  (left, top, right) => average(average(left, right), top),
  (left, top, right, corner) => average(left, corner),
  (left, top) => average(left, top),
  (left, top, right, corner) => average(corner, top),
  (left, top, right) => average(top, right),
  (left, top, right, corner) => average(average(left, corner), average(top, right)),
  (left, top, right, corner) => select(left, top, corner),
  (left, top, right, corner) => mapSamples(left, top, corner, (a, b, c) => a + b - c),
  (left, top, right, corner) =>
    mapSamples(average(left, top), corner, 0, (a, c) => a + Math.trunc((a - c) / 2)),
  () => OPAQUE_BLACK,
  () => OPAQUE_BLACK,
];

/** @param {Transform} transform @param {Uint32Array} pixels @param {number} height */
function addPrediction({ width, bits, data }, pixels, height) {
  const columns = (width + (1 << bits) - 1) >> bits;
  pixels[0] = sum(pixels[0], OPAQUE_BLACK);
  for (let x = 1; x < width; x++) pixels[x] = sum(pixels[x], pixels[x - 1]);
  for (let y = 1, i = width; y < height; y++) {
    pixels[i] = sum(pixels[i], pixels[i - width]);
    i++;
    for (let x = 1; x < width; x++, i++) {
      const mode = (data[(y >> bits) * columns + (x >> bits)] >>> 8) & 15;
      // Right of the last column is the first pixel of the row itself.
      const predicted = PREDICTORS[mode](pixels[i - 1], pixels[i - width], pixels[i - width + 1], pixels[i - width - 1]);
      pixels[i] = sum(pixels[i], predicted);
    }
  }
}
