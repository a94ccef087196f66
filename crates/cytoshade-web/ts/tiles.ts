/**
 * What takes longest on the CPU, spread over workers: tiles through the network, pixels along the flows. Neither needs to know
 * of others, so messages are enough.
 */

import { Moved, Remote, TILES, answer } from "./worker.js";
import { CytoshadeError } from "./errors.js";
import { TileNetwork, followFlows, initSync, warmUp } from "./wasm/cytoshade_web.js";

type Answer = [Float32Array, Float32Array];
type Tile = Parameters<TileNetwork["run"]>;
type Pixels = Parameters<typeof followFlows>;

/** The workers, made when it is known that they are needed. */
export class TileWorkers {
  readonly #idle: Remote[] = [];
  readonly #queue: ((worker: Remote) => void)[] = [];
  #started = false;

  constructor(
    private readonly module: Promise<WebAssembly.Module>,
    readonly count: number,
  ) {}

  /** Makes the workers, each of which takes the module and the model as they come, while others do something else. */
  start(model: Promise<ArrayBuffer>): void {
    if (this.#started) return;
    this.#started = true;
    for (let at = 0; at < this.count; at++) {
      const worker = new Remote(TILES);
      // A worker that cannot start says so with the first tile that it gets.
      this.#open(worker, model, at === 0).catch(() => {}).then(() => this.#free(worker));
    }
  }

  async #open(worker: Remote, model: Promise<ArrayBuffer>, warm: boolean): Promise<void> {
    // What the browser compiles for one is there for all. Its answer is not waited for: the engine may be at work on an image
    // by then, and hear of it only when it has come to the network.
    const started = worker.call("start", { module: await this.module, warm });
    const bytes = (await model).slice(0);
    await Promise.all([started, worker.call("open", bytes, [bytes])]);
  }

  /** Has the first worker that is free do something. Arrays among its arguments move there. */
  call = async (what: "run" | "followFlows", given: Tile | Pixels): Promise<Answer> => {
    const worker = this.#idle.pop() ?? (await new Promise<Remote>((resolve) => this.#queue.push(resolve)));
    try {
      return await worker.call<Answer>(what, given, buffers(given));
    } finally {
      this.#free(worker);
    }
  };

  /** Forgets what no worker has begun with. */
  clear(): void {
    this.#queue.length = 0;
  }

  #free(worker: Remote): void {
    const next = this.#queue.shift();
    if (next) next(worker);
    else this.#idle.push(worker);
  }
}

/** What one of the workers does. */
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
