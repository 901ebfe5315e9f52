/**
 * The stage: a picture that can be moved and enlarged, and a second one beside it behind a divider.
 *
 * Positions are CSS pixels of the stage. `scale` is CSS pixels per picture pixel.
 */

const MOST = 32; // screen pixels per picture pixel
const STEP = 1.25;
const KEY_SHIFT = 64;
const PIXELATED_FROM = 3; // screen pixels per picture pixel from which its pixels are shown as squares
const TAP = 300; // ms between the two taps of a double tap

export class Stage extends EventTarget {
  #box;
  #layers;
  #picture;
  #other;
  #divider;
  #size = null;
  #fitted = true;
  #scale = 1;
  #x = 0;
  #y = 0;
  #share = 0.5;
  #pointers = new Map();
  #lastTap = { time: 0, x: 0, y: 0 };

  /** @param {{box: HTMLElement, layers: HTMLElement, picture: HTMLImageElement, other: HTMLImageElement, divider: HTMLElement}} parts */
  constructor({ box, layers, picture, other, divider }) {
    super();
    this.#box = box;
    this.#layers = layers;
    this.#picture = picture;
    this.#other = other;
    this.#divider = divider;
    new ResizeObserver(() => this.#place()).observe(box);
    box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.#down(event));
    box.addEventListener("pointermove", (event) => this.#moved(event));
    for (const kind of ["pointerup", "pointercancel"]) box.addEventListener(kind, (event) => this.#up(event));
    box.addEventListener("dblclick", (event) => {
      if (event.target.closest("button, .divider")) return;
      this.#toggle(this.#point(event));
    });
    divider.addEventListener("pointerdown", (event) => this.#grab(event));
    divider.addEventListener("keydown", (event) => this.#dividerKey(event));
  }

  get fitted() {
    return this.#fitted;
  }

  /** Screen pixels per picture pixel. */
  get zoom() {
    return this.#scale * devicePixelRatio;
  }

  /**
   * Show a picture; keep the view if it has the size of the one before.
   *
   * @param {string} address URL of the picture
   * @param {{width: number, height: number}} size in pixels
   * @param {{preview?: boolean, name: string}} how `preview` shows it soft
   */
  async show(address, size, { preview = false, name }) {
    const image = this.#picture;
    image.src = address;
    image.alt = name;
    const same = this.#size && this.#size.width === size.width && this.#size.height === size.height;
    this.#size = { width: size.width, height: size.height };
    if (!same) this.#fitted = true;
    this.#layers.hidden = false;
    this.#layers.classList.toggle("preview", preview);
    this.#place();
    await image.decode();
  }

  /** Show a second picture right of the divider, or none. */
  async compare(address, name = "") {
    const shown = address !== null;
    this.#other.hidden = this.#divider.hidden = !shown;
    if (shown) {
      this.#other.src = address;
      this.#other.alt = name;
      this.#share = 0.5;
    } else {
      this.#other.removeAttribute("src");
    }
    this.#place();
    if (shown) await this.#other.decode();
  }

  /** Show nothing. */
  clear() {
    this.#size = null;
    this.#layers.hidden = true;
    this.#picture.removeAttribute("src");
    this.compare(null);
  }

  fit() {
    this.#fitted = true;
    this.#place();
  }

  /** One pixel per pixel of the screen, about a point of the stage or its middle. */
  actual(about = this.#middle()) {
    this.#zoomTo(1 / devicePixelRatio, about);
  }

  /** Enlarge by some steps, or reduce by negative ones. */
  step(steps, about = this.#middle()) {
    this.#zoomTo(this.#scale * STEP ** steps, about);
  }

  /** Move the picture by a number of keys' steps. */
  move(dx, dy) {
    this.#fitted = false;
    this.#x -= dx * KEY_SHIFT;
    this.#y -= dy * KEY_SHIFT;
    this.#place();
  }

  #middle() {
    return [this.#box.clientWidth / 2, this.#box.clientHeight / 2];
  }

  #point({ clientX, clientY }) {
    const { left, top } = this.#box.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #fitScale() {
    const { width, height } = this.#size;
    const inset = this.#box.clientWidth > 720 ? 24 : 0;
    const scale = Math.min((this.#box.clientWidth - inset) / width, (this.#box.clientHeight - inset) / height);
    return Math.max(Math.min(scale, Math.max(1, 8 / devicePixelRatio)), 1e-4);
  }

  #zoomTo(scale, [x, y]) {
    if (!this.#size) return;
    const least = Math.min(this.#fitScale(), 1 / devicePixelRatio);
    const next = Math.min(Math.max(scale, least), MOST / devicePixelRatio);
    this.#x = x - ((x - this.#x) * next) / this.#scale;
    this.#y = y - ((y - this.#y) * next) / this.#scale;
    this.#scale = next;
    this.#fitted = false;
    this.#place();
  }

  #toggle(about) {
    if (this.#fitted) this.actual(about);
    else this.fit();
  }

  /** Put the layers where they belong; keep at least a part of the picture in sight. */
  #place() {
    if (!this.#size) return;
    const { width, height } = this.#size;
    const { clientWidth, clientHeight } = this.#box;
    if (!clientWidth || !clientHeight) return;
    if (this.#fitted) this.#scale = this.#fitScale();
    const across = width * this.#scale, down = height * this.#scale;
    this.#x = this.#fitted ? (clientWidth - across) / 2 : held(this.#x, across, clientWidth);
    this.#y = this.#fitted ? (clientHeight - down) / 2 : held(this.#y, down, clientHeight);
    const style = this.#layers.style;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    style.backgroundSize = `${20 / this.#scale}px ${20 / this.#scale}px`;
    style.setProperty("--blur", String(3 / this.#scale));
    this.#layers.classList.toggle("pixelated", this.zoom >= PIXELATED_FROM);
    this.#box.classList.toggle("movable", across > clientWidth + 1 || down > clientHeight + 1);
    this.#placeDivider();
    this.dispatchEvent(new Event("view"));
  }

  /** The part of the stage, from left to right, in which the picture is seen. */
  #sight() {
    const left = Math.max(0, this.#x);
    const right = Math.min(this.#box.clientWidth, this.#x + this.#size.width * this.#scale);
    return { left, width: Math.max(1, right - left) };
  }

  #placeDivider() {
    if (this.#divider.hidden || !this.#size) return;
    const { left, width } = this.#sight();
    const at = left + this.#share * width;
    this.#divider.style.left = `${at}px`;
    const inside = Math.max(0, (at - this.#x) / this.#scale);
    this.#other.style.clipPath = `inset(0 0 0 ${inside}px)`;
    this.#picture.style.clipPath = `inset(0 ${Math.max(0, this.#size.width - inside)}px 0 0)`;
    const percent = Math.round(this.#share * 100);
    this.#divider.setAttribute("aria-valuenow", String(percent));
    this.#divider.setAttribute("aria-valuetext", `${percent} % ${this.#picture.alt}, ${100 - percent} % ${this.#other.alt}`);
  }

  #divide(share) {
    this.#share = Math.min(1, Math.max(0, share));
    this.#placeDivider();
  }

  #grab(event) {
    if (event.button > 0) return;
    event.stopPropagation();
    const divider = this.#divider;
    divider.setPointerCapture(event.pointerId);
    const follow = (moved) => {
      const { left, width } = this.#sight();
      this.#divide((this.#point(moved)[0] - left) / width);
    };
    const ended = new AbortController();
    const options = { signal: ended.signal };
    divider.addEventListener("pointermove", (moved) => {
      moved.stopPropagation();
      follow(moved);
    }, options);
    for (const kind of ["pointerup", "pointercancel"]) divider.addEventListener(kind, () => ended.abort(), options);
  }

  #dividerKey(event) {
    const far = event.shiftKey ? 0.1 : 0.02;
    const to = {
      ArrowLeft: this.#share - far,
      ArrowDown: this.#share - far,
      ArrowRight: this.#share + far,
      ArrowUp: this.#share + far,
      PageDown: this.#share - 0.1,
      PageUp: this.#share + 0.1,
      Home: 0,
      End: 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#divide(to);
  }

  #wheel(event) {
    if (!this.#size) return;
    event.preventDefault();
    const unit = [1, 16, this.#box.clientHeight][event.deltaMode];
    const notches = Math.max(-3, Math.min(3, (event.deltaY * unit) / (event.ctrlKey ? 12 : 100)));
    this.#zoomTo(this.#scale * STEP ** -notches, this.#point(event));
  }

  #down(event) {
    if (!this.#size || event.button > 0 || event.target.closest("button, .zoom, .divider")) return;
    this.#box.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#point(event));
    this.#box.classList.add("moving");
    if (event.pointerType === "touch" && this.#pointers.size === 1) this.#tapped(event);
  }

  #tapped(event) {
    const [x, y] = this.#point(event);
    const last = this.#lastTap;
    this.#lastTap = { time: event.timeStamp, x, y };
    if (event.timeStamp - last.time > TAP || Math.hypot(x - last.x, y - last.y) > 24) return;
    this.#lastTap.time = 0;
    this.#toggle([x, y]);
  }

  #moved(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this.#pointers.set(event.pointerId, now);
    if (others.length === 0) {
      const dx = now[0] - before[0], dy = now[1] - before[1];
      if (this.#fitted && !this.#box.classList.contains("movable")) return;
      this.#fitted = false;
      this.#x += dx;
      this.#y += dy;
      this.#place();
      return;
    }
    const other = others[0];
    const grown = distance(now, other) / Math.max(1, distance(before, other));
    this.#x += (now[0] - before[0]) / 2;
    this.#y += (now[1] - before[1]) / 2;
    this.#zoomTo(this.#scale * grown, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (!this.#pointers.size) this.#box.classList.remove("moving");
  }
}

/** Keep a side of the picture on the stage: in the middle if it fits, else without a gap at the borders. */
function held(position, length, room) {
  if (length <= room) return (room - length) / 2;
  return Math.min(0, Math.max(room - length, position));
}

function distance([x, y], [u, v]) {
  return Math.hypot(x - u, y - v);
}
