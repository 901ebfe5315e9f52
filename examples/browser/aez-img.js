/**
 * `<aez-img src="photo.aez" alt="…">`: shows an `.aez` file as `<img>` shows other pictures.
 *
 * Attributes: `src`, `alt`, `width`, `height`, `loading="lazy"`. Events: `load`, `error`, `progress`. Parts to style: `picture`
 * (with `preview` while it shows the stored preview) and `error`. Pictures are decoded in a worker, one at a time.
 */

import { decoder } from "./display/decoder.js";

const STYLE = new CSSStyleSheet();
STYLE.replaceSync(`
  :host { display: inline-block; position: relative; vertical-align: bottom; overflow: clip; object-fit: fill; }
  :host([hidden]), [hidden] { display: none !important; }
  img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: inherit; object-position: inherit; }
  [part=error] {
    display: flex; box-sizing: border-box; width: 100%; height: 100%; min-height: 4em; padding: .75em 1em;
    align-items: center; justify-content: center; text-align: center; overflow-wrap: anywhere;
    font: 0.875rem/1.4 system-ui, sans-serif; border: 1px solid currentcolor; border-radius: 4px; opacity: .75;
  }
`);

const NEAR = "400px"; // distance from the window at which lazy pictures load

/** Calls `load` of lazy elements that come near to the window. */
const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) target.load();
  },
  { rootMargin: NEAR },
);

export class AezImg extends HTMLElement {
  static observedAttributes = ["src", "alt", "width", "height", "loading"];

  #image = document.createElement("img");
  #failure = document.createElement("span");
  #hints = new CSSStyleSheet();
  #abort = null;
  #size = null;
  #complete = true;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [STYLE, this.#hints];
    this.#image.hidden = this.#failure.hidden = true;
    this.#image.part = "picture";
    this.#failure.part = "error";
    root.append(this.#image, this.#failure);
  }

  connectedCallback() {
    this.#renew();
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback(name, before, now) {
    if (name === "alt") this.#describe();
    else if (name === "width" || name === "height") this.#layOut();
    else if (this.isConnected && (name === "src" || !this.#complete)) this.#renew();
  }

  get src() {
    return this.hasAttribute("src") ? new URL(this.getAttribute("src"), this.baseURI).href : "";
  }
  set src(value) {
    this.setAttribute("src", value);
  }
  get alt() {
    return this.getAttribute("alt") ?? "";
  }
  set alt(value) {
    this.setAttribute("alt", value);
  }
  get loading() {
    return this.getAttribute("loading") === "lazy" ? "lazy" : "eager";
  }
  set loading(value) {
    this.setAttribute("loading", value);
  }
  /** Width on the page, in CSS pixels; setting it sets the attribute. */
  get width() {
    return Math.round(this.clientWidth);
  }
  set width(value) {
    this.setAttribute("width", value);
  }
  get height() {
    return Math.round(this.clientHeight);
  }
  set height(value) {
    this.setAttribute("height", value);
  }
  /** Width of the picture as it is meant to be seen; 0 before its header is read. */
  get naturalWidth() {
    return this.#size?.width ?? 0;
  }
  get naturalHeight() {
    return this.#size?.height ?? 0;
  }
  /** Whether there is nothing more to come: the picture is shown, or has failed, or there is none. */
  get complete() {
    return this.#complete;
  }

  /** Load the picture now, even if it is lazy. Further calls do nothing. */
  async load() {
    nearby.unobserve(this);
    if (this.#abort || this.#complete) return;
    const abort = (this.#abort = new AbortController());
    try {
      const bytes = await fetched(this.src, abort.signal);
      const made = await decoder.decode(bytes, {
        signal: abort.signal,
        onFacts: (facts) => this.#sized(facts),
        onPreview: ({ blob }) => this.#show(blob, "picture preview"),
        onProgress: (loaded) =>
          this.dispatchEvent(new ProgressEvent("progress", { lengthComputable: true, loaded, total: 1 })),
      });
      this.#sized(made);
      await this.#show(made.blob, "picture");
      this.#end(abort, "load");
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#fail(error);
      this.#end(abort, "error");
    }
  }

  #renew() {
    this.#stop();
    this.#size = null;
    this.#complete = !this.hasAttribute("src");
    this.#clear();
    this.#failure.hidden = true;
    this.#describe();
    this.#layOut();
    if (this.#complete) return;
    if (this.loading === "lazy") nearby.observe(this);
    else this.load();
  }

  #stop() {
    nearby.unobserve(this);
    this.#abort?.abort();
    this.#abort = null;
  }

  #end(abort, event) {
    if (abort.signal.aborted) return;
    this.#complete = true;
    this.dispatchEvent(new Event(event));
  }

  async #show(blob, part) {
    this.#clear();
    this.#image.part = part;
    this.#image.src = URL.createObjectURL(blob);
    this.#image.hidden = false;
    await this.#image.decode();
  }

  #clear() {
    if (this.#image.src) URL.revokeObjectURL(this.#image.src);
    this.#image.removeAttribute("src");
    this.#image.hidden = true;
  }

  #fail(error) {
    this.#clear();
    this.#failure.hidden = false;
    this.#failure.textContent = [this.alt, `The picture cannot be shown: ${error.message}.`].filter(Boolean).join(" — ");
  }

  #sized({ width, height }) {
    this.#size = { width, height };
    this.#layOut();
  }

  #describe() {
    if (this.hasAttribute("alt")) this.#image.alt = this.alt;
    else this.#image.removeAttribute("alt");
  }

  /** Give the element the size that `<img>` would have. Styles of the page come before these. */
  #layOut() {
    const [width, height] = ["width", "height"].map((name) => pixels(this.getAttribute(name)));
    const ratio = this.#size ?? (width && height ? { width, height } : null);
    const rules = [];
    if (width) rules.push(`width: ${width}px`);
    if (height) rules.push(`height: ${height}px`);
    if (!width && !height && this.#size) rules.push(`width: ${this.#size.width}px`);
    if (ratio) rules.push(`aspect-ratio: ${ratio.width} / ${ratio.height}`);
    this.#hints.replaceSync(`:host { ${rules.join("; ")} }`);
  }
}

function pixels(text) {
  return /^\s*\d+/.test(text ?? "") ? parseInt(text, 10) : 0;
}

async function fetched(address, signal) {
  let answer;
  try {
    answer = await fetch(address, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error("it cannot be loaded");
  }
  if (!answer.ok) throw new Error(`it cannot be loaded (${answer.status})`);
  return answer.arrayBuffer();
}

customElements.define("aez-img", AezImg);
