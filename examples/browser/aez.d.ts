/** Decode .aez pictures in a browser. */

/** Why a picture could not be decoded; see `AezError`. */
export type AezErrorCode = "format" | "truncated" | "checksum" | "limit" | "model" | "memory" | "argument";

/** The only error that a file or an argument can cause. */
export class AezError extends Error {
  constructor(code: AezErrorCode, message: string, options?: ErrorOptions);
  /**
   * - `format`: not a valid file, or of a kind that this decoder does not know;
   * - `truncated`: the file ends too early;
   * - `checksum`: the file was damaged;
   * - `limit`: the file asks for more than the limits allow;
   * - `model`: the model's weights or ONNX Runtime cannot be loaded, or are not those of the file;
   * - `memory`: the browser has too little memory;
   * - `argument`: an option is out of range.
   */
  readonly code: AezErrorCode;
}

/**
 * A weights file: its address, its contents, or a function that returns one of them for a model's fingerprint (12
 * hexadecimal digits). An address that ends with a slash is that of a folder of files `<fingerprint>.safetensors`.
 */
export type WeightsSource =
  | string
  | URL
  | BufferSource
  | ((fingerprint: string) => string | URL | BufferSource | Promise<string | URL | BufferSource>);

export interface Configuration {
  /** Default: the folder `weights/` beside this module. */
  weights?: WeightsSource;
  /** Folder of ONNX Runtime's files, with a slash at its end. Default: `node_modules/onnxruntime-web/dist/`. */
  wasmPaths?: string | URL;
  /** Threads of the networks, if the page is `crossOriginIsolated`; others have one. Default: one a core, at most 8. */
  threads?: number;
  /** Run networks on the graphics processor, if the browser has WebGPU. Its runtime is twice as large. Default: false. */
  webgpu?: boolean;
  /** Decode in a worker, so that the page stays responsive. Default: true on pages, false in workers. */
  worker?: boolean;
}

/** What a file may ask for; it is refused before memory is taken for more. */
export interface Limits {
  /** Largest width × height. Default: 2²⁸. */
  maxPixels?: number;
  /** Largest width and height. Default: 65535. */
  maxSide?: number;
  /** Most bytes that decoding takes beyond the model and the file, as estimated. Default: 2³⁰. */
  maxMemory?: number;
  /** Most symbols that are decoded. Default: 2³⁰. */
  maxSymbols?: number;
  /** Most bytes of metadata and unknown ancillary chunks. Default: 2²⁶. */
  maxMetadata?: number;
  /** Most chunks besides tiles. Default: 1024. */
  maxChunks?: number;
  /** Most pixels per byte of the file beyond the first 2²⁰ pixels. Default: 8192. */
  maxPixelsPerByte?: number;
}

export interface InfoOptions {
  limits?: Limits;
}

export interface PreviewOptions extends InfoOptions {
  /** `from-image`, the default: turned for display as the file says; `none`: as stored. */
  imageOrientation?: "from-image" | "none";
  /** Called with the share of the work that is done, 0 … 1. */
  onProgress?: (share: number) => void;
  /** As in `configure`; kept for later calls. */
  weights?: WeightsSource;
}

export interface DecodeOptions extends PreviewOptions {
  /** 1, 1/2, 1/4, 1/8 or 1/16; each pixel is the mean of a square. 1/8 and 1/16 leave out most of the networks. */
  scale?: number;
  /** x, y, width and height of the part to decode, in pixels of the whole picture at scale 1, turned for display. */
  region?: readonly [x: number, y: number, width: number, height: number];
}

/** RGBA samples, not premultiplied, in the colours of the file's ICC profile, or sRGB. */
export type Picture =
  | { width: number; height: number; depth: 8; data: Uint8ClampedArray<ArrayBuffer> }
  | {
      width: number;
      height: number;
      depth: 10 | 12 | 16;
      /** 0 … 2^depth − 1, opacity too. */
      data: Uint16Array<ArrayBuffer>;
    };

export interface Chunk {
  /** A letter; lower case means ancillary. */
  type: string;
  /** Place of its first byte in the file. */
  offset: number;
  /** Bytes of its payload. */
  length: number;
}

export interface Info {
  /** Columns of the picture as displayed. */
  width: number;
  /** Rows of the picture as displayed. */
  height: number;
  storedWidth: number;
  storedHeight: number;
  /** `grey RGB`: RGB with three equal samples. */
  colour: "RGB" | "grey" | "grey RGB";
  alpha: boolean;
  /** How to turn the stored picture for display: the value of EXIF's tag 274, 1 … 8. */
  orientation: number;
  /** Bits per sample. */
  depth: 8 | 10 | 12 | 16;
  /** Latent layout. Only 0 can be decoded. */
  layout: number;
  /** Of the model, 12 hexadecimal digits. */
  fingerprint: string;
  /** Quality point, with a fraction. */
  qualityPoint: number;
  /** Side of the tiles in pixels, if there are several. */
  tileSide?: number;
  /** `whole`: the picture is stored without loss, and needs no model; `over`: parts of it are. */
  layer?: "whole" | "over";
  hasPreview: boolean;
  /** Size of the file. */
  bytes: number;
  bitsPerPixel: number;
  /** In the order of the file. */
  chunks: Chunk[];
  icc?: Uint8Array;
  /** The TIFF structure. */
  exif?: Uint8Array;
  xmp?: Uint8Array;
}

/** Set where weights and ONNX Runtime are, and how pictures are decoded. */
export function configure(changes: Configuration): void;

/** Describe a file; all checksums are verified, nothing is decoded. Throws `AezError`. */
export function info(bytes: BufferSource, options?: InfoOptions): Info;

/** Decode a picture, a part of it, or a smaller one. Rejects with `AezError`. */
export function decode(bytes: BufferSource, options?: DecodeOptions): Promise<Picture>;

/** Decode the preview that a file has, if it has one; the file may end after it. `decode` gives small pictures of others. */
export function preview(bytes: BufferSource, options?: PreviewOptions): Promise<Picture | undefined>;

/** Return SHA-256 of the picture's symbols, 64 hexadecimal digits, which all decoders agree on. */
export function digest(bytes: BufferSource, options?: InfoOptions & { weights?: WeightsSource }): Promise<string>;
