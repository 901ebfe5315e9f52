import { AezError } from "./errors.js";

/** @typedef {import("./service.js").Settings} Settings */
/** @typedef {import("./service.js").SourceOf} SourceOf */

/** The same as `Service`, in a worker. */
export class RemoteService {
  /** @param {Settings} settings @param {SourceOf} sourceOf */
  constructor(settings, sourceOf) {
    this.sourceOf = sourceOf;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: any) => void, onProgress?: (share: number) => void}>} */
    this.calls = new Map();
    this.next = 0;
    this.closing = false;
    this.answered = false;
    /** True if the worker has stopped for ever. */
    this.failed = false;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.receive(data));
    this.worker.addEventListener("error", (event) => this.fail(event.message));
    this.worker.postMessage({ type: "start", settings });
  }

  /**
   * @param {Uint8Array} bytes
   * @param {import("./decoder.js").Request} request
   * @param {(share: number) => void} onProgress
   * @returns {Promise<import("./surface.js").Surface>}
   */
  decode(bytes, request, onProgress) {
    return this.call("decode", bytes, request, onProgress);
  }

  /** @param {Uint8Array} bytes @param {import("./limits.js").Limits} limits @returns {Promise<string>} */
  digest(bytes, limits) {
    return this.call("digest", bytes, { limits });
  }

  /** Let the worker go when it has nothing left to do. */
  close() {
    this.closing = true;
    if (this.calls.size === 0) this.worker.terminate();
  }

  /**
   * @param {"decode" | "digest"} type
   * @param {Uint8Array} bytes stay the caller's
   * @param {object} request
   * @param {(share: number) => void} [onProgress]
   * @returns {Promise<any>}
   */
  call(type, bytes, request, onProgress) {
    return new Promise((resolve, reject) => {
      const id = this.next++;
      this.calls.set(id, { resolve, reject, onProgress });
      const copy = bytes.slice(); // of these bytes alone; the buffer around them may be larger
      this.worker.postMessage({ type, id, bytes: copy, request }, [copy.buffer]);
    });
  }

  /** @param {any} message from the worker */
  async receive({ type, fingerprint, id, share, value, error }) {
    this.answered = true;
    if (type === "weights") return this.sendSource(fingerprint);
    const call = this.calls.get(id);
    if (share !== undefined) return call?.onProgress?.(share);
    this.calls.delete(id);
    if (error) call?.reject(revived(error));
    else call?.resolve(value);
    if (this.closing) this.close();
  }

  /** @param {string} fingerprint */
  async sendSource(fingerprint) {
    let reply;
    try {
      reply = { source: await this.sourceOf(fingerprint) };
    } catch (error) {
      reply = { error: { message: String(/** @type {any} */ (error)?.message ?? error), code: "model" } };
    }
    this.worker.postMessage({ type: "weights", fingerprint, ...reply });
  }

  /** @param {string} message why the worker cannot go on */
  fail(message) {
    const error = this.answered
      ? new AezError("memory", `the decoder has stopped: ${message}`)
      : new AezError("model", "the decoder's worker cannot be loaded");
    this.failed = true;
    for (const { reject } of this.calls.values()) reject(error);
    this.calls.clear();
    this.worker.terminate();
  }
}

/** @param {{name: string, message: string, code: any}} error @returns {Error} */
function revived({ name, message, code }) {
  if (name === "AezError") return new AezError(code, message);
  return Object.assign(new Error(message), { name });
}
