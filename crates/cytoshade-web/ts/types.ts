/** The public types of the package. */

/**
 * `auto` uses WebGPU on a hardware GPU that computes correctly, else the CPU; `webgpu` also accepts software adapters, for
 * tests.
 */
export type Backend = "auto" | "webgpu" | "cpu";

/** Format of activations and weights on a GPU; all sums are in `f32`. */
export type Precision = "f32" | "f16";

/** A model file: its URL or its bytes. Safetensors, a torch file or ONNX; the content decides. */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array;

/** Progress of loading a model. */
export interface LoadProgress {
  /** `download` (in bytes), then `prepare`. */
  stage: "download" | "prepare";
  done: number;
  /** `undefined` if the server does not state the length of the file. */
  total?: number;
}

/** Progress of a segmentation. */
export interface SegmentProgress {
  /**
   * `channels`, `normalize`, `resize`, `network`, `blend`, `follow_flows`, `masks`, `flow_error` or `fill_holes`.
   */
  stage: string;
  /** Number of finished tiles in `network`; 0 or 1 in other stages. */
  done: number;
  total: number;
}

export interface LoadOptions {
  /**
   * Required SHA-256 of the file, 64 hexadecimal digits. Checked before the file is parsed or cached. Default: the published
   * hash if the URL ends with the name of a published model (`cyto3`), else none.
   */
  sha256?: string;
  /** Size model of the network (`size_cyto3.npy`), which estimates diameters. Cached like the network. */
  sizeModel?: ModelSource;
  /** Required SHA-256 of the size model's file. */
  sizeModelSha256?: string;
  /** Maximum size of a model file. Default: 256 MiB; the published networks have 26 MB. */
  maxBytes?: number;
  /** Maximum time of a download in seconds. Default: 120 plus the time of the file at 16 KiB per second. */
  deadline?: number;
  /** Cache downloaded files. Default: true. */
  cache?: boolean;
  backend?: Backend;
  /**
   * Default: `f32`, which agrees with Cellpose to rounding. `f16` halves the memory and may be faster; masks may differ in a
   * few pixels. The CPU and adapters without `shader-f16` always use `f32`: see {@link Adapter.precision}.
   */
  precision?: Precision;
  /**
   * Number of workers on the CPU, 1 to 64. Default: the number of processors, at most 8.
   */
  workers?: number;
  onProgress?: (progress: LoadProgress) => void;
  signal?: AbortSignal;
}

/** A typed array of 8 to 32-bit integers or floats. */
export type Samples =
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Pixels in memory. */
export interface Pixels {
  data: Samples;
  width: number;
  height: number;
  /** Default: 1. */
  channels?: number;
  /** `planar` (default): [channels, height, width]; `interleaved`: [height, width, channels]. */
  layout?: "planar" | "interleaved";
}

/** An image: pixels, or a TIFF, PNG, JPEG or NPY file. */
export type ImageSource = ImageData | Pixels | Blob | ArrayBuffer;

export interface ImageOptions {
  /** Index of the image in a file that holds several, from 0. Default: 0. */
  image?: number;
}

/** Options of a segmentation. The defaults are those of Cellpose. */
export interface SegmentOptions extends ImageOptions {
  /**
   * Mean diameter of the cells in pixels. By default, or if `"auto"`, the size model estimates it; the network then runs
   * three times: for the style, for first masks and for the final masks. Without a size model the default is the mean
   * diameter of the network's training images, and `"auto"` is an error.
   */
  diameter?: number | "auto";
  /** Channel to segment, from 1; 0 (default) is the mean of all. */
  chan?: number;
  /** Second (nuclear) channel, from 1; 0 (default) is none. */
  chan2?: number;
  /** Take the image's first channels in their order; ignores `chan` and `chan2`. Default: false. */
  allChannels?: boolean;
  /** `false` keeps the intensities as they are. Default: true. */
  normalize?: boolean;
  /** Percentiles of each channel that map to 0 and 1. Default: `[1, 99]`. */
  normPercentile?: [low: number, high: number];
  /** Intensities that map to 0 and 1, instead of percentiles; or a pair for each input channel of the network. */
  normRange?: [low: number, high: number] | [low: number, high: number][];
  /** Invert normalized intensities, for dark cells on a bright background. Default: false. */
  invert?: boolean;
  /** Radius in pixels of a Gaussian surround that is subtracted before normalization. Default: 0 (off). */
  sharpenRadius?: number;
  /** Radius in pixels of a Gaussian that smooths before normalization. Default: 0 (off). */
  smoothRadius?: number;
  /** Side in pixels of tiles that are normalized by their own percentiles, larger than a cell. Default: 0 (off). */
  tileNormBlocksize?: number;
  /** Standard deviation, in tiles, of a Gaussian that smooths the percentiles of tiles. Default: 1. */
  tileNormSmooth3d?: number;
  /** Drop masks whose flows differ from the network's by a mean squared error above this; 0 keeps all. Default: 0.4. */
  flowThreshold?: number;
  /** Pixels with a cell probability (a logit) above this are active; lower values find more cells. Default: 0. */
  cellprobThreshold?: number;
  /** Drop masks of fewer pixels than this; 0 keeps all. Default: 15. */
  minSize?: number;
  /** Drop masks that cover more than this fraction of the image. Default: 0.4. */
  maxSizeFraction?: number;
  /** Steps of the Euler integration. Default: 200, scaled by the resize. */
  niter?: number;
  /** Interpolate the flows bilinearly between pixels during the integration. Default: true. */
  interp?: boolean;
  /** Side of a tile in pixels, a multiple of 16. Default: the network's own, 224 for U-Nets. */
  bsize?: number;
  /** Overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5. Default: 0.1. */
  tileOverlap?: number;
  /** Tiles that run through the network together; on the CPU, tiles that run in workers or wait for one. */
  batchSize?: number;
  /** Run the dynamics at the image's size. Default: true. */
  resample?: boolean;
  /** Average over flipped, half-overlapping tiles: about two to four times as many. Default: false. */
  augment?: boolean;
  onProgress?: (progress: SegmentProgress) => void;
  signal?: AbortSignal;
}

/** The cells of one image. */
export interface Segmentation {
  /** Labels [height, width], row by row: 0 is background, 1 to `count` are the cells. */
  masks: Uint32Array;
  count: number;
  width: number;
  height: number;
  /** Number of pixels of each cell; cell 1 is first. */
  areas: Uint32Array;
  /** The diameter used, in pixels. */
  diameter: number;
  /** Milliseconds by name of the stage, and `total`. */
  timings: Record<string, number>;
  /** The name of the device, for display. */
  device: string;
}

export interface PreviewOptions extends ImageOptions {
  /** Channel to show in grey, from 1; 0 (default) shows the first three as red, green and blue. */
  channel?: number;
  signal?: AbortSignal;
}

/** An image for display. */
export interface Preview {
  /** A PNG, each channel stretched between its 1st and 99th percentile. */
  png: Blob;
  width: number;
  height: number;
  channels: number;
  /** Number of images in the file. */
  images: number;
}

/** The device that runs a network. */
export interface Adapter {
  backend: "webgpu" | "cpu";
  /** For display. */
  name: string;
  /** True for a software adapter of WebGPU. */
  software: boolean;
  /** Format of activations. */
  precision: Precision;
  /** Number of workers on the CPU; 0 on WebGPU. */
  workers: number;
  /** Why the CPU replaces a GPU: it computes wrong results. `undefined` if none was refused. */
  refused?: string;
}

/** A cached model. */
export interface CachedModel {
  url: string;
  sha256: string;
  /** In bytes. */
  size: number;
  stored: Date;
}
