import { modelError } from "./errors.js";

const ACTIVATION_MAX = 2 ** 24 - 1;
const EXACT_BOUND = 2 ** 53;
const MAX_INDEX = 63;
const UPSAMPLING = 4;
/** Outputs whose weights stay in a core's cache while all cells of a window pass. */
const OUTPUTS_AT_ONCE = 256;

/**
 * A layer of integers: what rows of weights give is multiplied by 2^-shift. Doubles hold all sums exactly.
 *
 * @typedef {object} Layer
 * @property {Float64Array} weight (outputs, inputs)
 * @property {number} outputs
 * @property {number} inputs
 */

/** The exact path (SPEC section 5.3). */
export class ExactPath {
  /**
   * @param {(name: string) => any} valuesOf returns the values of a tensor of the model by its name
   * @param {{hyper: number, scale: number, latent: number, points: number}} config
   * @param {number} hyperBound largest |z|
   */
  constructor(valuesOf, { hyper, scale, latent, points }, hyperBound) {
    const outputs = UPSAMPLING ** 2 * latent;
    const shifts = valuesOf("exact.shifts");
    if (shifts.length !== 4 || !(shifts instanceof Int32Array) || shifts.some((shift) => shift < 0 || shift > 40)) {
      throw modelError("the model's exact path has a shift out of range");
    }
    const weights = (name, length) => checkedWeights(valuesOf(`exact.${name}`), length);
    const biases = (name, length) => checkedBiases(valuesOf(`exact.${name}`), length);
    const [conv1, conv2, conv3, linear] = [
      weights("conv1", scale * hyper),
      weights("conv2", scale * 9 * scale),
      weights("conv3", outputs * scale),
      weights("linear", outputs * hyper),
    ];
    this.bias1 = biases("bias1", scale);
    this.bias2 = biases("bias2", scale);
    this.bias3 = biases("bias3", outputs);
    this.qualityBias = biases("quality_bias", points * latent);
    this.points = points;
    this.latent = latent;
    this.hyper = hyper;
    this.scale = scale;
    const [shift1, shift2, shiftLinear, shift3] = shifts;
    this.shift1 = shift1;
    this.shift2 = shift2;
    this.shift3 = shift3;
    const raise = 2 ** shiftLinear;
    checkReach(this.bias1, [reach(conv1, hyper, hyperBound)]);
    checkReach(this.bias2, [reach(conv2, 9 * scale, ACTIVATION_MAX)]);
    const ofQuality = 256 * this.qualityBias.reduce((most, bias) => Math.max(most, Math.abs(bias)), 0);
    const last = [reach(conv3, scale, ACTIVATION_MAX), reach(linear, hyper, hyperBound * raise)];
    checkReach(this.bias3, [...last, this.bias3.map(() => ofQuality)]);
    this.first = new Float64Array(conv1);
    this.second = new Float64Array(conv2);
    this.last = sideBySide(conv3, scale, linear, hyper, raise);
  }

  /**
   * Return the table of each element of r in a window of cells.
   *
   * @param {Int32Array} z (Z, rows, cols) of the whole picture
   * @param {{rows: number, cols: number}} grid its cells
   * @param {import("./windows.js").Window} cells
   * @param {number} position quality position
   * @returns {Uint8Array} (M, 4 · rows, 4 · columns)
   */
  indices(z, grid, cells, position) {
    const outer = cells.grown(1, grid.rows, grid.cols);
    const inputs = cellVectors(z, this.hyper, grid, outer);
    const hidden = activate(product(this.first, inputs, this.hyper), this.bias1, this.shift1);
    const columns = patches(hidden, this.scale, outer, cells);
    const second = activate(product(this.second, columns, 9 * this.scale), this.bias2, this.shift2);
    const joined = joinVectors(second, this.scale, cellVectors(z, this.hyper, grid, cells), this.hyper);
    return this.shuffled(joined, cells, this.biasAt(position));
  }

  /**
   * Apply the last layer, and move each channel's 16 outputs of a cell into a square.
   *
   * @param {Float64Array} inputs
   * @param {import("./windows.js").Window} cells
   * @param {Float64Array} bias of each output
   * @returns {Uint8Array}
   */
  shuffled(inputs, cells, bias) {
    const { rows, cols } = cells;
    const count = rows * cols;
    const width = UPSAMPLING * cols;
    const plane = UPSAMPLING * rows * width;
    const out = new Uint8Array(this.latent * plane);
    const size = this.scale + this.hyper;
    const factor = 2 ** -this.shift3;
    for (let from = 0; from < bias.length; from += OUTPUTS_AT_ONCE) {
      const to = Math.min(bias.length, from + OUTPUTS_AT_ONCE);
      const totals = product(this.last.subarray(from * size, to * size), inputs, size);
      for (let cell = 0; cell < count; cell++) {
        const corner = Math.floor(cell / cols) * UPSAMPLING * width + (cell % cols) * UPSAMPLING;
        for (let o = from, at = cell * (to - from); o < to; o++, at++) {
          const index = Math.floor((totals[at] + bias[o]) * factor);
          const place = (o >> 4) * plane + corner + ((o >> 2) & 3) * width + (o & 3);
          out[place] = index < 0 ? 0 : index > MAX_INDEX ? MAX_INDEX : index;
        }
      }
    }
    return out;
  }

  /** @param {number} position @returns {Float64Array} bias of each output of the last layer at a quality position */
  biasAt(position) {
    const point = Math.min(position >> 8, this.points - 2);
    const fraction = position - 256 * point;
    const row = this.latent * point;
    return this.bias3.map((bias, output) => {
      const at = row + (output >> 4);
      const both = this.qualityBias[at] * (256 - fraction) + this.qualityBias[at + this.latent] * fraction;
      return bias + Math.floor(both / 256);
    });
  }
}

/** @param {any} values @param {number} length @returns {Int16Array} */
function checkedWeights(values, length) {
  if (!(values instanceof Int16Array) || values.length !== length) {
    throw modelError("the model's exact path does not fit its configuration");
  }
  return values;
}

/** @param {any} values @param {number} length @returns {Float64Array} */
function checkedBiases(values, length) {
  if (!(values instanceof BigInt64Array) || values.length !== length) {
    throw modelError("the model's exact path does not fit its configuration");
  }
  return Float64Array.from(values, Number);
}

/** @param {Int16Array} weights @param {number} inputs @param {number} most largest input @returns {Float64Array} */
function reach(weights, inputs, most) {
  const sums = new Float64Array(weights.length / inputs);
  for (let output = 0, at = 0; output < sums.length; output++) {
    for (let input = 0; input < inputs; input++) sums[output] += Math.abs(weights[at++]);
  }
  return sums.map((sum) => sum * most);
}

/** @param {Float64Array} bias @param {Float64Array[]} parts largest magnitudes of what is added to it */
function checkReach(bias, parts) {
  bias.forEach((value, output) => {
    const most = parts.reduce((sum, part) => sum + part[output], Math.abs(value));
    if (!(most < EXACT_BOUND)) throw modelError("the model's exact path could leave the range in which it is exact");
  });
}

/** Join the rows of two matrices, the second one multiplied by a power of two. */
function sideBySide(left, leftInputs, right, rightInputs, factor) {
  const outputs = left.length / leftInputs;
  const size = leftInputs + rightInputs;
  const out = new Float64Array(outputs * size);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < leftInputs; i++) out[o * size + i] = left[o * leftInputs + i];
    for (let i = 0; i < rightInputs; i++) out[o * size + leftInputs + i] = right[o * rightInputs + i] * factor;
  }
  return out;
}

/** Return z of the cells of a window, the channels of a cell side by side. */
function cellVectors(z, channels, grid, window) {
  const out = new Float64Array(window.rows * window.cols * channels);
  let at = 0;
  for (let row = window.top; row < window.bottom; row++) {
    for (let col = window.left; col < window.right; col++) {
      for (let c = 0; c < channels; c++) out[at++] = z[(c * grid.rows + row) * grid.cols + col];
    }
  }
  return out;
}

/** Join two vectors of each cell. */
function joinVectors(left, leftSize, right, rightSize) {
  const size = leftSize + rightSize;
  const out = new Float64Array((left.length / leftSize) * size);
  for (let i = 0, cell = 0; i < out.length; i += size, cell++) {
    out.set(left.subarray(cell * leftSize, (cell + 1) * leftSize), i);
    out.set(right.subarray(cell * rightSize, (cell + 1) * rightSize), i + leftSize);
  }
  return out;
}

/**
 * Return the 3×3 neighbours of each cell of a window, in the order channel, row, column; 0 outside the picture.
 *
 * @param {Float64Array} vectors of the cells of `outer`
 * @param {number} channels
 * @param {import("./windows.js").Window} outer the window and the cells around it that the picture has
 * @param {import("./windows.js").Window} window
 */
function patches(vectors, channels, outer, window) {
  const out = new Float64Array(window.rows * window.cols * channels * 9);
  let at = 0;
  for (let row = window.top; row < window.bottom; row++) {
    for (let col = window.left; col < window.right; col++, at += channels * 9) {
      for (let k = 0; k < 9; k++) {
        const y = row + Math.floor(k / 3) - 1 - outer.top;
        const x = col + (k % 3) - 1 - outer.left;
        if (y < 0 || y >= outer.rows || x < 0 || x >= outer.cols) continue;
        const from = (y * outer.cols + x) * channels;
        for (let c = 0; c < channels; c++) out[at + 9 * c + k] = vectors[from + c];
      }
    }
  }
  return out;
}

/** Add biases to sums in place, shift, and clamp to what keeps the next layer exact. */
function activate(totals, bias, shift) {
  const factor = 2 ** -shift;
  for (let i = 0, o = 0; i < totals.length; i++) {
    const value = Math.floor((totals[i] + bias[o]) * factor);
    totals[i] = value < 0 ? 0 : value > ACTIVATION_MAX ? ACTIVATION_MAX : value;
    if (++o === bias.length) o = 0;
  }
  return totals;
}

/**
 * Multiply rows of weights with vectors. Four outputs of two vectors are summed at once, so that each number that is
 * loaded is used several times.
 *
 * @param {Float64Array} weight (outputs, size)
 * @param {Float64Array} vectors (count, size)
 * @param {number} size
 * @returns {Float64Array} (count, outputs)
 */
function product(weight, vectors, size) {
  const outputs = weight.length / size;
  const count = vectors.length / size;
  const out = new Float64Array(count * outputs);
  for (let n = 0; n < count; n += 2) {
    const v0 = n * size;
    const v1 = n + 1 < count ? v0 + size : v0;
    for (let o = 0; o < outputs; o += 4) {
      const w0 = o * size;
      const w1 = o + 1 < outputs ? w0 + size : w0;
      const w2 = o + 2 < outputs ? w1 + size : w0;
      const w3 = o + 3 < outputs ? w2 + size : w0;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let i = 0; i < size; i++) {
        const a = vectors[v0 + i];
        const b = vectors[v1 + i];
        const p = weight[w0 + i], q = weight[w1 + i], r = weight[w2 + i], s = weight[w3 + i];
        a0 += p * a;
        a1 += q * a;
        a2 += r * a;
        a3 += s * a;
        b0 += p * b;
        b1 += q * b;
        b2 += r * b;
        b3 += s * b;
      }
      store(out, n * outputs + o, outputs - o, a0, a1, a2, a3);
      if (n + 1 < count) store(out, (n + 1) * outputs + o, outputs - o, b0, b1, b2, b3);
    }
  }
  return out;
}

/** Store up to four sums. */
function store(out, at, room, s0, s1, s2, s3) {
  out[at] = s0;
  if (room > 1) out[at + 1] = s1;
  if (room > 2) out[at + 2] = s2;
  if (room > 3) out[at + 3] = s3;
}
