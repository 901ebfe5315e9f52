/**
 * The page: files come in by choosing, dropping, pasting, `?src=`, or from `aez view`; one is looked at, a second beside it.
 */

import { fill, rate, size } from "./page/facts.js";
import { kindOf } from "./page/kinds.js";
import { asked, BrowserSource, ServerSource } from "./page/sources.js";
import { Stage } from "./page/stage.js";
import { theme } from "./page/theme.js";

const $ = (id) => document.getElementById(id);
const setting = (name) => document.querySelector(`meta[name="${name}"]`).content;

const LATER = 2500; // ms for which a message is shown
const stage = new Stage({
  box: $("stage"),
  layers: $("layers"),
  picture: $("picture"),
  other: $("other"),
  divider: $("divider"),
});

/**
 * A file that was opened.
 *
 * @typedef {object} Opened
 * @property {string} name
 * @property {string} kind `aez`, or the name of another format
 * @property {number} bytes
 * @property {() => Promise<Uint8Array>} data
 * @property {number} [number] its number on the server of `aez view`
 * @property {object} [stated] what the server says of it
 * @property {object} [facts] what an `.aez` file says of itself, see `page/sources.js`
 * @property {Promise<void>} [made] the running or finished decoding
 * @property {string} [address] URL of the picture
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [seconds]
 * @property {Error} [error]
 */

/** @type {Opened[]} */
const files = [];
let current = -1;
/** @type {Opened | null} */
let beside = null;
let source = new BrowserSource();
let choosing = "open";

// ---------------------------------------------------------------- files

/** Take files: `.aez` files are looked at, one other picture goes beside them. */
async function take(list, purpose = "open") {
  const opened = (await Promise.all([...list].map(read))).filter(Boolean);
  if (!opened.length) return;
  const coded = opened.filter(({ kind }) => kind === "aez");
  const others = opened.filter(({ kind }) => kind !== "aez");
  if (purpose === "compare" && current >= 0) {
    await besides(opened[0]);
    return;
  }
  if (coded.length) {
    files.push(...coded);
    look(files.length - coded.length);
    if (others.length) await besides(others[0]);
  } else if (files[current]?.kind === "aez" && others.length === 1) {
    await besides(others[0]);
  } else {
    files.push(...others);
    look(files.length - others.length);
  }
}

/** @param {File} file @returns {Promise<Opened | null>} null if it is no picture, which is said */
async function read(file) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    fail(file.name, "it cannot be read");
    return null;
  }
  const kind = kindOf(bytes);
  if (!kind) {
    fail(file.name, "it is neither an .aez file nor a picture that browsers show");
    return null;
  }
  return { name: file.name, kind, bytes: bytes.length, data: async () => bytes };
}

/** Decode a file, or let the browser read it, once. Handlers are those of the first call. */
function made(file, handlers) {
  file.made ??= (file.kind === "aez" ? decoded(file, handlers) : displayed(file)).catch((error) => {
    file.error = error;
    throw error;
  });
  return file.made;
}

async function decoded(file, handlers) {
  const onFacts = (facts) => {
    file.facts = facts;
    handlers.onFacts?.(facts);
  };
  const { blob, width, height, seconds } = await source.decode(file, { ...handlers, onFacts });
  Object.assign(file, { address: URL.createObjectURL(blob), width, height, seconds });
}

async function displayed(file) {
  const address = URL.createObjectURL(new Blob([await file.data()]));
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(address);
    throw new Error(`this browser cannot show ${file.kind} files, or the file is damaged`);
  }
  Object.assign(file, { address, width: image.naturalWidth, height: image.naturalHeight });
}

// ---------------------------------------------------------------- looking

/** Look at a file. */
async function look(index) {
  current = index;
  const file = files[index];
  const now = () => files[current] === file;
  $("welcome").hidden = $("problem").hidden = true;
  stage.clear();
  besides(null);
  entitle(file);
  $("zoom").hidden = true;
  buttons();
  const waiting = !file.address && !file.error;
  if (waiting) busy(0, "Reading");
  try {
    await made(file, {
      onFacts: (facts) => {
        if (!now()) return;
        busy(null, "Decoding");
        describe(file, facts);
      },
      onPreview: ({ blob }) => {
        if (now()) preview(file, blob);
      },
      onProgress: (share) => {
        if (now()) busy(share, `Decoding ${Math.round(share * 100)} %`);
      },
    });
    if (!now()) return;
    await stage.show(file.address, file, { name: file.name });
    if (!now()) return;
    const done = file.seconds ? `Decoded in ${file.seconds.toFixed(1)} s` : "";
    if (waiting) idle(done);
    entitle(file);
    describe(file, file.facts);
    $("zoom").hidden = false;
  } catch (error) {
    if (now()) fail(file.name, error.message);
  }
  if (now()) buttons();
}

async function preview(file, blob) {
  const address = URL.createObjectURL(blob);
  await stage.show(address, file.facts, { name: file.name, preview: true });
  URL.revokeObjectURL(address);
}

/** Put a file beside the one that is looked at, or none. */
async function besides(file) {
  beside = file;
  $("left-tag").hidden = $("right-tag").hidden = true;
  buttons();
  if (!file) {
    stage.compare(null);
    return;
  }
  const main = files[current];
  try {
    await made(main, {});
    if (!file.address && file.kind === "aez") busy(null, "Decoding");
    await made(file, {});
    if (file.kind === "aez") idle("");
  } catch {
    if (beside !== file) return;
    besides(null);
    if (file.error) message(`${file.name}: ${file.error.message}`);
    return;
  }
  if (beside !== file || files[current] !== main) return;
  $("progress").hidden = true;
  await stage.compare(file.address, file.name);
  $("left-tag").hidden = $("right-tag").hidden = false;
  $("left-tag").firstElementChild.replaceChildren(...tag(main, file));
  $("right-tag").firstElementChild.replaceChildren(...tag(file, main));
  $("divider").setAttribute("aria-label", `Divider between ${main.name} and ${file.name}`);
  $("divider").focus({ preventScroll: true });
}

/** The name of a file in bold, and its size; also that in pixels, if the two differ in it and one is scaled. */
function tag(file, other) {
  const same = file.width === other.width && file.height === other.height;
  const name = document.createElement("b");
  name.textContent = file.name;
  return [name, ` ${size(file.bytes)} · ${same ? rate(file) : `${file.width} × ${file.height}`}`];
}

// ---------------------------------------------------------------- what is said

function entitle(file) {
  const place = files.length > 1 ? `${current + 1} of ${files.length}` : "";
  const pixels = file.width ? `${file.width} × ${file.height}` : "";
  const small = document.createElement("small"), wide = document.createElement("span");
  wide.className = "wide";
  wide.textContent = [place && " ", pixels, size(file.bytes)].filter(Boolean).join(" · ");
  small.append(place, wide);
  $("name").replaceChildren(file.name, small);
  document.title = `${file.name} – aez viewer`;
}

function describe(file, facts) {
  fill($("facts"), { width: facts?.width, height: facts?.height, ...file, facts });
  $("facts-button").disabled = false;
}

let clearing = 0;

/** Say something for a while. */
function message(text) {
  clearTimeout(clearing);
  $("status").textContent = text;
  $("spoken").textContent = text;
  clearing = setTimeout(() => ($("status").textContent = ""), LATER + 40 * text.length);
}

/** Show progress: a share from 0 to 1, or null if it is not known. */
function busy(share, text) {
  clearTimeout(clearing);
  const bar = $("progress");
  bar.hidden = false;
  if (share === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  bar.style.setProperty("--done", share === null ? "30%" : `${share * 100}%`);
  $("status").textContent = text;
  // Screen readers hear the step, not every percent of it.
  const step = text.replace(/ \d.*/, "");
  if ($("spoken").textContent !== step) $("spoken").textContent = step;
}

function idle(text) {
  $("progress").hidden = true;
  message(text);
}

function fail(name, cause) {
  if (current >= 0 && files[current].name !== name) {
    message(`${name}: ${cause}`);
    return;
  }
  idle("");
  $("welcome").hidden = true;
  $("zoom").hidden = true;
  stage.clear();
  const title = document.createElement("b"), text = document.createElement("p");
  title.textContent = "This picture cannot be shown";
  text.textContent = `${name}: ${cause}`;
  $("problem").replaceChildren(title, text);
  $("problem").hidden = false;
}

function buttons() {
  const file = files[current];
  const shown = Boolean(file?.address);
  $("save").disabled = !shown;
  $("compare").disabled = !file || Boolean(file.error);
  $("compare").setAttribute("aria-pressed", String(Boolean(beside)));
  $("back").hidden = $("next").hidden = files.length < 2;
  $("back").disabled = current <= 0;
  $("next").disabled = current >= files.length - 1;
  if (!file || (file.error && !file.facts)) {
    $("facts-button").disabled = true;
    details(false);
  }
}

function details(open) {
  $("facts").hidden = !open;
  $("facts-button").setAttribute("aria-expanded", String(open));
}

// ---------------------------------------------------------------- doing

function choose(purpose) {
  choosing = purpose;
  $("chooser").multiple = purpose === "open";
  $("chooser").click();
}

function toggleCompare() {
  if (beside) besides(null);
  else choose("compare");
}

/** Save the picture: an `.aez` file as PNG, another as it is. */
function save() {
  const file = files[current];
  if (!file?.address) return;
  const link = document.createElement("a");
  link.href = file.address;
  link.download = file.kind === "aez" ? `${file.name.replace(/\.aez$/i, "")}.png` : file.name;
  link.click();
}

function go(by) {
  if (files[current + by]) look(current + by);
}

const KEYS = {
  o: () => choose("open"),
  c: () => $("compare").disabled || toggleCompare(),
  s: save,
  i: () => $("facts-button").disabled || details($("facts").hidden),
  t: () => $("theme").click(),
  "?": () => $("keys").showModal(),
  "+": () => stage.step(1),
  "=": () => stage.step(1),
  "-": () => stage.step(-1),
  0: () => stage.fit(),
  1: () => stage.actual(),
  "[": () => go(-1),
  "]": () => go(1),
  PageUp: () => go(-1),
  PageDown: () => go(1),
  ArrowLeft: () => stage.move(-1, 0),
  ArrowRight: () => stage.move(1, 0),
  ArrowUp: () => stage.move(0, -1),
  ArrowDown: () => stage.move(0, 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || $("keys").open) return;
  if (event.key === "Escape" && !$("facts").hidden) {
    details(false);
    $("facts-button").focus();
    return;
  }
  const inPanel = $("facts").contains(event.target) && /^(Arrow|Page)/.test(event.key);
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || inPanel) return;
  event.preventDefault();
  act();
});

for (const [id, act] of Object.entries({
  open: KEYS.o,
  choose: KEYS.o,
  compare: toggleCompare,
  uncompare: () => besides(null),
  save,
  "facts-button": KEYS.i,
  "keys-button": KEYS["?"],
  smaller: () => stage.step(-1),
  larger: () => stage.step(1),
  fit: () => stage.fit(),
  actual: () => stage.actual(),
  back: () => go(-1),
  next: () => go(1),
  sample: () => byAddress(...setting("aez-sample").split(" ")),
})) {
  $(id).addEventListener("click", act);
}
$("chooser").addEventListener("change", () => {
  take($("chooser").files, choosing);
  $("chooser").value = "";
});
stage.addEventListener("view", () => {
  $("percent").textContent = `${Math.round(stage.zoom * 100)} %`;
  $("fit").setAttribute("aria-pressed", String(stage.fitted));
  $("actual").setAttribute("aria-pressed", String(!stage.fitted && Math.abs(stage.zoom - 1) < 0.001));
});

let entered = 0;
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    entered = { dragenter: entered + 1, dragover: entered, dragleave: entered - 1, drop: 0 }[kind];
    $("stage").classList.toggle("target", entered > 0);
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData?.files.length) take(clipboardData.files);
});

// ---------------------------------------------------------------- start

/** Open files of this site by their addresses. */
async function byAddress(...addresses) {
  const urls = addresses.map((address) => new URL(address, location.href));
  let name = "";
  $("welcome").hidden = true;
  busy(null, "Loading");
  try {
    const loaded = [];
    for (const url of urls) {
      name = decodeURIComponent(url.pathname.split("/").pop()) || url.pathname;
      if (url.origin !== location.origin) throw new Error("this page opens only files of its own site");
      loaded.push(new File([await (await asked(url)).blob()], name));
    }
    await take(loaded);
  } catch (error) {
    fail(name, error.message);
  }
}

/** Show the files of `aez view`. */
async function fromServer(list) {
  const { files: entries, decodes } = await (await asked(list)).json();
  if (decodes) {
    source = new ServerSource();
    $("promise").textContent = "aez decodes it on this machine. Nothing leaves it.";
  }
  const opened = entries.map((entry, number) => ({
    ...entry,
    number,
    kind: entry.kind === "aez" ? "aez" : "picture",
    stated: entry.facts ?? undefined,
    facts: undefined,
    data: async () => new Uint8Array(await (await asked(`files/${number}`)).arrayBuffer()),
  }));
  const coded = opened.filter(({ kind }) => kind === "aez");
  const others = opened.filter(({ kind }) => kind !== "aez");
  if (coded.length === 1 && others.length === 1) {
    files.push(coded[0]);
    look(0);
    await besides(others[0]);
    return;
  }
  files.push(...opened);
  look(0);
}

theme($("theme"));
$("sample").hidden = !setting("aez-sample");
const wanted = new URLSearchParams(location.search).get("src");
if (setting("aez-view")) {
  fromServer(setting("aez-view")).catch((error) => fail("aez view", error.message));
} else {
  if (wanted) byAddress(wanted);
  navigator.serviceWorker?.register("sw.js").catch(() => {}); // without it the page works, but not offline
  globalThis.launchQueue?.setConsumer(async ({ files: handles }) => {
    if (handles.length) take(await Promise.all(handles.map((handle) => handle.getFile())));
  });
}
