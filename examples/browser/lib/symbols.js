import { formatError, modelError } from "./errors.js";
import { isGrey } from "./header.js";
import { readHyper } from "./hyper.js";
import { readTile } from "./tile.js";
import { CELL } from "./view.js";
import { copyPlanes, divided, Window } from "./windows.js";

/** @typedef {import("./container.js").Container} Container */
/** @typedef {import("./model.js").Model} Model */

/**
 * Refuse a file that was not made with a model.
 *
 * @param {import("./header.js").Header} header
 * @param {Model} model
 */
export function checkModel(header, model) {
  if (header.fingerprint !== model.fingerprint) {
    throw modelError(`made with the model ${header.fingerprint}, not with ${model.fingerprint}`);
  }
  if (header.quality > 256 * (model.config.points - 1)) throw formatError("the quality position is beyond the model's");
}

/** The symbols of a file: z, and r of tiles, which are decoded when they are needed. */
export class Symbols {
  /**
   * @param {Container} container
   * @param {Model} model
   * @param {import("./view.js").View} view of any part of the picture
   */
  constructor(container, model, view) {
    const { header } = container;
    this.container = container;
    this.model = model;
    this.cells = view.cells;
    this.position = header.quality;
    this.grey = isGrey(header);
    const side = header.tileLog2 ? 2 ** header.tileLog2 : Infinity;
    this.areas = divided(new Window(0, view.rows, 0, view.cols), Math.min(side, view.rows), Math.min(side, view.cols));
    this.offset = this.grey ? model.greyOffset(this.position) : undefined;
    /** @type {Map<number, Int16Array>} */
    this.tiles = new Map();
    this.z = this.readZ();
  }

  /** @returns {Int32Array} (Z, rows, cols) */
  readZ() {
    const { rows, cols } = this.cells;
    if (this.container.whole) return new Int32Array(this.model.config.hyper * rows * cols);
    return readHyper(this.container.hyper, this.model.hyperModel(this.position, this.grey), rows, cols);
  }

  /** @param {number} number @returns {Int16Array} r of a tile, (M, rows, cols) */
  tile(number) {
    const area = this.areas[number];
    const { latent } = this.model.config;
    if (this.container.whole) return new Int16Array(latent * area.area);
    const { residualTables, firstCoded } = this.model;
    return readTile(this.container.tiles[number], this.indices(area), residualTables, firstCoded);
  }

  /** @param {Window} area latents of whole cells but at the picture's end @returns {Uint8Array} (M, rows, cols) */
  indices(area) {
    const cells = area.coarser(CELL);
    const found = this.model.exact.indices(this.z, this.cells, cells, this.position);
    const whole = cells.finer(CELL);
    const { latent } = this.model.config;
    let out = found;
    if (whole.area !== area.area) {
      out = new Uint8Array(latent * area.area);
      copyPlanes(found, whole, out, area, latent, area);
    }
    if (this.offset) {
      for (let c = 0, i = 0; c < latent; c++) {
        for (const end = i + area.area; i < end; i++) out[i] = Math.min(63, Math.max(0, out[i] + this.offset[c]));
      }
    }
    return out;
  }

  /**
   * Return r of a window of latents as floats, 0 beyond the picture. Windows must come in raster order, because tiles
   * above a window are forgotten.
   *
   * @param {Window} window whole cells, also beyond the picture's end
   * @returns {Float32Array} (M, rows, cols)
   */
  window(window) {
    const { latent } = this.model.config;
    const out = new Float32Array(latent * window.area);
    this.areas.forEach((area, number) => {
      if (area.bottom <= window.top) this.tiles.delete(number);
      if (!area.touches(window)) return;
      let tile = this.tiles.get(number);
      if (!tile) {
        tile = this.tile(number);
        this.tiles.set(number, tile);
      }
      copyPlanes(tile, area, out, window, latent, area.shared(window));
    });
    return out;
  }

  /** @returns {Float32Array} z of the cells of a window of latents */
  hyperWindow(window) {
    const cells = window.coarser(CELL);
    const { hyper } = this.model.config;
    const out = new Float32Array(hyper * cells.area);
    copyPlanes(this.z, new Window(0, this.cells.rows, 0, this.cells.cols), out, cells, hyper, cells);
    return out;
  }
}
