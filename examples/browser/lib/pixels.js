import { filtered, filterWeights } from "./filter.js";
import { isGrey } from "./header.js";
import { LINEAR_FROM } from "./networks.js";
import { Symbols } from "./symbols.js";
import { Window } from "./windows.js";

/**
 * Receives levels of a part of a view.
 *
 * @callback Sink
 * @param {Float32Array} levels (channels, source.rows, source.cols), 0 … 255
 * @param {Window} source pixels of the reduced picture that `levels` covers
 * @param {Window} part of them that the view shows
 */

/**
 * Decode the coded picture of a view, window by window.
 *
 * @param {import("./container.js").Container} container
 * @param {import("./networks.js").Networks} networks
 * @param {import("./view.js").View} view
 * @param {Sink} sink
 * @param {(share: number) => void} [onProgress]
 */
export async function decodeLevels(container, networks, view, sink, onProgress = () => {}) {
  const { model } = networks;
  const { header } = container;
  const channels = isGrey(header) ? 1 : 3;
  const filter = filterWeights(container.filter, model, header.quality, channels);
  // Filtered pictures are averaged after the filter, others by the networks' last layer.
  const inNetwork = filter && view.reduction < LINEAR_FROM ? 1 : view.reduction;
  if (view.reduction < LINEAR_FROM) networks.prepare(channels, inNetwork);
  const symbols = new Symbols(container, model, view);
  const gain = outputGain(model, header.quality);
  const windows = view.windows();
  for (const [done, core] of windows.entries()) {
    const step = (share) => onProgress((done + share) / windows.length);
    const around = view.around(core, model.pixelHalo);
    const area = view.area(around);
    const r = symbols.window(area);
    step(0.15);
    const v = await networks.latents(symbols.hyperWindow(area), r, area, around, gain);
    step(0.35);
    let levels = await networks.levels(v, around.rows, around.cols, header.quality, channels, inNetwork);
    if (filter && view.reduction < LINEAR_FROM) {
      step(0.85);
      const { rows, cols } = around.finer(16);
      levels = filtered(levels, channels, rows, cols, filter);
      if (view.reduction > 1) levels = averaged(levels, channels, rows, cols, view.reduction);
    } else {
      levels = levels.map((level) => Math.min(255, Math.max(0, level)));
    }
    const part = core.finer(view.side).shared(view.window);
    if (part.rows > 0 && part.cols > 0) sink(levels, around.finer(view.side), part);
    step(1);
  }
}

/** Return what ŷ is multiplied by before the synthesis. */
function outputGain(model, position) {
  const { latent } = model.config;
  const decoder = Float32Array.from(model.interpolated("decoder_gain.rows", latent, position));
  const encoder = Float32Array.from(model.interpolated("encoder_gain.rows", latent, position));
  return decoder.map((gain, c) => Math.exp(gain - encoder[c]));
}

/** Average squares of levels. */
function averaged(levels, channels, rows, cols, reduction) {
  const [outRows, outCols] = [rows / reduction, cols / reduction];
  const out = new Float32Array(channels * outRows * outCols);
  const share = 1 / reduction ** 2;
  for (let at = 0, row = 0; row < channels * rows; row++) {
    const to = Math.floor(row / reduction) * outCols;
    for (let col = 0; col < cols; col++) out[to + Math.floor(col / reduction)] += levels[at++] * share;
  }
  return out;
}

/**
 * Return a sink that rounds levels to the samples of a surface.
 *
 * @param {import("./surface.js").Surface} surface
 * @param {Window} shown window of the surface
 * @param {number} channels
 * @returns {Sink}
 */
export function colourSink({ data, width, depth }, shown, channels) {
  const factor = (2 ** depth - 1) / 255;
  return (levels, source, part) => {
    const plane = source.area;
    const [green, blue] = channels === 3 ? [plane, 2 * plane] : [0, 0];
    for (let row = part.top; row < part.bottom; row++) {
      let from = (row - source.top) * source.cols + part.left - source.left;
      let to = 4 * ((row - shown.top) * width + part.left - shown.left);
      for (let col = part.left; col < part.right; col++, from++, to += 4) {
        data[to] = Math.round(levels[from] * factor);
        data[to + 1] = Math.round(levels[from + green] * factor);
        data[to + 2] = Math.round(levels[from + blue] * factor);
      }
    }
  };
}

/**
 * Return a sink that makes opacity of levels of a grey picture (SPEC section 7.4).
 *
 * @param {import("./surface.js").Surface} surface
 * @param {Window} shown window of the surface
 * @param {number} edge
 * @returns {Sink}
 */
export function opacitySink({ data, width, depth }, shown, edge) {
  const most = 2 ** depth - 1;
  const span = 255 - 2 * edge;
  const table = Uint16Array.from({ length: 256 }, (_, level) => {
    const value = Math.min(255 - edge, Math.max(edge, level)) - edge;
    return Math.round((Math.floor((255 * value + Math.floor(span / 2)) / span) * most) / 255);
  });
  return (levels, source, part) => {
    for (let row = part.top; row < part.bottom; row++) {
      let from = (row - source.top) * source.cols + part.left - source.left;
      let to = 4 * ((row - shown.top) * width + part.left - shown.left) + 3;
      for (let col = part.left; col < part.right; col++, from++, to += 4) data[to] = table[Math.round(levels[from])];
    }
  };
}
