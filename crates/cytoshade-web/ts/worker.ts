/** Workers. They run the package's own file, and their name selects their role. */

import { CytoshadeError, failure, type Failure } from "./errors.js";

export const ENGINE = "cytoshade-engine";
export const TILES = "cytoshade-tiles";

/** The global scope of a worker, which TypeScript's DOM library does not declare. */
export interface WorkerScope {
  name: string;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** Starts a worker. Bundlers recognize this form and emit the file as a worker. */
export function startWorker(name: string): Worker {
  return new Worker(new URL("./cytoshade.js", import.meta.url), { type: "module", name });
}

/** A value and its buffers that are transferred instead of copied. */
export class Moved<T> {
  constructor(
    readonly value: T,
    readonly transfer: Transferable[],
  ) {}
}

/** Handlers of calls. Messages are `[id, name, argument]` in; `{ id, progress }`, `{ id, value }` or `{ id, failure }` out. */
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

/** Calls the handlers of a worker that runs {@link answer}. */
export class Remote {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  /** The reason if the worker is closed. */
  #closed?: CytoshadeError;

  constructor(name: string) {
    this.#worker = startWorker(name);
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    // The worker did not start, or threw outside of a call.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message || "it did not start: are the package's files on the page's own origin?";
      this.close(new CytoshadeError("crashed", `a worker ended unexpectedly: ${reason}`));
    };
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Calls a handler. Moves the objects in `transfer` to the worker. */
  call<T>(name: string, argument: unknown, transfer: Transferable[] = [], progress?: (progress: never) => void) {
    const id = this.#next++;
    const answered = new Promise<unknown>((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      this.#waiting.set(id, { resolve, reject, progress });
      this.#worker.postMessage([id, name, argument], transfer);
    });
    return answered as Promise<T>;
  }

  #receive({ id, value, failure, progress }: { id: number; value?: unknown; failure?: Failure; progress?: never }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (progress !== undefined) return waiting.progress?.(progress);
    this.#waiting.delete(id);
    if (failure) waiting.reject(new CytoshadeError(failure.code, failure.message));
    else waiting.resolve(value);
  }

  /** Terminates the worker at once and rejects all pending calls. */
  close(reason: CytoshadeError): void {
    this.#closed ??= reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
