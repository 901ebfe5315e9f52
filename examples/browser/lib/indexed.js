import { formatError, truncatedError } from "./errors.js";
import { Contexts, LearningDecoder, NO_CONTEXT } from "./indexed-coder.js";
import { readVarint } from "./varint.js";
import { decodeVp8l, vp8lSize } from "./vp8l.js";

/** The first byte of a tile of numbers of colours (SPEC section 7.8). */
export const INDEXED = 0x49;

const MAX_PIXELS = 2 ** 22;
/** The largest side of a tile, by which an entry's number of times is below 2¹⁵. */
const MAX_SIDE = 2 ** 13;
const MAX_COLOURS = 2 ** 14 - 1;

/** Rows and columns from a pixel to its neighbours. */
const NEIGHBOURS = [
  [0, -1], [-1, 0], [-1, 1], [-1, -1], [0, -2], [-1, -2], [-2, 0], [0, -3], [0, -4], [-1, -3], [-2, -2], [-2, -1],
  [-2, 1], [-2, 2], [-3, -1], [-3, 0], [-3, 1],
];
const ROWS_ABOVE = 3;
/** Zeros before each row; those of the next row stand for the pixels to the right of a row, too. */
const COLUMNS_BEFORE = 4;

const FACTOR = 0x9e3779b1;
const MEMORY_BITS = 18;
/** How many neighbours are looked up in a memory. */
const LOOKED_UP = [17, 7, 4];
const MEMORIES = LOOKED_UP.length;
/** An entry of a memory is its number of times, then its value in 15 bits. */
const VALUE_BITS = 15;
const VALUE = (1 << VALUE_BITS) - 1;

const STAGES = 7;
const TRUST = [1, 2, 3, 4, 6, 12, 40];
const EQUALS = 8;
const TRUSTED_CONTEXTS = (TRUST.length + 1) * 4 * MEMORIES * EQUALS;
const MAX_REFUSED = 3;
const GUESS_CONTEXTS = MEMORIES * TRUSTED_CONTEXTS + (STAGES - MEMORIES) * (MAX_REFUSED + 1) * EQUALS;

const PIECE_BITS = 4;
const LIGHTS = 9;

/**
 * Read the parts of a tile and check all that can be checked before decoding it.
 *
 * @param {Uint8Array} content of the tile, from the byte 49 on
 * @param {number} width
 * @param {number} height
 * @returns {{palette: Uint8Array, words: Uint8Array}}
 */
export function readIndexed(content, width, height) {
  if (content[0] !== INDEXED) throw formatError("a tile is not one of numbers of colours");
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw formatError("a tile of numbers of colours has too many pixels");
  }
  const [bytes, start] = readVarint(content, 1);
  const end = start + bytes;
  if (end > content.length) throw truncatedError("a tile ends inside its palette");
  const palette = content.subarray(start, end);
  const size = vp8lSize(palette);
  if (!size || size.height !== 1 || size.width < 2 || size.width > MAX_COLOURS) {
    throw formatError("a palette is not a VP8L stream of one row of colours");
  }
  return { palette, words: content.subarray(end) };
}

/**
 * Decode a tile of numbers of colours.
 *
 * @param {Uint8Array} content of the tile, from the byte 49 on
 * @param {number} width
 * @param {number} height
 * @param {(stream: Uint8Array) => Uint32Array} decode decodes the palette
 * @returns {Uint32Array} pixels as alpha, red, green, blue from the most significant byte on, as of a VP8L stream
 */
export function indexedPixels(content, width, height, decode = decodeVp8l) {
  const { palette, words } = readIndexed(content, width, height);
  const colours = decode(palette);
  const indices = decodeIndices(words, width, height, colours);
  const pixels = new Uint32Array(indices.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colours[indices[i]];
  return pixels;
}

/**
 * Decode the numbers of the colours of a tile.
 *
 * @param {Uint8Array} words
 * @param {number} width
 * @param {number} height
 * @param {Uint32Array} palette colours as alpha, red, green, blue from the most significant byte on
 * @returns {Uint16Array}
 */
export function decodeIndices(words, width, height, palette) {
  const coder = new LearningDecoder(words);
  coder.requirePixels(width * height, Math.min(height, Math.ceil(width / 2)));
  const decoder = new IndexDecoder(coder, width, height, palette);
  for (let wave = 0; wave < width + 2 * height - 2; wave++) decoder.decodeWave(wave);
  coder.finish();
  return decoder.indices();
}

/** Decodes the numbers of colours of a tile, wave by wave. */
class IndexDecoder {
  /**
   * @param {LearningDecoder} coder
   * @param {number} width
   * @param {number} height
   * @param {Uint32Array} palette
   */
  constructor(coder, width, height, palette) {
    this.coder = coder;
    this.width = width;
    this.height = height;
    this.colours = palette.length;
    this.stride = width + COLUMNS_BEFORE;
    /** Values of the pixels, with zeros around them. */
    this.plane = new Uint16Array((height + ROWS_ABOVE) * this.stride + COLUMNS_BEFORE);
    this.offsets = Int32Array.from(NEIGHBOURS, ([row, column]) => row * this.stride + column);
    this.factors = new Int32Array(NEIGHBOURS.length);
    for (let k = 0, power = 1; k < NEIGHBOURS.length; k++) this.factors[k] = power = Math.imul(power, FACTOR);
    this.memory = new Int32Array(MEMORIES << MEMORY_BITS);
    this.guessContexts = new Contexts(GUESS_CONTEXTS, 2, 2);

    this.bits = Math.ceil(Math.log2(palette.length));
    this.lights = lightsOf(palette);
    this.firstContexts = new Contexts(LIGHTS * LIGHTS, 1 << PIECE_BITS, 1);
    const bitsBefore = PIECE_BITS * (Math.ceil(this.bits / PIECE_BITS) - 1);
    this.laterContexts = new Contexts(bitsBefore ? 2 << bitsBefore : 0, 1 << PIECE_BITS, 1);

    // Of the pixels of a wave:
    const most = Math.min(height, Math.ceil(width / 2));
    this.entries = new Int32Array(MEMORIES * most); // numbers of their entries in `memory`
    this.known = new Int32Array(MEMORIES * most); // what the entries were before the wave
    this.guesses = new Uint16Array(STAGES * most);
    this.equal = new Uint8Array(most);
    this.refused = new Uint8Array(most);
    // Of those that are not known yet:
    this.open = new Int32Array(most);
    this.contexts = new Int32Array(most);
    this.symbols = new Uint8Array(most);
    this.numbers = new Int32Array(most);
  }

  /** @param {number} wave */
  decodeWave(wave) {
    const { width, height, stride } = this;
    const top = Math.max(0, Math.ceil((wave - width + 1) / 2));
    const length = Math.min(height - 1, wave >> 1) - top + 1;
    if (length <= 0) return;
    const place = (top + ROWS_ABOVE) * stride + COLUMNS_BEFORE + wave - 2 * top;
    this.look(place, length);
    const left = this.readGuesses(wave, place, length);
    if (left) this.readNumbers(wave, place, left);
    this.remember(place, length);
  }

  /**
   * Look at the neighbours of the pixels of a wave and make the guesses.
   *
   * @param {number} place of the first pixel
   * @param {number} length
   */
  look(place, length) {
    const { plane, stride, offsets, factors, memory, entries, known, guesses, equal, refused, open } = this;
    const [above, aboveRight, aboveLeft] = offsets.subarray(1, 4);
    const last = MEMORIES - 1;
    for (let i = 0; i < length; i++, place += stride - 2) {
      let hash = 0;
      let k = 0;
      for (let m = last; m >= 0; m--) {
        for (const end = LOOKED_UP[m]; k < end; k++) {
          hash = (hash + Math.imul(factors[k], plane[place + offsets[k]])) | 0;
        }
        const entry = (m << MEMORY_BITS) + (hash >>> (32 - MEMORY_BITS));
        entries[MEMORIES * i + m] = entry;
        known[MEMORIES * i + m] = memory[entry];
        guesses[STAGES * i + m] = memory[entry] & VALUE;
      }
      const n0 = plane[place - 1];
      const n1 = plane[place + above];
      const n2 = plane[place + aboveRight];
      const n3 = plane[place + aboveLeft];
      const at = STAGES * i + MEMORIES;
      guesses[at] = n0;
      guesses[at + 1] = n1;
      guesses[at + 2] = n2;
      guesses[at + 3] = n3;
      equal[i] = (n0 === n1 ? 1 : 0) + (n1 === n3 ? 2 : 0) + (n1 === n2 ? 4 : 0);
      refused[i] = 0;
      open[i] = i;
    }
  }

  /**
   * Decode which guesses are right and set the values of those pixels. `open` then lists the others.
   *
   * @param {number} wave
   * @param {number} place of the first pixel
   * @param {number} length
   * @returns {number} how many pixels are left
   */
  readGuesses(wave, place, length) {
    const { coder, plane, stride, guesses, refused, open, contexts, symbols, guessContexts } = this;
    for (let stage = 0; stage < STAGES && length; stage++) {
      let any = false;
      for (let j = 0; j < length; j++) {
        contexts[j] = this.contextOf(stage, open[j]);
        if (contexts[j] !== NO_CONTEXT) any = true;
      }
      if (!any) continue;
      coder.readLearnt(guessContexts, contexts, symbols, length);
      // No later stage has these contexts, so that they need not wait for the end of the wave.
      guessContexts.learn(contexts, symbols, length, wave);
      let left = 0;
      for (let j = 0; j < length; j++) {
        const i = open[j];
        if (symbols[j]) {
          plane[place + i * (stride - 2)] = guesses[STAGES * i + stage];
        } else {
          if (contexts[j] !== NO_CONTEXT) refused[i]++;
          open[left++] = i;
        }
      }
      length = left;
    }
    return length;
  }

  /**
   * @param {number} stage
   * @param {number} i number of a pixel in the wave
   * @returns {number} the context of a guess, none if it is left out
   */
  contextOf(stage, i) {
    const { guesses, known, equal, refused } = this;
    const first = STAGES * i;
    const guess = guesses[first + stage];
    if (guess === 0) return NO_CONTEXT;
    for (let at = first; at < first + stage; at++) if (guesses[at] === guess) return NO_CONTEXT;
    if (stage >= MEMORIES) {
      const context = (stage - MEMORIES) * (MAX_REFUSED + 1) + Math.min(MAX_REFUSED, refused[i]);
      return MEMORIES * TRUSTED_CONTEXTS + context * EQUALS + equal[i];
    }
    const times = known[MEMORIES * i + stage] >> VALUE_BITS;
    let context = 0;
    while (context < TRUST.length && TRUST[context] <= times) context++;
    const beside = first + MEMORIES;
    context = 4 * context + (guess === guesses[beside] ? 1 : 0) + (guess === guesses[beside + 1] ? 2 : 0);
    let agreeing = 0;
    for (let at = first + stage + 1; at < beside; at++) if (guesses[at] === guess) agreeing++;
    return stage * TRUSTED_CONTEXTS + (context * MEMORIES + agreeing) * EQUALS + equal[i];
  }

  /**
   * Decode the numbers of the colours of the pixels in `open`.
   *
   * @param {number} wave
   * @param {number} place of the first pixel of the wave
   * @param {number} length of `open`
   */
  readNumbers(wave, place, length) {
    const { coder, plane, stride, colours, bits, lights, guesses, open, contexts, symbols, numbers } = this;
    for (let j = 0; j < length; j++) {
      const beside = STAGES * open[j] + MEMORIES;
      contexts[j] = LIGHTS * lights[guesses[beside]] + lights[guesses[beside + 1]];
      numbers[j] = 0;
    }
    for (let before = 0; before < bits; before += PIECE_BITS) {
      const piece = Math.min(PIECE_BITS, bits - before);
      const learnt = before ? this.laterContexts : this.firstContexts;
      if (before) for (let j = 0; j < length; j++) contexts[j] = (1 << before) + numbers[j];
      coder.readLearnt(learnt, contexts, symbols, length);
      learnt.learn(contexts, symbols, length, wave);
      for (let j = 0; j < length; j++) {
        if (symbols[j] >> piece) throw formatError("a piece of the number of a colour has too many bits");
        numbers[j] = (numbers[j] << piece) | symbols[j];
      }
    }
    for (let j = 0; j < length; j++) {
      if (numbers[j] >= colours) throw formatError("a number is not that of a colour");
      plane[place + open[j] * (stride - 2)] = numbers[j] + 1;
    }
  }

  /**
   * Let the memories learn the values of a wave.
   *
   * @param {number} place of the first pixel
   * @param {number} length
   */
  remember(place, length) {
    const { plane, stride, memory, entries, known } = this;
    for (let i = 0; i < length; i++, place += stride - 2) {
      const value = plane[place];
      for (let at = MEMORIES * i; at < MEMORIES * (i + 1); at++) {
        const old = known[at];
        const times = old >> VALUE_BITS;
        if ((old & VALUE) === value) memory[entries[at]] = old + VALUE + 1;
        else if (times > 1) memory[entries[at]] = ((times >> 2) << VALUE_BITS) | (old & VALUE);
        else memory[entries[at]] = value;
      }
    }
  }

  /** @returns {Uint16Array} the numbers of all colours */
  indices() {
    const { plane, stride, width, height } = this;
    const indices = new Uint16Array(width * height);
    for (let row = 0, to = 0; row < height; row++) {
      const from = (row + ROWS_ABOVE) * stride + COLUMNS_BEFORE;
      for (let column = 0; column < width; column++) indices[to++] = plane[from + column] - 1;
    }
    return indices;
  }
}

/** @param {Uint32Array} palette @returns {Uint8Array} how light the colours of values are: 1 to 8, and 0 of value 0 */
function lightsOf(palette) {
  const lights = new Uint8Array(palette.length + 1);
  palette.forEach((colour, i) => {
    const [red, green, blue] = [(colour >>> 16) & 255, (colour >>> 8) & 255, colour & 255];
    lights[i + 1] = 1 + ((77 * red + 150 * green + 29 * blue) >> 13);
  });
  return lights;
}
