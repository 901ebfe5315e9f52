import { decodePicture, digestOf } from "./decoder.js";
import { AezError } from "./errors.js";
import { Networks } from "./networks.js";
import { loadModel } from "./weights.js";

/** ONNX Runtime on the CPU, and with WebGPU, whose WebAssembly is twice as large. */
const CPU = "ort.wasm.bundle.min.mjs";
const GPU = "ort.webgpu.bundle.min.mjs";
const MAX_THREADS = 8;

/**
 * @typedef {object} Settings
 * @property {string} wasmPaths address of the folder of ONNX Runtime's files, with a slash at its end
 * @property {number} [threads]
 * @property {boolean} [webgpu] use the graphics processor if there is one
 */

/** @typedef {(fingerprint: string) => Promise<string | ArrayBuffer | Uint8Array>} SourceOf */

/** Decodes files one after the other, in the thread that made it. Models stay in memory. */
export class Service {
  /** @param {Settings} settings @param {SourceOf} sourceOf where a model's weights are */
  constructor(settings, sourceOf) {
    this.settings = settings;
    this.sourceOf = sourceOf;
    /** @type {Map<string, Promise<import("./model.js").Model>>} */
    this.models = new Map();
    /** @type {Map<string, Promise<Networks>>} */
    this.networks = new Map();
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve();
  }

  /**
   * @param {Uint8Array} bytes
   * @param {import("./decoder.js").Request} request
   * @param {(share: number) => void} onProgress
   */
  decode(bytes, request, onProgress) {
    return this.queued(() => decodePicture(bytes, request, (name) => this.networksOf(name), onProgress));
  }

  /** @param {Uint8Array} bytes @param {import("./limits.js").Limits} limits */
  digest(bytes, limits) {
    return this.queued(() => digestOf(bytes, limits, (name) => this.modelOf(name)));
  }

  /**
   * Begin when the work before has ended: ONNX Runtime runs one network at a time, and memory is bounded.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  queued(work) {
    const done = this.last.then(work).catch((error) => {
      throw asAezError(error);
    });
    this.last = done.catch(() => {});
    return done;
  }

  /** @param {string} fingerprint */
  modelOf(fingerprint) {
    return remembered(this.models, fingerprint, async () =>
      loadModel(await this.sourceOf(fingerprint), fingerprint),
    );
  }

  /** @param {string} fingerprint */
  networksOf(fingerprint) {
    return remembered(this.networks, fingerprint, async () => {
      const [model, runtime] = await Promise.all([this.modelOf(fingerprint), loadRuntime(this.settings)]);
      return new Networks(model, runtime.ort, runtime.providers);
    });
  }
}

/**
 * Return a value by its key; a failure is forgotten, so that the next call tries again.
 *
 * @template T
 * @param {Map<string, Promise<T>>} known
 * @param {string} key
 * @param {() => Promise<T>} make
 * @returns {Promise<T>}
 */
function remembered(known, key, make) {
  let value = known.get(key);
  if (!value) {
    value = make();
    known.set(key, value);
    value.catch(() => known.delete(key));
  }
  return value;
}

/**
 * @param {Settings} settings
 * @returns {Promise<{ort: any, providers: string[]}>} the module onnxruntime-web, and what is to run networks
 */
async function loadRuntime({ wasmPaths, threads, webgpu }) {
  const gpu = webgpu && (await hasGpu());
  let ort;
  try {
    ort = await import(wasmPaths + (gpu ? GPU : CPU));
  } catch (error) {
    throw new AezError("model", `ONNX Runtime cannot be loaded from ${wasmPaths}`, { cause: error });
  }
  ort.env.logLevel = "fatal";
  ort.env.wasm.wasmPaths = wasmPaths;
  // Threads share memory, which only isolated pages may.
  const cores = Math.min(MAX_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1);
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? (threads ?? cores) : 1;
  return { ort, providers: gpu ? ["webgpu", "wasm"] : ["wasm"] };
}

/** @returns {Promise<boolean>} */
async function hasGpu() {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter);
}

/** @param {unknown} error @returns {unknown} what is thrown for it: what no file can cause stays as it is */
function asAezError(error) {
  if (error instanceof RangeError && /alloc|array length|typed array|memory/i.test(error.message)) {
    return new AezError("memory", "there is not enough memory for the picture", { cause: error });
  }
  return error;
}
