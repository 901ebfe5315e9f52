import { modelError } from "./errors.js";
import { ExactPath } from "./exact.js";
import { hex } from "./header.js";
import { readSafetensors, valuesOf } from "./safetensors.js";
import { Sha256 } from "./sha256.js";
import { makeTables } from "./tables.js";

const FORMAT = "aez-weights-1";
const READ_BY_DECODERS = /^(synthesis|context|encoder_gain|decoder_gain|exact|tables|filter)\./;
const SIZES = /** @type {const} */ ([
  "latent", "hyper", "analysis", "analysis_depth", "synthesis16", "synthesis16_depth", "synthesis8",
  "synthesis8_depth", "synthesis4", "synthesis4_depth", "context", "scale", "points",
]);
const MAX_SIZE = 4096;
const MAX_DEPTH = 64;
const RESIDUAL_TABLES = 64;
const FILTER_HALO = 1;
/** Largest shift of a row of bytes: what is shifted by more does not fit 16 bits. */
const MAX_SHIFT = 8;

/** @typedef {import("./tables.js").Table} Table */
/** @typedef {import("./safetensors.js").Tensor} Tensor */
/** @typedef {Record<typeof SIZES[number], number>} Config */

/** A model: what a weights file holds that decoding reads (SPEC section 8). */
export class Model {
  /** @param {Uint8Array} file a weights file, with or without what only encoders read */
  constructor(file) {
    const { metadata, tensors } = readSafetensors(file);
    if (metadata.format !== FORMAT) throw modelError("not a weights file of this format");
    this.tensors = tensors;
    const stored = parsed(metadata.config);
    this.config = checkedConfig(stored);
    this.fingerprint = fingerprintOf(stored, tensors);
    if (this.fingerprint !== metadata.fingerprint) throw modelError("the weights file is damaged: its fingerprint");
    const names = [...tensors.keys()];
    /** @type {Table[]} */
    this.residualTables = this.tables("residual", true);
    if (this.residualTables.length !== RESIDUAL_TABLES) throw modelError("the model does not have 64 tables of r");
    /** @type {Table[]} */
    this.hyperTables = this.tables("hyper", false);
    const hasContext = names.some((name) => name.startsWith("tables.context_"));
    this.contextTables = hasContext ? this.tables("context", false) : undefined;
    this.hasGrey = names.some((name) => name.startsWith("tables.grey_"));
    this.firstCoded = this.readFirstCoded();
    this.exact = new ExactPath((name) => this.integers(name), this.config, this.largestHyper());
    this.checkHyper();
  }

  /** Latents around a window that its pixels depend on besides the means. */
  get pixelHalo() {
    const { synthesis16_depth: at16, synthesis8_depth: at8, synthesis4_depth: at4 } = this.config;
    return Math.ceil(at16 + at8 / 2 + at4 / 4) + (this.hasFilter ? FILTER_HALO : 0);
  }

  get hasFilter() {
    return this.tensors.has("filter.mean") && this.tensors.has("filter.step");
  }

  /** @param {string} name @returns {Tensor} */
  tensor(name) {
    const tensor = this.tensors.get(name);
    if (!tensor) throw modelError(`the model lacks the tensor "${name}"`);
    return tensor;
  }

  /** @param {string} name @returns {any} the values of a tensor */
  values(name) {
    return valuesOf(this.tensor(name));
  }

  /** @param {string} name @returns {any} the values of a tensor, or of bytes with a left shift for each row */
  integers(name) {
    const shifts = this.tensors.has(`${name}#shift`) && this.values(`${name}#shift`);
    const values = shifts ? shifted(this.values(name), shifts) : this.values(name);
    if (!values) throw modelError("the model's exact path is damaged");
    return values;
  }

  /**
   * @param {string} name
   * @param {number} [length] that it must have
   * @returns {Float32Array} the values of a floating-point tensor, or of bytes with a step for each row, all finite
   */
  floats(name, length) {
    const steps = this.tensors.has(`${name}#step`) && this.values(`${name}#step`);
    const values = steps ? inSteps(this.values(name), steps) : this.values(name);
    if (!(values instanceof Float32Array) || (length !== undefined && values.length !== length)) {
      throw modelError(`the model's tensor "${name}" does not fit its configuration`);
    }
    if (!values.every(Number.isFinite)) throw modelError(`the model's tensor "${name}" is not finite`);
    return values;
  }

  /**
   * Interpolate between the rows of a table at a quality position (SPEC section 5.1).
   *
   * @param {string} name
   * @param {number} width
   * @param {number} position
   * @returns {Float64Array}
   */
  interpolated(name, width, position) {
    const rows = this.floats(name, this.config.points * width);
    const point = Math.min(position >> 8, this.config.points - 2);
    const share = (position - 256 * point) / 256;
    const below = new Float64Array(rows.subarray(point * width, (point + 1) * width));
    return below.map((value, i) => value * (1 - share) + rows[(point + 1) * width + i] * share);
  }

  /**
   * Return the row of a table for the quality point that is nearest to a position.
   *
   * @param {string} name
   * @param {number} width
   * @param {number} position
   * @returns {any}
   */
  nearest(name, width, position) {
    const point = Math.min((position + 128) >> 8, this.config.points - 1);
    return this.values(name).subarray(point * width, (point + 1) * width);
  }

  /**
   * @param {number} position
   * @param {boolean} grey
   * @returns {import("./hyper.js").HyperModel} what codes z
   */
  hyperModel(position, grey) {
    const { hyper } = this.config;
    const tables = this.hyperTables;
    if (grey && this.hasGrey) {
      const index = this.nearest("tables.grey_hyper_index", hyper, position);
      return { tables, index, mean: this.nearest("tables.grey_hyper_mean", hyper, position) };
    }
    const index = this.nearest("tables.hyper_index", hyper, position);
    if (grey || !this.contextTables) return { tables, index };
    const weight = this.nearest("tables.context_weight", 2 * hyper, position);
    const level = this.nearest("tables.context_level", 2 * hyper, position);
    return { tables, index, context: { tables: this.contextTables, weight, level } };
  }

  /** @param {number} position @returns {Int8Array | undefined} what is added to the indices of grey pictures */
  greyOffset(position) {
    return this.hasGrey ? this.nearest("tables.grey_offset", this.config.latent, position) : undefined;
  }

  /** @param {string} kind @param {boolean} escape @returns {Table[]} */
  tables(kind, escape) {
    return makeTables(this.ints(`tables.${kind}_counts`), this.ints(`tables.${kind}_sizes`), escape);
  }

  /** @returns {number} */
  readFirstCoded() {
    const values = this.ints("tables.first_coded");
    if (values.length !== 1 || values[0] < 0 || values[0] > RESIDUAL_TABLES) {
      throw modelError("the model's first coded table is out of range");
    }
    return values[0];
  }

  /** @param {string} name @returns {Int32Array} */
  ints(name) {
    const values = this.values(name);
    if (!(values instanceof Int32Array)) throw modelError(`the model's tensor "${name}" is not of 32-bit integers`);
    return values;
  }

  /** @returns {number} */
  largestHyper() {
    return Math.max(...this.hyperTables.map(({ bound }) => bound));
  }

  /** Check the tensors that choose the tables of z. */
  checkHyper() {
    const { points, hyper, latent } = this.config;
    const index = this.shaped("tables.hyper_index", Uint8Array, points * hyper);
    if (index.some((table) => table >= this.hyperTables.length)) throw unknownTable();
    if (this.hasGrey) this.checkGrey(points, hyper, latent);
    if (this.contextTables) this.checkContext(index, points, hyper);
  }

  /** @param {number} points @param {number} hyper @param {number} latent */
  checkGrey(points, hyper, latent) {
    this.shaped("tables.grey_offset", Int8Array, points * latent);
    const index = this.shaped("tables.grey_hyper_index", Uint8Array, points * hyper);
    const mean = this.shaped("tables.grey_hyper_mean", Int16Array, points * hyper);
    const most = this.largestHyper();
    index.forEach((table, i) => {
      if (table >= this.hyperTables.length) throw unknownTable();
      if (Math.abs(mean[i]) + this.hyperTables[table].bound > most) {
        throw modelError("the model's tables for grey pictures reach beyond what the exact path holds for");
      }
    });
  }

  /**
   * Check that |z| + |e| is within all three tables of a level.
   *
   * @param {Uint8Array} index
   * @param {number} points
   * @param {number} hyper
   */
  checkContext(index, points, hyper) {
    const tables = /** @type {Table[]} */ (this.contextTables);
    const weight = this.shaped("tables.context_weight", Int16Array, points * 2 * hyper);
    const level = this.shaped("tables.context_level", Uint8Array, points * 2 * hyper);
    const levels = tables.length / 3;
    if (tables.length % 3 || level.some((table) => table >= levels)) throw unknownTable();
    weight.forEach((factor, i) => {
      const { bound } = this.hyperTables[index[Math.floor(i / (2 * hyper)) * hyper + (i % hyper)]];
      const quarters = (Math.abs(factor) * 12 * bound + 256) >> 8;
      const most = bound + (quarters >> 2) + 1;
      if ([0, 1, 2].some((phase) => most > tables[level[i] + phase * levels].bound)) {
        throw modelError("the model's context of z names tables that are too short");
      }
    });
  }

  /** @param {string} name @param {any} Values @param {number} length @returns {any} */
  shaped(name, Values, length) {
    const values = this.values(name);
    if (!(values instanceof Values) || values.length !== length) {
      throw modelError(`the model's tensor "${name}" does not fit its configuration`);
    }
    return values;
  }
}

const unknownTable = () => modelError("the model names a table that it does not have");

/** @param {string} text @returns {Record<string, any>} */
function parsed(text) {
  try {
    const config = JSON.parse(text);
    if (config !== null && typeof config === "object") return config;
  } catch {
    // Reported below.
  }
  throw modelError("the model's configuration is damaged");
}

/** @param {Record<string, any>} config @returns {Config} */
function checkedConfig(config) {
  for (const name of SIZES) {
    const depth = name.endsWith("_depth");
    const value = config[name];
    if (!Number.isInteger(value) || value < (depth ? 0 : 1) || value > (depth ? MAX_DEPTH : MAX_SIZE)) {
      throw modelError(`the model's ${name} is out of range`);
    }
  }
  if (config.points < 2 || config.points > 256 || config.latent > 768) throw modelError("the model is too large");
  return /** @type {Config} */ (config);
}

/**
 * @param {Record<string, any>} config
 * @param {Map<string, Tensor>} tensors
 * @returns {string} 12 hexadecimal digits
 */
function fingerprintOf(config, tensors) {
  const text = (string) => new TextEncoder().encode(string);
  const sizes = Object.keys(config).filter((name) => name !== "lambda_high").sort();
  const hash = new Sha256().update(text(`{${sizes.map((name) => `"${name}": ${config[name]}`).join(", ")}}`));
  for (const name of [...tensors.keys()].filter((key) => READ_BY_DECODERS.test(key)).sort()) {
    const { typeName, shape, bytes } = /** @type {Tensor} */ (tensors.get(name));
    const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
    hash.update(text(`${name} ${typeName} ${tuple}`)).update(bytes);
  }
  return hex(hash.digest().subarray(0, 6));
}

/**
 * Multiply the rows of a matrix by their steps (SPEC section 8).
 *
 * @param {any} rows
 * @param {any} steps
 * @returns {Float32Array | undefined} undefined if they do not fit
 */
function inSteps(rows, steps) {
  const width = rows.length / steps.length;
  if (!(rows instanceof Int8Array) || !(steps instanceof Float32Array) || !Number.isInteger(width)) return undefined;
  return Float32Array.from(rows, (value, i) => value * steps[Math.floor(i / width)]);
}

/**
 * Shift the rows of a matrix of integers to the left (SPEC section 8).
 *
 * @param {any} rows
 * @param {any} shifts
 * @returns {Int16Array | undefined} undefined if they do not fit
 */
function shifted(rows, shifts) {
  const width = rows.length / shifts.length;
  if (!(rows instanceof Int8Array) || !(shifts instanceof Uint8Array) || !Number.isInteger(width)) return undefined;
  if (shifts.some((shift) => shift > MAX_SHIFT)) return undefined;
  return Int16Array.from(rows, (value, i) => value << shifts[Math.floor(i / width)]);
}
