import { formatError } from "./errors.js";
import { readTile } from "./tile.js";

const NODES = 5;
const INPUTS = 11;
const GREY_INPUTS = 7;
const INDICES = 64;
const LIMIT = 10;
const FLAT = 2.7;
const REACH = 2;

/** @typedef {import("./model.js").Model} Model */

/**
 * Return the weights of the picture filter (SPEC section 7.6).
 *
 * @param {Uint8Array | undefined} payload of FILTER
 * @param {Model} model
 * @param {number} position quality position
 * @param {number} channels 3, or 1 of a grey picture
 * @returns {Float32Array | undefined} (channels, nodes, inputs); none if the picture is not filtered
 */
export function filterWeights(payload, model, position, channels) {
  if (!payload || !model.hasFilter) return undefined;
  const means = model.interpolated("filter.mean", 3 * NODES * INPUTS, position);
  const steps = model.interpolated("filter.step", NODES * INPUTS, position);
  const inputs = channels === 3 ? INPUTS : GREY_INPUTS;
  const mean = channels === 3 ? means : greyMeans(means);
  const count = NODES * inputs;
  const numbers = payload.length ? readNumbers(payload, model, channels * count) : new Int16Array(channels * count);
  return Float32Array.from(mean, (value, at) => {
    const node = Math.floor((at % count) / inputs);
    return value + numbers[at] * steps[node * INPUTS + (at % inputs)];
  });
}

/** @param {Uint8Array} payload @param {Model} model @param {number} count @returns {Int16Array} */
function readNumbers(payload, model, count) {
  const table = payload[0];
  if (table < model.firstCoded || table >= INDICES) throw formatError(`the filter names table ${table}`);
  const indices = new Uint8Array(count).fill(table);
  return readTile(payload.subarray(1), indices, model.residualTables, model.firstCoded);
}

/** Average the weights of three equal colours to those of one. */
function greyMeans(means) {
  const out = new Float64Array(NODES * GREY_INPUTS);
  for (let node = 0; node < NODES; node++) {
    const mean = (i) => [0, 1, 2].reduce((sum, e) => sum + means[(e * NODES + node) * INPUTS + i], 0) / 3;
    const at = node * GREY_INPUTS;
    // Differences to the 4 nearest neighbours are, in grey, the second differences along the first two axes.
    const nearest = mean(9) + mean(10);
    for (let i = 0; i < 6; i++) out[at + i] = mean(i) + (i < 2 ? nearest : 0);
    out[at + 6] = mean(6) + mean(7) + mean(8);
  }
  return out;
}

/**
 * Apply the picture filter.
 *
 * @param {Float32Array} levels (channels, rows, cols)
 * @param {number} channels
 * @param {number} rows
 * @param {number} cols
 * @param {Float32Array} weights result of `filterWeights`
 * @returns {Float32Array} (channels, rows, cols), 0 … 255
 */
export function filtered(levels, channels, rows, cols, weights) {
  const stride = cols + 2 * REACH;
  const planes = Array.from({ length: channels }, (_, c) =>
    padded(levels.subarray(c * rows * cols, (c + 1) * rows * cols), rows, cols),
  );
  const grey = channels === 1 ? planes[0] : meanOf(planes);
  const changes = new Changes(grey, stride, cols);
  const out = new Float32Array(levels.length);
  const filterRow = channels === 1 ? filterGreyRow : filterColourRow;
  for (let row = 0; row < rows; row++) {
    filterRow(planes, grey, stride, row, cols, changes.around(row), weights, out, rows * cols);
  }
  return out;
}

/** Repeat the outermost levels on all sides. */
function padded(plane, rows, cols) {
  const stride = cols + 2 * REACH;
  const out = new Float32Array((rows + 2 * REACH) * stride);
  for (let row = -REACH; row < rows + REACH; row++) {
    const from = Math.min(rows - 1, Math.max(0, row)) * cols;
    const to = (row + REACH) * stride;
    out.set(plane.subarray(from, from + cols), to + REACH);
    out.fill(plane[from], to, to + REACH);
    out.fill(plane[from + cols - 1], to + REACH + cols, to + stride);
  }
  return out;
}

function meanOf([red, green, blue]) {
  const out = new Float32Array(red.length);
  for (let i = 0; i < out.length; i++) out[i] = (red[i] + green[i] + blue[i]) / 3;
  return out;
}

/** Sums of change along the four axes to nearest neighbours over 3×3 pixels: g of SPEC section 7.6. */
class Changes {
  /** @param {Float32Array} grey padded @param {number} stride @param {number} cols */
  constructor(grey, stride, cols) {
    this.grey = grey;
    this.stride = stride;
    this.cols = cols;
    this.offsets = [1, stride, stride + 1, stride - 1];
    /** Sums over three columns of the rows −1, 0, 1, … of the picture, three of them at a time. */
    this.rows = Array.from({ length: 3 }, () => this.offsets.map(() => new Float32Array(cols)));
    this.sums = this.offsets.map(() => new Float32Array(cols));
    this.next = -1;
  }

  /** @param {number} row which grows by one from call to call @returns {Float32Array[]} g of each axis in a row */
  around(row) {
    for (; this.next <= row + 1; this.next++) this.addRow(this.next);
    const [above, own, below] = this.rows;
    this.sums.forEach((sums, axis) => {
      const [a, b, c] = [above[axis], own[axis], below[axis]];
      for (let col = 0; col < sums.length; col++) sums[col] = a[col] + b[col] + c[col];
    });
    return this.sums;
  }

  /** @param {number} row */
  addRow(row) {
    const { grey, stride, cols, offsets } = this;
    const sums = this.rows.shift();
    const start = (row + REACH) * stride + REACH;
    offsets.forEach((offset, axis) => {
      const target = sums[axis];
      const change = (at) => Math.abs(grey[at + offset] - grey[at]) + Math.abs(grey[at] - grey[at - offset]);
      let before = change(start - 1);
      let here = change(start);
      for (let col = 0; col < cols; col++) {
        const after = change(start + col + 1);
        target[col] = before + here + after;
        before = here;
        here = after;
      }
    });
    this.rows.push(sums);
  }
}

/** Place of a pixel's activity among the nodes. */
function placeOf(g0, g1) {
  const t = Math.log2(1 + (g0 + g1) / 36) - 0.5;
  return t < 0 ? 0 : t > NODES - 1 ? NODES - 1 : t;
}

/** Share of the second axis of a pair in their first mixture. */
function turnOf(first, second) {
  const a = (first + FLAT) ** 2;
  return a / (a + (second + FLAT) ** 2);
}

const limited = (x) => (x < -LIMIT ? -LIMIT : x > LIMIT ? LIMIT : x);

/** Sum the limited differences to the 12 neighbours of a pixel. */
function limitedSum(plane, at, s) {
  const own = plane[at];
  return (
    limited(plane[at + 1] - own) + limited(plane[at - 1] - own) +
    limited(plane[at + s] - own) + limited(plane[at - s] - own) +
    limited(plane[at + s + 1] - own) + limited(plane[at - s - 1] - own) +
    limited(plane[at + s - 1] - own) + limited(plane[at - s + 1] - own) +
    limited(plane[at + 2] - own) + limited(plane[at - 2] - own) +
    limited(plane[at + 2 * s] - own) + limited(plane[at - 2 * s] - own)
  );
}

/** Sum the differences to the 4 nearest neighbours. */
function nearestSum(plane, at, s) {
  return plane[at + 1] + plane[at - 1] + plane[at + s] + plane[at - s] - 4 * plane[at];
}

/** Fill in the inputs that come from the grey picture. */
function greyInputs(x, grey, at, s, turn, diagonalTurn) {
  const twice = 2 * grey[at];
  const d0 = grey[at + 1] + grey[at - 1] - twice;
  const d1 = grey[at + s] + grey[at - s] - twice;
  const d2 = grey[at + s + 1] + grey[at - s - 1] - twice;
  const d3 = grey[at + s - 1] + grey[at - s + 1] - twice;
  const d4 = grey[at + 2] + grey[at - 2] - twice;
  const d5 = grey[at + 2 * s] + grey[at - 2 * s] - twice;
  x[0] = d0 + turn * (d1 - d0);
  x[1] = d0 + d1 - x[0];
  x[2] = d2 + diagonalTurn * (d3 - d2);
  x[3] = d2 + d3 - x[2];
  x[4] = d4 + turn * (d5 - d4);
  x[5] = d4 + d5 - x[4];
}

const clampLevel = (level) => (level < 0 ? 0 : level > 255 ? 255 : level);
const inputsOfPixel = new Float64Array(INPUTS);

function filterColourRow([red, green, blue], grey, stride, row, cols, [g0, g1, g2, g3], weights, out, plane) {
  const x = inputsOfPixel;
  let at = (row + REACH) * stride + REACH;
  for (let col = 0; col < cols; col++, at++) {
    greyInputs(x, grey, at, stride, turnOf(g0[col], g1[col]), turnOf(g2[col], g3[col]));
    x[6] = limitedSum(red, at, stride);
    x[7] = limitedSum(green, at, stride);
    x[8] = limitedSum(blue, at, stride);
    x[9] = nearestSum(red, at, stride);
    x[10] = nearestSum(blue, at, stride);
    const t = placeOf(g0[col], g1[col]);
    const node = Math.min(NODES - 2, Math.floor(t));
    const share = t - node;
    let w = node * INPUTS;
    let r = 0, g = 0, b = 0, r1 = 0, g1_ = 0, b1 = 0;
    const [green0, blue0] = [NODES * INPUTS, 2 * NODES * INPUTS];
    for (let i = 0; i < INPUTS; i++, w++) {
      const value = x[i];
      r += weights[w] * value;
      r1 += weights[w + INPUTS] * value;
      g += weights[w + green0] * value;
      g1_ += weights[w + green0 + INPUTS] * value;
      b += weights[w + blue0] * value;
      b1 += weights[w + blue0 + INPUTS] * value;
    }
    const to = row * cols + col;
    out[to] = clampLevel(red[at] + r + share * (r1 - r));
    out[to + plane] = clampLevel(green[at] + g + share * (g1_ - g));
    out[to + 2 * plane] = clampLevel(blue[at] + b + share * (b1 - b));
  }
}

function filterGreyRow([level], grey, stride, row, cols, [g0, g1, g2, g3], weights, out) {
  const x = inputsOfPixel;
  let at = (row + REACH) * stride + REACH;
  for (let col = 0; col < cols; col++, at++) {
    greyInputs(x, grey, at, stride, turnOf(g0[col], g1[col]), turnOf(g2[col], g3[col]));
    x[6] = limitedSum(level, at, stride);
    const t = placeOf(g0[col], g1[col]);
    const node = Math.min(NODES - 2, Math.floor(t));
    let low = 0;
    let high = 0;
    for (let i = 0, w = node * GREY_INPUTS; i < GREY_INPUTS; i++, w++) {
      low += weights[w] * x[i];
      high += weights[w + GREY_INPUTS] * x[i];
    }
    out[row * cols + col] = clampLevel(level[at] + low + (t - node) * (high - low));
  }
}
