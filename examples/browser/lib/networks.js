import { AezError, modelError } from "./errors.js";
import { completed } from "./onnx.js";
import { copyPlanes, Window } from "./windows.js";

const MAX_GRAPH_BYTES = 2 ** 22;
const STRIDE = 16;
const QUARTER = 4;
const CELL = 4;
/** Latents of a flat picture whose middle sees no edge. */
const FLAT_SIDE = 8;
/** Smallest reduction at which the synthesis is its linear path and what the network adds to a flat picture. */
export const LINEAR_FROM = 8;

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./onnx.js").Node} Node */
/** @typedef {import("./onnx.js").Constant} Constant */

/** The float networks of one model, in ONNX Runtime. */
export class Networks {
  /**
   * @param {Model} model
   * @param {any} ort the module onnxruntime-web
   * @param {string[]} providers execution providers
   */
  constructor(model, ort, providers) {
    this.model = model;
    this.ort = ort;
    this.providers = providers;
    /** @type {Map<string, Promise<any>>} */
    this.sessions = new Map();
    /** @type {Map<string, Float32Array>} */
    this.flats = new Map();
  }

  /** Begin to make the sessions that a picture needs while other work is done. */
  prepare(channels, pool) {
    for (const session of [this.session("context"), this.session("second_mean"), this.synthesis(channels, pool)]) {
      session.catch(() => {}); // whoever needs the session meets the error, too
    }
  }

  /**
   * Return ŷ · gain of a window of latents (SPEC sections 5.4 and 5.5).
   *
   * @param {Float32Array} z (Z, area.rows / 4, area.cols / 4), of the cells of `area`
   * @param {Float32Array} r (M, area.rows, area.cols)
   * @param {Window} area whole cells, in latents
   * @param {Window} window within `area`
   * @param {Float32Array} gain of each channel
   * @returns {Promise<Float32Array>} (M, window.rows, window.cols)
   */
  async latents(z, r, area, window, gain) {
    const { latent, hyper } = this.model.config;
    const shape = [1, latent, area.rows, area.cols];
    const { features, first } = await this.run("context", this.session("context"), {
      z: [z, [1, hyper, area.rows / CELL, area.cols / CELL]],
    });
    const { mean } = await this.run("second_mean", this.session("second_mean"), {
      features: [features.data, features.dims],
      first: [first.data, first.dims],
      mask: [firstStep(latent, area), shape],
      r: [r, shape],
    });
    const values = dataOf(mean, shape);
    for (let i = 0; i < r.length; i++) values[i] += r[i];
    const v = new Float32Array(latent * window.area);
    copyPlanes(values, area, v, window, latent, window);
    for (let c = 0, i = 0; c < latent; c++) for (const end = i + window.area; i < end; i++) v[i] *= gain[c];
    return v;
  }

  /**
   * Return levels of a window of latents, which may be beyond 0 … 255.
   *
   * @param {Float32Array} v (M, rows, cols), result of `latents`
   * @param {number} rows
   * @param {number} cols
   * @param {number} position quality position
   * @param {number} channels 3, or 1 of a grey picture
   * @param {number} reduction each level is the mean of reduction² pixels
   * @returns {Promise<Float32Array>} (channels, rows · 16 / reduction, cols · 16 / reduction)
   */
  async levels(v, rows, cols, position, channels, reduction) {
    if (reduction >= LINEAR_FROM) return this.linearLevels(v, rows, cols, position, channels, reduction);
    const { latent, synthesis16 } = this.model.config;
    const gain = Float32Array.from(this.model.interpolated("synthesis.gain.rows", synthesis16, position), Math.exp);
    const { levels } = await this.run("synthesis", this.synthesis(channels, reduction), {
      y: [v, [1, latent, rows, cols]],
      gain: [gain, [1, synthesis16, 1, 1]],
    });
    const side = STRIDE / reduction;
    return dataOf(levels, [1, channels, side * rows, side * cols]);
  }

  /** Return the levels that the linear path gives; arguments as `levels`. */
  async linearLevels(v, rows, cols, position, channels, reduction) {
    const side = STRIDE / reduction;
    const { latent } = this.model.config;
    const weight = this.end("linear", latent, STRIDE, channels, reduction);
    const flat = await this.flat(position, channels);
    const out = new Float32Array(channels * side * rows * side * cols);
    const plane = rows * cols;
    for (let o = 0; o < weight.bias.length; o++) {
      const [channel, i, j] = [Math.floor(o / side ** 2), Math.floor(o / side) % side, o % side];
      for (let at = 0; at < plane; at++) {
        let sum = weight.bias[o] + flat[channel];
        for (let c = 0; c < latent; c++) sum += weight.values[o * latent + c] * v[c * plane + at];
        const row = Math.floor(at / cols) * side + i;
        const place = (channel * rows * side + row) * cols * side + (at % cols) * side + j;
        out[place] = 255 * Math.min(0.5, Math.max(-0.5, sum)) + 127.5;
      }
    }
    return out;
  }

  /** Return what the network adds to each channel where all latents are 0. */
  async flat(position, channels) {
    const key = `${position} ${channels}`;
    const known = this.flats.get(key);
    if (known) return known;
    const { latent } = this.model.config;
    const zeros = new Float32Array(latent * FLAT_SIDE ** 2);
    const levels = await this.levels(zeros, FLAT_SIDE, FLAT_SIDE, position, channels, 1);
    const { bias } = this.end("linear", latent, STRIDE, channels, STRIDE);
    const side = STRIDE * FLAT_SIDE;
    const middle = side / 2;
    const flat = Float32Array.from({ length: channels }, (_, c) => {
      let sum = 0;
      for (let row = middle; row < middle + STRIDE; row++) {
        for (let col = middle; col < middle + STRIDE; col++) sum += levels[(c * side + row) * side + col];
      }
      return (sum / STRIDE ** 2 - 127.5) / 255 - bias[c];
    });
    this.flats.clear();
    this.flats.set(key, flat);
    return flat;
  }

  /**
   * Return weights and biases of a layer that gives pixels, the colours averaged for grey pictures, the pixels of
   * squares averaged for reduced ones.
   */
  end(name, inputs, size, channels, reduction) {
    const outputs = 3 * size ** 2;
    const weight = this.model.floats(`synthesis.${name}.weight`, outputs * inputs);
    const bias = this.model.floats(`synthesis.${name}.bias`, outputs);
    const side = size / reduction;
    const share = (channels / 3) / reduction ** 2;
    const values = new Float32Array(channels * side ** 2 * inputs);
    const sums = new Float32Array(channels * side ** 2);
    for (let o = 0; o < outputs; o++) {
      const channel = Math.floor(o / size ** 2) % channels;
      const [i, j] = [Math.floor(o / size) % size, o % size].map((x) => Math.floor(x / reduction));
      const to = (channel * side + i) * side + j;
      sums[to] += bias[o] * share;
      for (let c = 0; c < inputs; c++) values[to * inputs + c] += weight[o * inputs + c] * share;
    }
    return { values, bias: sums };
  }

  /** Return the session that gives levels: the graph `synthesis` with the last layers appended. */
  synthesis(channels, pool) {
    const { latent, synthesis4 } = this.model.config;
    return this.session("synthesis", `${channels} ${pool}`, () => {
      const constants = new Map();
      const layer = (name, inputs, size) => {
        const { values, bias } = this.end(name, inputs, size, channels, 1);
        constants.set(`${name}.weight`, { shape: [bias.length, inputs, 1, 1], values });
        constants.set(`${name}.bias`, { shape: [bias.length], values: bias });
      };
      layer("linear", latent, STRIDE);
      layer("tail", synthesis4, QUARTER);
      for (const [name, value] of [["least", -2], ["most", 2], ["factor", 255], ["middle", 127.5]]) {
        constants.set(name, { shape: [], values: Float32Array.of(/** @type {number} */ (value)) });
      }
      return { constants, nodes: lastLayers(pool) };
    });
  }

  /**
   * @param {string} name of a graph
   * @param {string} [variant]
   * @param {() => {constants: Map<string, Constant>, nodes: Node[]}} [additions]
   * @returns {Promise<any>}
   */
  session(name, variant = "", additions = () => ({ constants: new Map(), nodes: [] })) {
    const key = `${name} ${variant}`;
    let session = this.sessions.get(key);
    if (!session) {
      session = this.makeSession(name, additions());
      this.sessions.set(key, session);
      session.catch(() => this.sessions.delete(key));
    }
    return session;
  }

  /** @param {string} name @param {{constants: Map<string, Constant>, nodes: Node[]}} additions */
  async makeSession(name, { constants, nodes }) {
    const { names, onnx } = await this.graph(name);
    const all = new Map(constants);
    for (const tensor of names) {
      all.set(tensor, { shape: this.model.tensor(tensor).shape, values: this.model.floats(tensor) });
    }
    try {
      return await this.ort.InferenceSession.create(completed(onnx, all, nodes), {
        executionProviders: this.providers,
        logSeverityLevel: 4,
        enableMemPattern: false, // it would plan memory for every size of window anew
      });
    } catch (error) {
      throw networkError(name, error);
    }
  }

  /** @param {string} name @returns {Promise<{names: string[], onnx: Uint8Array}>} */
  async graph(name) {
    const { bytes } = this.model.tensor(`graphs.${name}`);
    const data = await inflated(bytes).catch(() => {
      throw modelError("the model has a damaged graph");
    });
    const end = data.indexOf(0);
    if (end < 0) throw modelError("the model has a damaged graph");
    return { names: new TextDecoder().decode(data.subarray(0, end)).split("\n"), onnx: data.subarray(end + 1) };
  }

  /**
   * @param {string} name
   * @param {Promise<any>} made
   * @param {Record<string, [Float32Array, readonly number[]]>} inputs values and shapes by name
   * @returns {Promise<Record<string, any>>}
   */
  async run(name, made, inputs) {
    const session = await made;
    const feeds = {};
    for (const [input, [values, shape]] of Object.entries(inputs)) {
      feeds[input] = new this.ort.Tensor("float32", values, shape);
    }
    try {
      return await session.run(feeds);
    } catch (error) {
      throw networkError(name, error);
    }
  }
}

/** @param {string} name @param {unknown} error @returns {AezError} */
function networkError(name, error) {
  if (/alloc|memory/i.test(String(error))) {
    return new AezError("memory", "there is not enough memory for the networks", { cause: error });
  }
  return new AezError("model", `the model's graph "${name}" cannot be run`, { cause: error });
}

/** @param {any} tensor @param {number[]} shape that it must have @returns {Float32Array} */
function dataOf(tensor, shape) {
  if (tensor?.dims.join() !== shape.join()) throw modelError("a graph of the model gives a wrong shape");
  return tensor.data;
}

/** Return 1 for the elements of the first step, 0 for others (S of SPEC section 5.4). */
function firstStep(latent, area) {
  const mask = new Float32Array(latent * area.area);
  for (let c = 0, at = 0; c < latent; c++) {
    const wanted = c < latent / 2 ? 0 : 1;
    for (let row = area.top; row < area.bottom; row++) {
      for (let col = area.left; col < area.right; col++, at++) mask[at] = (row + col) % 2 === wanted ? 1 : 0;
    }
  }
  return mask;
}

/** Return the operations from the graph's output `h` and its input `y` to levels. */
function lastLayers(pool) {
  const shuffle = (blocksize) => ({ blocksize, mode: "CRD" });
  const nodes = [
    { type: "Conv", inputs: ["h", "tail.weight", "tail.bias"], output: "fine" },
    { type: "DepthToSpace", inputs: ["fine"], output: "detail", attributes: shuffle(QUARTER) },
    { type: "Conv", inputs: ["y", "linear.weight", "linear.bias"], output: "coarse" },
    { type: "DepthToSpace", inputs: ["coarse"], output: "base", attributes: shuffle(STRIDE) },
    { type: "Add", inputs: ["detail", "base"], output: "sum" },
  ];
  let last = "sum";
  if (pool > 1) {
    const square = [pool, pool];
    nodes.push({ type: "AveragePool", inputs: [last], output: "pooled", attributes: { kernel_shape: square, strides: square } });
    last = "pooled";
  }
  nodes.push(
    { type: "Clip", inputs: [last, "least", "most"], output: "clipped" },
    { type: "Mul", inputs: ["clipped", "factor"], output: "scaled" },
    { type: "Add", inputs: ["scaled", "middle"], output: "levels" },
  );
  return nodes;
}

/** @param {Uint8Array} bytes a zlib stream @returns {Promise<Uint8Array>} */
async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_GRAPH_BYTES) throw modelError("the model has a graph that is too large");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
