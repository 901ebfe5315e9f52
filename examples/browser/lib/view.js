import { AezError } from "./errors.js";
import { LINEAR_FROM } from "./networks.js";
import { divided, Window } from "./windows.js";

export const STRIDE = 16;
export const CELL = 4;
const REDUCTIONS = [1, 2, 4, 8, 16];
/** Most cells, 2.3 megapixels, that are computed in one window. */
const WHOLE_CELLS = 560;
/** Sides of the windows of larger pictures in cells: smaller ones compute more halo, larger ones take more memory. */
const WINDOW_ROWS = 16;
const WINDOW_COLS = 24;
/** Cells around a window that its means depend on. */
const MEANS_HALO = 1;

/** @typedef {import("./header.js").Header} Header */

/** A part of a picture, each of whose pixels is the mean of `reduction`² pixels. */
export class View {
  /**
   * @param {Header} header
   * @param {Window} window in the picture as stored, reduced
   * @param {number} reduction
   */
  constructor(header, window, reduction) {
    this.header = header;
    this.window = window;
    this.reduction = reduction;
    this.rows = Math.ceil(header.height / STRIDE);
    this.cols = Math.ceil(header.width / STRIDE);
    this.cells = { rows: Math.ceil(this.rows / CELL), cols: Math.ceil(this.cols / CELL) };
  }

  /** The pixels of the picture that the view shows. */
  get span() {
    return this.window.finer(this.reduction, this.header.height, this.header.width);
  }

  /** Pixels of the view per latent. */
  get side() {
    return STRIDE / this.reduction;
  }

  /**
   * Divide the latents of the view into windows.
   *
   * @returns {Window[]}
   */
  windows() {
    const latents = this.window.coarser(this.side);
    const cells = latents.coarser(CELL);
    if (cells.area <= WHOLE_CELLS) return [latents];
    return divided(cells, WINDOW_ROWS, WINDOW_COLS).map((window) => window.finer(CELL, this.rows, this.cols));
  }

  /** Latents on which the pixels of a window of latents depend. */
  around(latents, pixelHalo) {
    return latents.grown(this.reduction < LINEAR_FROM ? pixelHalo : 0, this.rows, this.cols);
  }

  /** Latents, whole cells also beyond the picture, on which ŷ of a window depends. */
  area(latents) {
    return latents.coarser(CELL).grown(MEANS_HALO, this.cells.rows, this.cells.cols).finer(CELL);
  }

  /** The part of `area` that the picture has. */
  reach(latents) {
    return this.area(latents).shared(new Window(0, this.rows, 0, this.cols));
  }
}

/**
 * Return the view that options ask for.
 *
 * @param {Header} header
 * @param {{scale?: number, region?: readonly number[]}} options
 * @param {boolean} turned whether the region is one of the picture as displayed
 * @returns {View}
 */
export function viewOf(header, { scale = 1, region }, turned) {
  const reduction = REDUCTIONS.find((n) => scale === 1 / n);
  if (!reduction) throw new AezError("argument", `the scale must be 1, 1/2, 1/4, 1/8 or 1/16, not ${scale}`);
  const area = region ? storedWindow(header, region, turned) : new Window(0, header.height, 0, header.width);
  return new View(header, area.coarser(reduction), reduction);
}

/** @param {Header} header @param {readonly number[]} region x, y, width, height @param {boolean} turned */
function storedWindow(header, region, turned) {
  if (region.length !== 4 || !region.every(Number.isInteger)) {
    throw new AezError("argument", "a region is four whole numbers: x, y, width and height");
  }
  const orientation = turned ? header.orientation : 1;
  const swapped = orientation >= 5;
  const [width, height] = swapped ? [header.height, header.width] : [header.width, header.height];
  const [x, y, across, down] = region;
  if (across < 1 || down < 1 || x < 0 || y < 0 || x + across > width || y + down > height) {
    throw new AezError("argument", `the region ${region} is not within the picture of ${width}×${height}`);
  }
  let window = new Window(y, y + down, x, x + across);
  const { top, bottom, left, right } = window;
  if (mirrorsColumns(orientation)) window = new Window(top, bottom, width - right, width - left);
  if (mirrorsRows(orientation)) window = new Window(height - bottom, height - top, window.left, window.right);
  return swapped ? new Window(window.left, window.right, window.top, window.bottom) : window;
}

/** @param {number} orientation @returns {boolean} whether display mirrors columns, after rows and columns are swapped */
export const mirrorsColumns = (orientation) => [2, 3, 6, 7].includes(orientation);

/** @param {number} orientation @returns {boolean} whether display mirrors rows, after rows and columns are swapped */
export const mirrorsRows = (orientation) => [3, 4, 7, 8].includes(orientation);
