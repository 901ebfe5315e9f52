/** Numbers and words about files. */

const CHUNKS = {
  H: "header", i: "colour profile", e: "EXIF", x: "XMP", p: "preview", A: "opacity", L: "graphics layer", f: "filter",
  Z: "hyper-latents", T: "tiles", E: "end",
};

/** @returns {string} as `41.3 kB` */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [unit, name] = bytes < 999_950 ? [1e3, "kB"] : [1e6, "MB"];
  const value = bytes / unit;
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${name}`;
}

/** @returns {string} bits per pixel, as `0.52 bpp` */
export function rate({ bytes, width, height }) {
  const value = (8 * bytes) / (width * height);
  return `${value.toFixed(value < 10 ? 2 : 1)} bpp`;
}

/**
 * Fill the panel.
 *
 * @param {HTMLElement} panel
 * @param {object} file `name`, `bytes`, `width`, `height` (as seen), `kind`, `seconds`, and of `.aez` files `facts`
 */
export function fill(panel, file) {
  const { name, bytes, width, height, facts, seconds } = file;
  const [number, unit] = size(bytes).split(" ");
  const [bits] = rate(file).split(" ");
  const times = (width * height * 3) / bytes;
  panel.replaceChildren(
    element("h2", name),
    element(
      "dl",
      { class: "rate" },
      pair("size", number, element("small", unit)),
      pair("bits per pixel", bits),
      pair("compression", times.toFixed(times < 10 ? 1 : 0), element("small", "×")),
    ),
    element("h3", "Picture"),
    element("dl", { class: "rows" }, ...rows(file).map(([term, text]) => pair(term, text))),
    ...(facts ? [element("h3", "In the file"), element("ul", ...chunks(facts, bytes))] : []),
    ...(seconds ? [element("h3", "Decoding"), element("dl", { class: "rows" }, pair("time", `${seconds.toFixed(2)} s`))] : []),
  );
}

function rows({ width, height, kind, facts, bytes }) {
  const found = [["pixels", `${width} × ${height}`], ["megapixels", ((width * height) / 1e6).toFixed(2)]];
  if (!facts) return [...found, ["format", kind], ["bytes", bytes.toLocaleString("en")]];
  found.push(["samples", `${facts.depth}-bit ${facts.colour}${facts.alpha ? ", opacity" : ""}`]);
  if (facts.orientation > 1) found.push(["orientation", `${facts.orientation}`]);
  if (typeof facts.quality === "number") found.push(["quality", `${Math.round(facts.quality * 10) / 10}`]);
  if (facts.model) found.push(["model", facts.model]);
  found.push(["fingerprint", facts.fingerprint]);
  if (facts.layer) found.push(["layer", facts.layer === "whole" ? "whole picture, no loss" : "a part, no loss"]);
  if (facts.tiles > 1) found.push(["tiles", `${facts.tiles}`]);
  return [...found, ["bytes", bytes.toLocaleString("en")]];
}

/** A line for each type of chunk, the tiles together, with its share of the file. */
function chunks({ chunks: list }, bytes) {
  const sums = new Map();
  for (const { type, bytes: length } of list) sums.set(type, (sums.get(type) ?? 0) + length);
  return [...sums].filter(([, length]) => length).map(([type, length]) => {
    const bar = element("i");
    bar.style.setProperty("--share", `${(100 * length) / bytes}%`);
    return element("li", element("span", CHUNKS[type] ?? `unknown (${type})`), element("span", size(length)), bar);
  });
}

function pair(term, ...text) {
  return element("div", element("dt", term), element("dd", ...text));
}

function element(name, ...content) {
  const made = document.createElement(name);
  const [first] = content;
  if (first && typeof first === "object" && !(first instanceof Node)) {
    content.shift();
    for (const [attribute, value] of Object.entries(first)) made.setAttribute(attribute, value);
  }
  made.append(...content);
  return made;
}
