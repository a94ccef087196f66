/**
 * Parallel work on the CPU, distributed over workers: the network on tiles, and the integration of pixels along the flows.
 * Tiles and pixels are independent, so messages suffice and no memory is shared.
 */

import { Moved, Remote, TILES, answer } from "./worker.js";
import { CytoshadeError } from "./errors.js";
import { TileNetwork, followFlows, initSync, warmUp } from "./wasm/cytoshade_web.js";

type Answer = [Float32Array, Float32Array];
type Tile = Parameters<TileNetwork["run"]>;
type Pixels = Parameters<typeof followFlows>;

/** The workers; created when they are needed. */
export class TileWorkers {
  readonly #idle: Remote[] = [];
  readonly #queue: ((worker: Remote) => void)[] = [];
  #started = false;

  constructor(
    private readonly module: Promise<WebAssembly.Module>,
    readonly count: number,
  ) {}

  /** Starts the workers. Each receives the module and the model as soon as they are available. */
  start(model: Promise<ArrayBuffer>): void {
    if (this.#started) return;
    this.#started = true;
    for (let at = 0; at < this.count; at++) {
      const worker = new Remote(TILES);
      // A worker that cannot start fails on its first tile.
      this.#open(worker, model, at === 0).catch(() => {}).then(() => this.#free(worker));
    }
  }

  async #open(worker: Remote, model: Promise<ArrayBuffer>, warm: boolean): Promise<void> {
    // One worker warms up, since the browser shares optimized code between workers. The model is sent without waiting for
    // its answer, which a busy engine would receive late.
    const started = worker.call("start", { module: await this.module, warm });
    const bytes = (await model).slice(0);
    await Promise.all([started, worker.call("open", bytes, [bytes])]);
  }

  /** Calls a function of the first free worker. Transfers the arrays among its arguments. */
  call = async (name: "run" | "followFlows", given: Tile | Pixels): Promise<Answer> => {
    const worker = this.#idle.pop() ?? (await new Promise<Remote>((resolve) => this.#queue.push(resolve)));
    try {
      return await worker.call<Answer>(name, given, buffers(given));
    } finally {
      this.#free(worker);
    }
  };

  /** Drops calls that no worker has started. */
  clear(): void {
    this.#queue.length = 0;
  }

  #free(worker: Remote): void {
    const next = this.#queue.shift();
    if (next) next(worker);
    else this.#idle.push(worker);
  }
}

/** Handles the calls of one worker. */
export function serveTiles(): void {
  let network: TileNetwork | undefined;
  answer({
    start({ module, warm }: { module: WebAssembly.Module; warm: boolean }) {
      initSync({ module });
      if (warm) warmUp();
    },
    open(model: ArrayBuffer) {
      network = new TileNetwork(new Uint8Array(model));
    },
    run(tile: Tile) {
      if (!network) throw new CytoshadeError("crashed", "the network could not be read");
      return moved(network.run(...tile) as Answer);
    },
    followFlows: (pixels: Pixels) => moved(followFlows(...pixels) as Answer),
  });
}

const moved = (result: Answer) => new Moved(result, buffers(result));

const buffers = (values: readonly unknown[]) =>
  values.filter((value) => ArrayBuffer.isView(value)).map(({ buffer }) => buffer as ArrayBuffer);
