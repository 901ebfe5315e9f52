import { formatError } from "./errors.js";
import { RangeDecoder } from "./range-coder.js";

/** @typedef {import("./tables.js").Table} Table */

/**
 * What codes z of a picture (SPEC section 7.2).
 *
 * @typedef {object} HyperModel
 * @property {Table[]} tables
 * @property {Uint8Array} index table of each channel
 * @property {Int16Array} [mean] of each channel; of grey pictures
 * @property {HyperContext} [context] of colour pictures
 */

/**
 * @typedef {object} HyperContext
 * @property {Table[]} tables those of all levels for values expected at 0, then at ¼, then at ½
 * @property {Int16Array} weight (2, Z)
 * @property {Uint8Array} level (2, Z)
 */

/** Neighbours of each step, as rows and columns from a cell. */
const NEIGHBOURS = [
  [[-1, -1], [-1, 1], [1, -1], [1, 1]],
  [[-1, 0], [1, 0], [0, -1], [0, 1]],
];

/**
 * Decode z.
 *
 * @param {Uint8Array} stream payload of HYPER
 * @param {HyperModel} model
 * @param {number} rows of cells
 * @param {number} cols of cells
 * @returns {Int32Array} (Z, rows, cols)
 */
export function readHyper(stream, model, rows, cols) {
  const { tables, index, mean, context } = model;
  const decoder = new RangeDecoder(stream);
  const [firstRows, firstCols] = context ? [(rows + 1) >> 1, (cols + 1) >> 1] : [rows, cols];
  // Before memory is taken for all of z: what its first part takes at least.
  decoder.require(index.reduce((bits, table) => bits + tables[table].leastBits * firstRows * firstCols, 0));
  const z = new Int32Array(index.length * rows * cols);
  readPlain(decoder, z, model, context ? everySecond(rows, cols) : everyCell(rows, cols), rows * cols);
  if (context) for (const step of [0, 1]) readStep(decoder, z, context, step, rows, cols);
  decoder.finish();
  for (let c = 0, place = 0; c < index.length; c++) {
    const { bound } = tables[index[c]];
    for (let cell = 0; cell < rows * cols; cell++, place++) {
      if (Math.abs(z[place]) > bound) throw formatError("a hyper-latent lies outside what its table holds");
      if (mean) z[place] += mean[c];
    }
  }
  return z;
}

const everyCell = (rows, cols) => Uint32Array.from({ length: rows * cols }, (_, cell) => cell);

/** @param {number} rows @param {number} cols @returns {Uint32Array} cells of even row and even column */
function everySecond(rows, cols) {
  return everyCell(rows, cols).filter((cell) => Math.floor(cell / cols) % 2 === 0 && (cell % cols) % 2 === 0);
}

/**
 * Read cells whose tables are those of their channels.
 *
 * @param {RangeDecoder} decoder
 * @param {Int32Array} z is filled
 * @param {HyperModel} model
 * @param {Uint32Array} cells
 * @param {number} plane elements of a channel
 */
function readPlain(decoder, z, { tables, index }, cells, plane) {
  const entries = new Uint16Array(cells.length);
  const channels = Array.from(index.keys()).sort((a, b) => index[a] - index[b] || a - b);
  for (const c of channels) {
    const table = tables[index[c]];
    decoder.read(table, entries);
    cells.forEach((cell, i) => (z[c * plane + cell] = entries[i] - table.bound));
  }
}

/**
 * Read the cells of a step, which are expected from their neighbours.
 *
 * @param {RangeDecoder} decoder
 * @param {Int32Array} z is filled
 * @param {HyperContext} context
 * @param {number} step 0 for cells of odd row and odd column, 1 for those that are left
 * @param {number} rows
 * @param {number} cols
 */
function readStep(decoder, z, { tables, weight, level }, step, rows, cols) {
  const channels = weight.length / 2;
  const levels = tables.length / 3;
  const cells = cellsOf(step, rows, cols);
  const count = channels * cells.length;
  const places = new Uint32Array(count);
  const expected = new Int32Array(count);
  const turned = new Uint8Array(count);
  const number = new Uint8Array(count); // of the table
  for (let c = 0, i = 0; c < channels; c++) {
    const factor = weight[step * channels + c];
    for (const { row, col, twelfth, around } of cells) {
      const place = (c * rows + row) * cols + col;
      let sum = 0;
      for (const offset of around) sum += z[place + offset];
      const quarters = (factor * sum * twelfth + 128) >> 8;
      const whole = (quarters + 2) >> 2;
      const rest = quarters - 4 * whole;
      places[i] = place;
      expected[i] = whole;
      turned[i] = rest < 0 ? 1 : 0;
      number[i++] = level[step * channels + c] + Math.abs(rest) * levels;
    }
  }
  const order = sorted(number, tables.length);
  decoder.require(order.reduce((bits, run, table) => bits + run.length * tables[table].leastBits, 0));
  order.forEach((run, table) => {
    const entries = new Uint16Array(run.length);
    decoder.read(tables[table], entries);
    run.forEach((i, k) => {
      const value = entries[k] - tables[table].bound;
      z[places[i]] = turned[i] ? expected[i] - value : expected[i] + value;
    });
  });
}

/**
 * Return the cells of a step in raster order, with the offsets of their neighbours and 12 / (number of neighbours).
 *
 * @param {number} step
 * @param {number} rows
 * @param {number} cols
 */
function cellsOf(step, rows, cols) {
  const cells = [];
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      if (step === 0 ? row % 2 === 0 || col % 2 === 0 : row % 2 === col % 2) continue;
      const around = NEIGHBOURS[step]
        .filter(([i, j]) => row + i >= 0 && row + i < rows && col + j >= 0 && col + j < cols)
        .map(([i, j]) => i * cols + j);
      cells.push({ row, col, around, twelfth: 12 / around.length });
    }
  }
  return cells;
}

/** @param {Uint8Array} numbers @param {number} tables @returns {Uint32Array[]} elements of each table, in order */
function sorted(numbers, tables) {
  const counts = new Uint32Array(tables);
  for (const number of numbers) counts[number]++;
  const runs = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  numbers.forEach((number, i) => (runs[number][counts[number]++] = i));
  return runs;
}
