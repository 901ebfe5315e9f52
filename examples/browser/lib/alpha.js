import { readContainer } from "./container.js";
import { formatError, truncatedError } from "./errors.js";
import { decodeLevels, opacitySink } from "./pixels.js";
import { eachPixel, paintTiles, readContent, streamTile, tileAreas } from "./pixel-tiles.js";
import { View } from "./view.js";

const MAX_EDGE = 63;
const CHUNKS_OF_A_PICTURE = "HfZTE";

/** @typedef {import("./header.js").Header} Header */
/** @typedef {import("./pixel-tiles.js").PixelTile} PixelTile */

/**
 * Opacity in tiles, or as a picture.
 *
 * @typedef {{tiles: PixelTile[]} | {edge: number, picture: import("./container.js").Container}} Alpha
 */

/**
 * Read an ALPHA chunk (SPEC section 7.4).
 *
 * @param {Uint8Array} payload
 * @param {Header} header
 * @param {import("./limits.js").Limits} limits
 * @returns {Alpha}
 */
export function readAlpha(payload, header, limits) {
  if (payload.length === 0) throw truncatedError("the ALPHA chunk is empty");
  return payload[0] === 0 ? readPicture(payload, header, limits) : { tiles: readTiles(payload, header) };
}

/** @param {Uint8Array} payload @param {Header} header @returns {PixelTile[]} */
function readTiles(payload, header) {
  let at = 1;
  const tiles = tileAreas(payload[0], header, payload.length - 1, 2).map((area) => {
    const { length, content, end } = readContent(payload, at, (bytes) => Math.max(1, bytes));
    at = end;
    return length ? streamTile(content, area) : { area, pixel: content[0] << 8 };
  });
  if (at !== payload.length) throw formatError("the ALPHA chunk has bytes left over");
  return tiles;
}

/** @param {Uint8Array} payload @param {Header} outer @param {import("./limits.js").Limits} limits */
function readPicture(payload, outer, limits) {
  if (payload.length < 2) throw truncatedError("the ALPHA chunk is too short");
  const edge = payload[1];
  if (edge > MAX_EDGE) throw formatError("the ALPHA chunk gives an edge out of range");
  // The size is that of the picture around it, which was compared with the bytes of the whole file.
  const picture = readContainer(payload.subarray(2), { ...limits, maxPixelsPerByte: Infinity });
  const { header, chunks } = picture;
  if (header.width !== outer.width || header.height !== outer.height || header.fingerprint !== outer.fingerprint) {
    throw formatError("the alpha picture is of another size or model");
  }
  if (header.colour !== "grey" || header.alpha || header.orientation !== 1 || header.depth !== 8 || header.layout) {
    throw formatError("the alpha picture is not a plain grey one");
  }
  if (chunks.some(({ type }) => !CHUNKS_OF_A_PICTURE.includes(type))) {
    throw formatError("the alpha picture has more than a picture in it");
  }
  return { edge, picture };
}

/**
 * Decode the opacity of a view.
 *
 * @param {Alpha} alpha
 * @param {import("./networks.js").Networks} networks
 * @param {import("./surface.js").Surface} surface of the view
 * @param {View} view
 * @param {(share: number) => void} onProgress
 */
export async function paintAlpha(alpha, networks, surface, view, onProgress) {
  if ("picture" in alpha) {
    const { picture, edge } = alpha;
    const same = new View(picture.header, view.window, view.reduction);
    return decodeLevels(picture, networks, same, opacitySink(surface, view.window, edge), onProgress);
  }
  const factor = (2 ** surface.depth - 1) / 255;
  paintTiles(alpha.tiles, view.span, (area, pixels) => {
    const one = pixels.length === 1 && area.area > 1;
    eachPixel(view, area, (to, places) => {
      let sum = 0;
      for (const place of places) sum += (pixels[one ? 0 : place] >>> 8) & 255;
      surface.data[4 * to + 3] = Math.round(factor * Math.floor((sum + (places.length >> 1)) / places.length));
    });
  });
}
