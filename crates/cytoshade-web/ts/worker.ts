/** Workers: this very file once more, under a name that says what it shall be. */

import { CytoshadeError, failure, type Failure } from "./errors.js";

export const ENGINE = "cytoshade-engine";
export const TILES = "cytoshade-tiles";

/** The scope of a worker, of which TypeScript's library for pages knows nothing. */
export interface WorkerScope {
  name: string;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** Bundlers know this form, and make a worker of the file. */
export function startWorker(name: string): Worker {
  return new Worker(new URL("./cytoshade.js", import.meta.url), { type: "module", name });
}

/** A value, with what of it shall move rather than be copied. */
export class Moved<T> {
  constructor(
    readonly value: T,
    readonly transfer: Transferable[],
  ) {}
}

/** Answers calls: `[id, name, argument]` in, `{ id, value }` or `{ id, failure }` out, `{ id, progress }` on the way. */
export type Handlers = Record<string, (argument: any, progress: (progress: unknown) => void) => unknown>;

export function answer(handlers: Handlers): void {
  const scope = self as unknown as WorkerScope;
  scope.onmessage = async ({ data: [id, name, argument] }) => {
    try {
      const result = await handlers[name]!(argument, (progress) => scope.postMessage({ id, progress }));
      const { value, transfer } = result instanceof Moved ? result : { value: result, transfer: [] };
      scope.postMessage({ id, value }, transfer);
    } catch (thrown) {
      scope.postMessage({ id, failure: failure(thrown) });
    }
  };
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  progress?: (progress: never) => void;
}

/** The other end of {@link answer}. */
export class Remote {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  /** Why nothing more will come. */
  #closed?: CytoshadeError;

  constructor(name: string) {
    this.#worker = startWorker(name);
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    // A worker that does not start, or whatever was thrown where no call could catch it.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const what = event.message || "it did not start: are the package's files on the page's own origin?";
      this.close(new CytoshadeError("crashed", `a worker ended unexpectedly: ${what}`));
    };
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Calls a handler. What is in `transfer` moves to the worker. */
  call<T>(name: string, argument: unknown, transfer: Transferable[] = [], progress?: (progress: never) => void) {
    const id = this.#next++;
    const answered = new Promise<unknown>((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      this.#waiting.set(id, { resolve, reject, progress });
      this.#worker.postMessage([id, name, argument], transfer);
    });
    return answered as Promise<T>;
  }

  #hear({ id, value, failure, progress }: { id: number; value?: unknown; failure?: Failure; progress?: never }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (progress !== undefined) return waiting.progress?.(progress);
    this.#waiting.delete(id);
    if (failure) waiting.reject(new CytoshadeError(failure.code, failure.message));
    else waiting.resolve(value);
  }

  /** Ends the worker, whatever it is doing, and all calls with it. */
  close(reason: CytoshadeError): void {
    this.#closed ??= reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
