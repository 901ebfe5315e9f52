/**
 * Decode files in a worker, one at a time, in the order of the calls. The worker is started by the first call.
 */

/** An error of a file, with a text for people. */
export class DecodeError extends Error {
  name = "DecodeError";
}

export class Decoder {
  #worker = null;
  #settings = null;
  #waiting = [];
  #running = null;
  #next = 0;

  /** Set where weights and runtime are, as `configure` of `aez.js` does, for files that are decoded from now on. */
  configure(settings) {
    this.#settings = settings;
    this.#worker?.postMessage({ configure: settings });
  }

  /**
   * Decode a file to a PNG file.
   *
   * @param {ArrayBuffer|Uint8Array} bytes the whole file
   * @param {object} [options]
   * @param {(facts: object) => void} [options.onFacts] called with what `info` of `aez.js` returns
   * @param {(preview: {blob: Blob, width: number, height: number}) => void} [options.onPreview] called if a preview is stored
   * @param {(share: number) => void} [options.onProgress] called with numbers from 0 to 1
   * @param {AbortSignal} [options.signal] gives up: a file that waits is not decoded, the result of a running one is dropped
   * @returns {Promise<{blob: Blob, width: number, height: number, seconds: number}>} the picture as it is meant to be seen
   * @throws {DecodeError} the file is damaged, or the decoder cannot be loaded
   */
  decode(bytes, { onFacts, onPreview, onProgress, signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const job = { id: this.#next++, bytes, onFacts, onPreview, onProgress, resolve, reject, signal };
      signal?.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((other) => other !== job);
        reject(signal.reason);
      });
      this.#waiting.push(job);
      this.#start();
    });
  }

  #start() {
    if (this.#running || !this.#waiting.length) return;
    this.#running = this.#waiting.shift();
    try {
      this.#worker ??= this.#made();
      this.#worker.postMessage({ id: this.#running.id, bytes: this.#running.bytes });
    } catch (error) {
      this.#finish(this.#running, null, new DecodeError(`the decoder cannot be started (${error.message})`));
    }
  }

  #made() {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "aez" });
    if (this.#settings) worker.postMessage({ configure: this.#settings });
    worker.addEventListener("message", ({ data }) => this.#heard(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      worker.terminate();
      this.#worker = null;
      const cause = event.message ? `the decoder stopped (${event.message})` : "the decoder cannot be loaded";
      if (this.#running) this.#finish(this.#running, null, new DecodeError(cause));
    });
    return worker;
  }

  #heard({ id, facts, preview, progress, picture, seconds, error }) {
    const job = this.#running;
    if (job?.id !== id) return;
    const listening = !job.signal?.aborted;
    if (error !== undefined) this.#finish(job, null, new DecodeError(error));
    else if (picture) this.#finish(job, { ...picture, seconds });
    else if (!listening) return;
    else if (facts) job.onFacts?.(facts);
    else if (preview) job.onPreview?.(preview);
    else job.onProgress?.(progress);
  }

  #finish(job, result, error) {
    this.#running = null;
    if (error) job.reject(error);
    else job.resolve(result);
    this.#start();
  }
}

/** The decoder that all elements of a page share. */
export const decoder = new Decoder();
