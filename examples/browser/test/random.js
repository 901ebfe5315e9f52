/**
 * Return a generator of whole numbers below a bound; the same seed gives the same numbers everywhere (mulberry32).
 *
 * @param {number} seed
 * @returns {(bound: number) => number}
 */
export function random(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}
