/** What the package takes and gives. */

/** `auto` takes WebGPU on a true GPU, else the CPU; `webgpu` takes a software adapter too, which is for tests. */
export type Backend = "auto" | "webgpu" | "cpu";

/** What a GPU stores the network's activations and weights in; all sums are in `f32`. */
export type Precision = "f32" | "f16";

/** A model file: where it is, or its bytes. Safetensors, a torch file or ONNX, told apart by content. */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array;

/** How far the loading of a model is. */
export interface LoadProgress {
  /** `download`, counted in bytes, then `prepare`. */
  stage: "download" | "prepare";
  done: number;
  /** Unknown where the server does not say how long the file is. */
  total?: number;
}

/** How far a segmentation is. */
export interface SegmentProgress {
  /**
   * `channels`, `normalize`, `resize`, `network`, `blend`, `follow_flows`, `masks`, `flow_error` or `fill_holes`.
   */
  stage: string;
  /** Tiles in `network`, 0 or 1 elsewhere. */
  done: number;
  total: number;
}

export interface LoadOptions {
  /**
   * The SHA-256 that the file must have, 64 hexadecimal digits. Checked before the file is parsed or kept. A URL that ends
   * with the name of a published model (`cyto3`) must have the published hash unless another is given here.
   */
  sha256?: string;
  /** The size model of the network (`size_cyto3.npy`), kept as that is: with it, diameters are estimated. */
  sizeModel?: ModelSource;
  /** The SHA-256 that the size model's file must have. */
  sizeModelSha256?: string;
  /** Refuses a larger file. Default 256 MiB; the published networks have 26 MB. */
  maxBytes?: number;
  /** Gives up a download after so many seconds. Default: 120, and those that the file takes at 16 KiB a second. */
  deadline?: number;
  /** Keep a downloaded file for the next time. On where not given. */
  cache?: boolean;
  backend?: Backend;
  /**
   * `f32` where not given, which agrees with Cellpose to rounding. `f16` takes half the memory and may be faster; masks
   * may differ in a few pixels. Where the adapter has no `shader-f16`, and on the CPU, it is `f32` all the same: see
   * {@link Adapter.precision}.
   */
  precision?: Precision;
  /**
   * Workers that tiles are spread over where the CPU does the work, 1 to 64. As many as there are processors, at most 8,
   * where not given.
   */
  workers?: number;
  onProgress?: (progress: LoadProgress) => void;
  signal?: AbortSignal;
}

/** Any kind of typed array that has 8 to 32-bit integers or floats. */
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
  /** 1 where not given. */
  channels?: number;
  /** `planar` (all of a channel, then all of the next; where not given) or `interleaved`. */
  layout?: "planar" | "interleaved";
}

/** An image: pixels, or a TIFF, PNG, JPEG or NPY file. */
export type ImageSource = ImageData | Pixels | Blob | ArrayBuffer;

export interface ImageOptions {
  /** Which image of a file that holds several, from 0. */
  image?: number;
}

/** How to segment. What is not given is as Cellpose has it. */
export interface SegmentOptions extends ImageOptions {
  /**
   * Mean diameter of the cells in pixels. Where not given, or `"auto"`, it is estimated with the size model: the network
   * runs three times, for the style, for first masks and for those that count. Without a size model it is the network's
   * own where not given, and `"auto"` is refused.
   */
  diameter?: number | "auto";
  /** The channel to segment, from 1; 0 is the mean of all. */
  chan?: number;
  /** The channel of the nuclei, from 1; 0 is none. */
  chan2?: number;
  /** The network sees the image's first channels in their order, whatever `chan` and `chan2` say. */
  allChannels?: boolean;
  /** `false` takes intensities as they are. */
  normalize?: boolean;
  /** The percentiles of each channel that become 0 and 1. `[1, 99]` where not given. */
  normPercentile?: [low: number, high: number];
  /** The intensities that become 0 and 1, instead of percentiles; or such a pair for each channel the network sees. */
  normRange?: [low: number, high: number] | [low: number, high: number][];
  /** Dark cells on a bright ground. */
  invert?: boolean;
  /** Radius in pixels of a Gaussian surround that is subtracted first. 0 (where not given) is off. */
  sharpenRadius?: number;
  /** Radius in pixels of a Gaussian that smooths first. 0 (where not given) is off. */
  smoothRadius?: number;
  /** Side in pixels of tiles that have percentiles of their own, larger than a cell. 0 (where not given) is off. */
  tileNormBlocksize?: number;
  /** How far percentiles of such tiles are smoothed, in tiles. 1 where not given. */
  tileNormSmooth3d?: number;
  /** Masks whose flows differ from the network's by more are dropped; 0 keeps all. 0.4 where not given. */
  flowThreshold?: number;
  /** Pixels whose cell probability (a logit) is above this take part. 0 where not given; lower finds more. */
  cellprobThreshold?: number;
  /** Masks of fewer pixels are dropped. 15 where not given. */
  minSize?: number;
  /** Masks that cover more than this fraction of the image are dropped. 0.4 where not given. */
  maxSizeFraction?: number;
  /** Steps of the integration. 200, scaled by the resize, where not given. */
  niter?: number;
  /** Interpolate flows between pixels. On where not given. */
  interp?: boolean;
  /** Side of a tile in pixels, a multiple of 16. 224 where not given. */
  bsize?: number;
  /** Overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5. 0.1 where not given. */
  tileOverlap?: number;
  /** Tiles that go through the network at once; on the CPU, that are with the workers or wait for one. */
  batchSize?: number;
  /** Run the dynamics at the image's own size. On where not given. */
  resample?: boolean;
  /** Tiles overlap by half and are flipped in turn. */
  augment?: boolean;
  onProgress?: (progress: SegmentProgress) => void;
  signal?: AbortSignal;
}

/** The cells of one image. */
export interface Segmentation {
  /** Row by row: 0 is background, 1 to `count` are the cells. */
  masks: Uint32Array;
  count: number;
  width: number;
  height: number;
  /** Pixels of each cell, cell 1 first. */
  areas: Uint32Array;
  /** The diameter that was used, in pixels. */
  diameter: number;
  /** Milliseconds spent in each stage, and in `total`. */
  timings: Record<string, number>;
  /** What it ran on, for people to read. */
  device: string;
}

export interface PreviewOptions extends ImageOptions {
  /** A channel in grey, from 1; 0 (where not given) shows the first three as red, green and blue. */
  channel?: number;
  signal?: AbortSignal;
}

/** An image to look at. */
export interface Preview {
  /** A PNG, each channel stretched between its 1st and 99th percentile. */
  png: Blob;
  width: number;
  height: number;
  channels: number;
  /** Images that the file holds. */
  images: number;
}

/** What a network runs on. */
export interface Adapter {
  backend: "webgpu" | "cpu";
  /** For people to read. */
  name: string;
  /** A WebGPU adapter that is a program on the processor. */
  software: boolean;
  /** What activations are stored in. */
  precision: Precision;
  /** Workers that tiles are spread over; 0 on WebGPU. */
  workers: number;
}

/** A model that was kept. */
export interface CachedModel {
  url: string;
  sha256: string;
  /** In bytes. */
  size: number;
  stored: Date;
}
