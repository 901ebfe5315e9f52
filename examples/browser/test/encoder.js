/** The encoder of SPEC section 7.1 in BigInt: what the tests need, as plain as can be. */

const [WORD, MASK] = [32n, (1n << 64n) - 1n];

/**
 * @param {{cumulative: Uint32Array, entry: number}[]} symbols entries with the bounds of their tables
 * @returns {number[]} bytes
 */
export function encoded(symbols) {
  if (symbols.length === 0) return [];
  let [lower, range, words] = [0n, MASK, 0n]; // `lower` with all the words that were moved out of it
  for (const { cumulative, entry } of symbols) {
    const scale = range >> 24n;
    lower += scale * BigInt(cumulative[entry]);
    range = scale * BigInt(cumulative[entry + 1] - cumulative[entry]);
    if (range >> WORD === 0n) [lower, range, words] = [lower << WORD, range << WORD, words + 1n];
  }
  const last = (lower + (1n << WORD) - 1n) >> WORD;
  const second = (lower + range) >> WORD === last;
  const all = Array.from({ length: Number(words) + 1 }, (_, i) => Number((last >> (WORD * (words - BigInt(i)))) & 0xffffffffn));
  return [...all, ...(second ? [0] : [])].flatMap((word) => [word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24]);
}
