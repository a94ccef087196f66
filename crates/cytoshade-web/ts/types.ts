/** What the package takes and gives. */

/** `auto` takes WebGPU on a true GPU, else the CPU; `webgpu` takes a software adapter too, which is for tests. */
export type Backend = "auto" | "webgpu" | "cpu";

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
  /** The SHA-256 that the file must have, 64 hexadecimal digits. Checked before the file is parsed or kept. */
  sha256?: string;
  /** Refuses a larger file. 256 MiB where not given; the published networks have 26 MB. */
  maxBytes?: number;
  /** Keep a downloaded file for the next time. On where not given. */
  cache?: boolean;
  backend?: Backend;
  /**
   * Workers that tiles are spread over where the CPU does the work. As many as there are processors, at most 8, where
   * not given.
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
  /** Mean diameter of the cells in pixels; the model's own where not given. */
  diameter?: number;
  /** The channel to segment, from 1; 0 is the mean of all. */
  chan?: number;
  /** The channel of the nuclei, from 1; 0 is none. */
  chan2?: number;
  /** Masks whose flows differ from the network's by more are dropped; 0 keeps all. 0.4 where not given. */
  flowThreshold?: number;
  /** Pixels whose cell probability (a logit) is above this take part. 0 where not given; lower finds more. */
  cellprobThreshold?: number;
  /** Masks of fewer pixels are dropped. 15 where not given. */
  minSize?: number;
  /** Steps of the integration. */
  niter?: number;
  /** Tiles that go through the network at once. */
  batchSize?: number;
  /** Run the dynamics at the image's own size. On where not given. */
  resample?: boolean;
  /** Tiles overlap by half and are flipped in turn. */
  augment?: boolean;
  /** Dark cells on a bright ground. */
  invert?: boolean;
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
