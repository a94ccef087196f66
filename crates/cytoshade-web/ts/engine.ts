/** The engine's worker: loads the model, opens the device and segments images. */

import * as cache from "./cache.js";
import { download } from "./download.js";
import { CytoshadeError } from "./errors.js";
import { PUBLISHED } from "./published.js";
import { TileWorkers } from "./tiles.js";
import type { Adapter, Backend, LoadProgress, Precision, Preview, Segmentation, SegmentProgress, Samples } from "./types.js";
import { Engine, Picture, encode, initSync, kinds, sha256 as hash } from "./wasm/cytoshade_web.js";
import { Moved, answer } from "./worker.js";

/** The options of opening an engine. */
export interface DeviceOptions {
  source: string | Blob;
  sha256?: string;
  sizeModel?: string | Blob;
  sizeModelSha256?: string;
  maxBytes: number;
  /** In seconds. */
  deadline?: number;
  cache: boolean;
  backend: Backend;
  precision: Precision;
  workers: number;
}

/** The result of opening. The models' bytes allow another engine to open without a download. */
export interface Opened {
  adapter: Adapter;
  model: Blob;
  sizeModel?: Blob;
  kinds: string[];
  /** Mean diameter of the network's training images, in pixels. */
  diameter: number;
}

/** An image for the engine. */
export type Input =
  | { file: Blob | ArrayBuffer; image: number }
  | { rgba: Uint8ClampedArray; width: number; height: number }
  | { values: Samples; width: number; height: number; channels: number; interleaved: boolean };

export interface Job {
  input: Input;
  options: Record<string, unknown>;
}

export interface Encoding {
  masks: Uint32Array;
  width: number;
  height: number;
  kind: string;
}

export function serveEngine(): void {
  let engine: Engine | undefined;
  let tiles: TileWorkers | undefined;
  let give: (module: WebAssembly.Module) => void;
  const module = new Promise<WebAssembly.Module>((resolve) => (give = resolve));
  const wasm = module.then((module) => void initSync({ module }));

  const opened = () => {
    if (!engine) throw new CytoshadeError("crashed", "the engine is not open");
    return engine;
  };

  answer({
    /** Receives the compiled wasm module. It arrives after `open` so that downloads start before it is compiled. */
    module: (module: WebAssembly.Module) => give(module),

    async open(deviceOptions: DeviceOptions, progress: (progress: LoadProgress) => void): Promise<Opened> {
      const file = modelFile(deviceOptions, progress, wasm);
      const sizeFile = sizeModelFile(deviceOptions, wasm);
      tiles = new TileWorkers(module, deviceOptions.workers);
      // If the workers are certainly needed, they start while the model downloads.
      if (deviceOptions.backend === "cpu" || (deviceOptions.backend === "auto" && !("gpu" in navigator))) tiles.start(file);
      const [model, sizeModel] = await Promise.all([file, sizeFile, wasm]);
      progress({ stage: "prepare", done: 0, total: 1 });
      const [bytes, sizeBytes] = [new Uint8Array(model), sizeModel && new Uint8Array(sizeModel)];
      engine = await Engine.open(bytes, sizeBytes, deviceOptions.backend, deviceOptions.precision, tiles.call, tiles.count);
      const adapter: Adapter = {
        backend: engine.backend as Adapter["backend"],
        name: engine.device,
        software: engine.software,
        precision: engine.precision as Precision,
        workers: engine.backend === "cpu" ? tiles.count : 0,
        refused: engine.refused,
      };
      if (adapter.backend === "cpu") tiles.start(file);
      progress({ stage: "prepare", done: 1, total: 1 });
      // The page can pass blobs to another engine without copying them on its thread.
      const blob = (bytes: ArrayBuffer) => new Blob([bytes]);
      const kept = { model: blob(model), sizeModel: sizeModel && blob(sizeModel) };
      return { adapter, ...kept, kinds: kinds(), diameter: engine.diameter };
    },

    async segment({ input, options }: Job, progress: (progress: SegmentProgress) => void) {
      const engine = opened();
      const picture = await read(input);
      const batchSize = tilesAtOnce(engine, tiles);
      const report = (stage: string, done: number, total: number) => progress({ stage, done, total });
      try {
        const found = await engine.segment(picture, { batchSize, ...options }, report);
        const { masks, areas, count, width, height, diameter } = found;
        const timings = found.timings as Segmentation["timings"];
        found.free();
        const value: Segmentation = { masks, count, width, height, areas, diameter, timings, device: engine.device };
        return new Moved(value, [masks.buffer as ArrayBuffer, areas.buffer as ArrayBuffer]);
      } finally {
        tiles?.clear();
        picture.free();
      }
    },

    /** Cancels the current segmentation, whose own call then rejects. */
    cancel: () => engine?.cancel(),

    async preview({ input, channel }: { input: Input; channel: number }): Promise<Preview> {
      const picture = await read(input);
      try {
        const png = new Blob([picture.preview(channel) as Uint8Array<ArrayBuffer>], { type: "image/png" });
        const { width, height, channels, images } = picture;
        return { png, width, height, channels, images };
      } finally {
        picture.free();
      }
    },

    encode: ({ masks, width, height, kind }: Encoding) =>
      new Blob([encode(masks, height, width, kind) as Uint8Array<ArrayBuffer>]),
  });
}

/** Tiles per batch; `undefined` leaves it to the library. */
function tilesAtOnce(engine: Engine, tiles: TileWorkers | undefined): number | undefined {
  // Each worker has one tile running and one waiting.
  if (engine.backend === "cpu" && tiles) return 2 * tiles.count;
  // A submitted batch cannot be cancelled, and software adapters are slow.
  return engine.software ? 1 : undefined;
}

async function read(input: Input): Promise<Picture> {
  if ("file" in input) {
    const file = input.file instanceof Blob ? await input.file.arrayBuffer() : input.file;
    return Picture.fromFile(new Uint8Array(file), input.image);
  }
  const { width, height } = input;
  if ("rgba" in input) {
    const { buffer, byteOffset, length } = input.rgba;
    return Picture.fromRgba(new Uint8Array(buffer, byteOffset, length), height, width);
  }
  return Picture.fromArray(input.values, input.channels, height, width, input.interleaved);
}

/** The bytes of the size model, if one is given. It is small, so its progress is not reported. */
async function sizeModelFile({ sizeModel, sizeModelSha256, ...rest }: DeviceOptions, wasm: Promise<void>) {
  if (sizeModel === undefined) return undefined;
  return modelFile({ ...rest, source: sizeModel, sha256: sizeModelSha256 }, () => {}, wasm);
}

/** The bytes of a model, from the cache or downloaded and cached. They have the required or published hash. */
async function modelFile(
  { source, sha256: demanded, maxBytes, deadline, cache: mayKeep }: DeviceOptions,
  progress: (progress: LoadProgress) => void,
  wasm: Promise<void>,
): Promise<ArrayBuffer> {
  const sha256Of = (model: ArrayBuffer) => hashOf(model, wasm);
  const sha256 = demanded ?? publishedHash(source);
  if (typeof source !== "string") {
    if (source.size > maxBytes) {
      const message = `the model has ${source.size} bytes, over the limit of ${maxBytes} (maxBytes)`;
      throw new CytoshadeError("too-large", message);
    }
    const model = await source.arrayBuffer();
    check(await sha256Of(model), sha256);
    return model;
  }
  const kept = mayKeep ? await cache.find(source, sha256, sha256Of) : undefined;
  if (kept && kept.byteLength <= maxBytes) return kept;
  const model = await download(source, { maxBytes, deadline }, progress);
  const found = check(await sha256Of(model), sha256);
  if (mayKeep) await cache.keep(source, found, model);
  return model;
}

/** The SHA-256 of bytes; uses the browser's faster implementation if the page is a secure context. */
async function hashOf(bytes: ArrayBuffer, wasm: Promise<void>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    await wasm;
    return hash(new Uint8Array(bytes));
  }
  return cache.hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** The published hash if the URL's file name is that of a published model. */
function publishedHash(source: string | Blob): string | undefined {
  if (typeof source !== "string") return undefined;
  const name = new URL(source).pathname.split("/").pop() ?? "";
  return Object.hasOwn(PUBLISHED, name) ? PUBLISHED[name] : undefined;
}

/** Returns the hash; throws if it is not the required one. */
function check(found: string, sha256: string | undefined): string {
  if (sha256 !== undefined && found !== sha256) {
    throw new CytoshadeError(
      "hash",
      `the model's SHA-256 is ${found}, expected ${sha256}; the file is damaged or a different one`,
    );
  }
  return found;
}
