/**
 * A rectangle of a grid of pixels, latents (1/16) or cells of z (1/64): rows `top` to `bottom` and columns `left` to
 * `right`, exclusive.
 */
export class Window {
  /** @param {number} top @param {number} bottom @param {number} left @param {number} right */
  constructor(top, bottom, left, right) {
    this.top = top;
    this.bottom = bottom;
    this.left = left;
    this.right = right;
  }

  get rows() {
    return this.bottom - this.top;
  }

  get cols() {
    return this.right - this.left;
  }

  get area() {
    return this.rows * this.cols;
  }

  /** Grow on each side, within a grid. */
  grown(halo, rows, cols) {
    return new Window(
      Math.max(0, this.top - halo),
      Math.min(rows, this.bottom + halo),
      Math.max(0, this.left - halo),
      Math.min(cols, this.right + halo),
    );
  }

  /** The window on a grid that is `factor` times as fine, cut to its rows and columns if they are given. */
  finer(factor, rows = Infinity, cols = Infinity) {
    return new Window(
      this.top * factor,
      Math.min(rows, this.bottom * factor),
      this.left * factor,
      Math.min(cols, this.right * factor),
    );
  }

  /** The smallest window that covers this one on a grid that is `factor` times as coarse. */
  coarser(factor) {
    return new Window(
      Math.floor(this.top / factor),
      Math.ceil(this.bottom / factor),
      Math.floor(this.left / factor),
      Math.ceil(this.right / factor),
    );
  }

  /** The window that both cover; its area is 0 or less if there is none. */
  shared(other) {
    return new Window(
      Math.max(this.top, other.top),
      Math.min(this.bottom, other.bottom),
      Math.max(this.left, other.left),
      Math.min(this.right, other.right),
    );
  }

  /** True if both share at least one element. */
  touches(other) {
    const { rows, cols } = this.shared(other);
    return rows > 0 && cols > 0;
  }
}

/**
 * Divide a window into windows of at most `height` × `width`, in raster order.
 *
 * @param {Window} area
 * @param {number} height
 * @param {number} width
 * @returns {Window[]}
 */
export function divided(area, height, width) {
  const parts = [];
  for (let top = area.top; top < area.bottom; top += height) {
    for (let left = area.left; left < area.right; left += width) {
      parts.push(new Window(top, Math.min(area.bottom, top + height), left, Math.min(area.right, left + width)));
    }
  }
  return parts;
}

/**
 * Copy a window of planes.
 *
 * @template {Float32Array | Int16Array | Int32Array | Uint8Array} A
 * @param {A} from (channels, source.rows, source.cols)
 * @param {Window} source what `from` covers
 * @param {A} to (channels, target.rows, target.cols)
 * @param {Window} target what `to` covers
 * @param {number} channels
 * @param {Window} part to copy; both cover it
 */
export function copyPlanes(from, source, to, target, channels, part) {
  for (let c = 0; c < channels; c++) {
    for (let row = part.top; row < part.bottom; row++) {
      const start = (c * source.rows + row - source.top) * source.cols - source.left;
      const place = (c * target.rows + row - target.top) * target.cols - target.left;
      to.set(from.subarray(start + part.left, start + part.right), place + part.left);
    }
  }
}
