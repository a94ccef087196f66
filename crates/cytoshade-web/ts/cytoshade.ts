/** The public API of the package. */

import * as cache from "./cache.js";
import type { Encoding, Input, Job, Opened, DeviceOptions } from "./engine.js";
import { CytoshadeError } from "./errors.js";
import { only, sha256, whole, word } from "./options.js";
import type {
  Adapter,
  CachedModel,
  ImageOptions,
  ImageSource,
  LoadOptions,
  ModelSource,
  Preview,
  PreviewOptions,
  Segmentation,
  SegmentOptions,
} from "./types.js";
import { ENGINE, Remote } from "./worker.js";

/** Time in which the engine must stop after an abort, in milliseconds; then it is terminated. */
const GRACE = 50;
const MAX_BYTES = 256 * 2 ** 20;
/** Default maximum and absolute maximum of workers; each holds the network and a tile. */
const MAX_WORKERS = 8;
const MOST_WORKERS = 64;
/** Maximum of integers passed to wasm, which have 32 bits. */
const MOST = 2 ** 32 - 1;

const LOAD_OPTIONS = [
  "sha256",
  "sizeModel",
  "sizeModelSha256",
  "maxBytes",
  "deadline",
  "cache",
  "backend",
  "precision",
  "workers",
  "onProgress",
  "signal",
];
const PREVIEW_OPTIONS = ["image", "channel", "signal"];

/** A Cellpose network in its own workers. The page's thread only passes messages. */
export class Cytoshade {
  readonly #deviceOptions: DeviceOptions;
  #engine?: Remote;
  #opened?: Opened;
  #disposed = false;
  /** Resolves when the previous call has ended: calls run one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(deviceOptions: DeviceOptions) {
    this.#deviceOptions = deviceOptions;
  }

  /** Loads a model, from the cache if possible, and prepares it on a GPU or the CPU. */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<Cytoshade> {
    only(LOAD_OPTIONS, options, "fromPretrained");
    const { sizeModel, maxBytes = MAX_BYTES, cache = true, backend = "auto", precision = "f32" } = options;
    const { workers = Math.min(navigator.hardwareConcurrency || 1, MAX_WORKERS) } = options;
    const made = new Cytoshade({
      source: file(source),
      sha256: sha256("sha256", options.sha256),
      sizeModel: sizeModel === undefined ? undefined : file(sizeModel),
      sizeModelSha256: sha256("sizeModelSha256", options.sizeModelSha256),
      maxBytes: whole("maxBytes", maxBytes, 1),
      deadline: options.deadline === undefined ? undefined : whole("deadline", options.deadline, 1),
      cache,
      backend: word("backend", backend, ["auto", "webgpu", "cpu"]),
      precision: word("precision", precision, ["f32", "f16"]),
      workers: whole("workers", workers, 1, MOST_WORKERS),
    });
    await made.#run(options.signal, async () => {}, options.onProgress);
    return made;
  }

  /** Segments an image. Further calls wait until this one ends. */
  async segment(image: ImageSource, options: SegmentOptions = {}): Promise<Segmentation> {
    const { signal, onProgress, image: index, ...rest } = options;
    const job: Job = { input: input(image, { image: index }), options: rest };
    return this.#run(signal, (engine) => engine.call<Segmentation>("segment", job, [], onProgress));
  }

  /** A PNG of an image for display: browsers do not decode TIFF files and 16-bit images themselves. */
  async preview(image: ImageSource, options: PreviewOptions = {}): Promise<Preview> {
    only(PREVIEW_OPTIONS, options, "preview");
    const { signal } = options;
    const channel = whole("channel", options.channel ?? 0, 0, MOST);
    return this.#run(signal, (engine) => engine.call<Preview>("preview", { input: input(image, options), channel }));
  }

  /** Encodes masks as a file of one of the {@link kinds}. */
  async encode(found: Pick<Segmentation, "masks" | "width" | "height">, kind: string): Promise<Blob> {
    const { masks, width, height } = found;
    const encoding: Encoding = { masks, width, height, kind };
    return this.#run(undefined, (engine) => engine.call<Blob>("encode", encoding));
  }

  /** The file formats of {@link encode}: `png` (16 bit), `tiff`, ... */
  get kinds(): readonly string[] {
    return this.#opened?.kinds ?? [];
  }

  /** Mean diameter of the network's training images in pixels: the default of `segment` without a size model. */
  get diameter(): number {
    return this.#opened?.diameter ?? Number.NaN;
  }

  /** The device that runs the network. */
  describeAdapter(): Adapter {
    if (this.#disposed || !this.#opened) throw disposed();
    return this.#opened.adapter;
  }

  /** Terminates the workers and frees all memory. Pending calls are rejected. */
  dispose(): void {
    this.#disposed = true;
    this.#engine?.close(disposed());
  }

  /** Deletes the cached model of a URL. */
  static clearCachedModel(url: string | URL): Promise<void> {
    return cache.remove(absolute(url));
  }

  /** The cached models. */
  static listCachedModels(): Promise<CachedModel[]> {
    return cache.list();
  }

  /** Runs `work` after the previous calls; rejects when `signal` aborts. */
  async #run<T>(
    signal: AbortSignal | undefined,
    work: (engine: Remote) => Promise<T>,
    onProgress?: LoadOptions["onProgress"],
  ): Promise<T> {
    const running = this.#turn.then(async () => {
      signal?.throwIfAborted();
      if (this.#disposed) throw disposed();
      return work(await this.#open(onProgress));
    });
    this.#turn = this.#turn.then(() => this.#settle(running, signal));
    return until(running, signal);
  }

  /** Waits for a call to end. Cancels an aborted call, and closes an engine that failed or does not stop in time. */
  async #settle(running: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    const settled = running.then(
      () => {},
      (error) => {
        if (error?.code === "device-lost" || error?.code === "crashed") this.#engine?.close(error);
      },
    );
    await until(settled, signal).catch(async () => {
      this.#engine?.call("cancel", undefined).catch(() => {});
      const late = new Promise<boolean>((resolve) => setTimeout(resolve, GRACE, true));
      // A stage on the CPU cannot be cancelled, so the engine is terminated. The next call starts a new one.
      if (await Promise.race([settled, late])) {
        this.#engine?.close(new CytoshadeError("crashed", "the engine was ended"));
      }
    });
  }

  /** The engine; starts a new one if none is running. */
  async #open(onProgress?: LoadOptions["onProgress"]): Promise<Remote> {
    if (this.#engine && !this.#engine.closed) return this.#engine;
    const engine = new Remote(ENGINE);
    this.#engine = engine;
    // A new engine reuses the bytes of the first load.
    const source = this.#opened?.model ?? this.#deviceOptions.source;
    const sizeModel = this.#opened?.sizeModel ?? this.#deviceOptions.sizeModel;
    try {
      const deviceOptions: DeviceOptions = { ...this.#deviceOptions, source, sizeModel };
      const opened = engine.call<Opened>("open", deviceOptions, [], onProgress);
      compiled().then((module) => engine.call("module", module)).catch((error) => engine.close(error));
      this.#opened = await opened;
    } catch (error) {
      engine.close(error as CytoshadeError);
      throw error;
    }
    return engine;
  }
}

/** The compiled wasm module, shared by all workers. */
let module: Promise<WebAssembly.Module> | undefined;
function compiled(): Promise<WebAssembly.Module> {
  module ??= compile(new URL("./cytoshade.wasm", import.meta.url)).catch((error) => {
    module = undefined;
    throw new CytoshadeError("download", `cytoshade.wasm cannot be loaded: ${error.message}`);
  });
  return module;
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  // Streaming requires a content type that some servers do not send.
  return response.headers.get("content-type")?.startsWith("application/wasm")
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** Settles with `work`, or rejects with the signal's reason if it aborts first. */
function until<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function disposed(): CytoshadeError {
  return new CytoshadeError("disposed", "dispose() was called; load the model again");
}

function absolute(url: string | URL): string {
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
}

function file(source: ModelSource): string | Blob {
  if (typeof source === "string" || source instanceof URL) return absolute(source);
  return source instanceof Blob ? source : new Blob([source as ArrayBuffer]);
}

/** Converts an image to the engine's input. */
function input(image: ImageSource, { image: index = 0 }: ImageOptions): Input {
  if (image instanceof Blob || image instanceof ArrayBuffer) return { file: image, image: whole("image", index, 0, MOST) };
  const { data, width, height } = image;
  if (typeof ImageData !== "undefined" && image instanceof ImageData && data instanceof Uint8ClampedArray) {
    return { rgba: data, width, height };
  }
  const { channels = 1, layout = "planar" } = image as { channels?: number; layout?: string };
  return { values: data as never, width, height, channels, interleaved: layout === "interleaved" };
}
