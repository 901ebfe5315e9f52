/**
 * Why a picture could not be decoded:
 * `format` (not a valid file), `truncated` (it ends too early), `checksum` (it was damaged), `limit` (it asks for more
 * than the limits allow), `model` (its model or ONNX Runtime is missing, or does not
 * fit), `memory` (the browser has too little) or `argument` (an option of
 * the caller is out of range).
 *
 * @typedef {"format" | "truncated" | "checksum" | "limit" | "model" | "memory" | "argument"} AezErrorCode
 */

/** The only error that the functions of this decoder throw for what a file or a caller gave them. */
export class AezError extends Error {
  /**
   * @param {AezErrorCode} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = "AezError";
    /** @type {AezErrorCode} */
    this.code = code;
  }
}

/** @param {string} message @returns {AezError} */
export const formatError = (message) => new AezError("format", message);

/** @param {string} message @returns {AezError} */
export const truncatedError = (message) => new AezError("truncated", message);

/** @param {string} message @returns {AezError} */
export const limitError = (message) => new AezError("limit", message);

/** @param {string} message @returns {AezError} */
export const modelError = (message) => new AezError("model", message);
