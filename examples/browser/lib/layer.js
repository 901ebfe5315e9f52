import { formatError, truncatedError } from "./errors.js";
import { isGrey } from "./header.js";
import { eachPixel, layerTile, paintTiles, readContent, tileAreas } from "./pixel-tiles.js";
import { VP8L_HEADER_BYTES } from "./vp8l.js";

const WHOLE = 0x80;

/** @typedef {import("./pixel-tiles.js").PixelTile} PixelTile */
/** @typedef {import("./header.js").Header} Header */

/**
 * Read the tiles of a LAYER chunk (SPEC section 7.7).
 *
 * @param {Uint8Array} payload
 * @param {Header} header
 * @returns {PixelTile[]}
 */
export function readLayer(payload, header) {
  if (payload.length === 0) throw truncatedError("the LAYER chunk is empty");
  const whole = (payload[0] & WHOLE) !== 0;
  const samples = isGrey(header) ? 1 : 3;
  const colourBytes = samples + (whole && header.alpha ? 1 : 0);
  let at = 1;
  const tiles = tileAreas(payload[0] & ~WHOLE, header, payload.length - 1, 1).map((area) => {
    const { length, content, end } = readContent(payload, at);
    at = end;
    if (length > VP8L_HEADER_BYTES) return layerTile(content, area);
    if (length === colourBytes) return { area, pixel: pixelOf(content, samples) };
    if (length === 0 && !whole) return { area };
    throw formatError("a layer tile is neither a colour nor a VP8L stream");
  });
  if (at !== payload.length) throw formatError("the LAYER chunk has bytes left over");
  return tiles;
}

/** @param {Uint8Array} bytes samples and perhaps opacity @param {number} samples @returns {number} */
function pixelOf(bytes, samples) {
  const [red, green, blue] = samples === 3 ? bytes : [bytes[0], bytes[0], bytes[0]];
  const alpha = bytes.length > samples ? bytes[samples] : 255;
  return ((alpha << 24) | (red << 16) | (green << 8) | blue) >>> 0;
}

/**
 * Lay a layer over a view, or paint a view of a picture that is a layer.
 *
 * @param {PixelTile[]} tiles
 * @param {import("./surface.js").Surface} surface of the view, with 8 bits per sample
 * @param {import("./view.js").View} view
 * @param {boolean} whole whether the layer is the whole picture
 */
export function paintLayer(tiles, surface, view, whole) {
  const { data } = surface;
  const { header } = view;
  const [redShift, blueShift] = isGrey(header) ? [8, 8] : [16, 0];
  paintTiles(tiles, view.span, (area, pixels) => {
    if (!whole) checkCover(pixels);
    const one = pixels.length === 1 && area.area > 1;
    eachPixel(view, area, (to, places) => {
      let [red, green, blue, alpha, covered] = [0, 0, 0, 0, 0];
      for (const place of places) {
        const pixel = pixels[one ? 0 : place];
        const opacity = pixel >>> 24;
        if (!whole && opacity === 0) continue;
        covered++;
        red += (pixel >>> redShift) & 255;
        green += (pixel >>> 8) & 255;
        blue += (pixel >>> blueShift) & 255;
        alpha += opacity;
      }
      const all = places.length;
      const left = all - covered;
      const at = 4 * to;
      const mean = (sum, under) => Math.floor((sum + left * under + (all >> 1)) / all);
      data[at] = mean(red, data[at]);
      data[at + 1] = mean(green, data[at + 1]);
      data[at + 2] = mean(blue, data[at + 2]);
      if (whole && header.alpha) data[at + 3] = mean(alpha, 0);
    });
  });
}

/** @param {Uint32Array} pixels */
function checkCover(pixels) {
  for (const pixel of pixels) {
    if (pixel > 0xffffff && pixel < 0xff000000) throw formatError("a layer tile covers pixels in part");
  }
}
