/** Downloads model files. */

import { CytoshadeError } from "./errors.js";
import type { LoadProgress } from "./types.js";

/** Seconds that a download may take in addition to the time of the file at {@link FLOOR}. */
const GRACE = 120;
/** Minimum average speed of a download, in bytes per second. */
const FLOOR = 16_384;
/** Minimum number of bytes in {@link STALL} seconds; a slower download counts as stalled. */
const STALL_BYTES = 4096;
const STALL = 30;

/** Downloads a file of at most `maxBytes` within `deadline` seconds, or the default time if undefined. */
export async function download(
  url: string,
  { maxBytes, deadline }: { maxBytes: number; deadline?: number },
  progress: (progress: LoadProgress) => void,
): Promise<ArrayBuffer> {
  const name = shown(url);
  const clock = new Clock(name);
  try {
    clock.end(deadline ?? GRACE + maxBytes / FLOOR);
    const response = await clock.wait(fetch(url, { signal: clock.signal }), `${name} cannot be fetched`, url);
    if (!response.ok || !response.body) {
      throw new CytoshadeError("download", `${name} cannot be fetched: the server answered ${response.status}`);
    }
    const total = stated(response);
    check(total ?? 0, maxBytes, name);
    clock.end(deadline ?? GRACE + (total ?? maxBytes) / FLOOR);

    // The stated length may be missing or wrong. Allocating it in full is cheap: the system commits memory on first write.
    let bytes = new Uint8Array(total ?? 0);
    let done = 0;
    progress({ stage: "download", done, total });
    const reader = response.body.getReader();
    for (;;) {
      const { value } = await clock.wait(reader.read(), `${name} ended after ${done} bytes`, url);
      if (!value) break;
      check(done + value.length, maxBytes, name);
      if (done + value.length > bytes.length) bytes = grown(bytes, Math.max(2 * bytes.length, done + value.length));
      bytes.set(value, done);
      done += value.length;
      clock.arrived(value.length);
      progress({ stage: "download", done, total });
    }
    if (total !== undefined && done !== total) {
      throw new CytoshadeError("download", `${name} ended after ${done} of ${total} bytes; load it again`);
    }
    return (done === bytes.length ? bytes : bytes.slice(0, done)).buffer;
  } finally {
    clock.stop();
  }
}

/** Aborts a download that stalls or exceeds its deadline. */
class Clock {
  readonly #abort = new AbortController();
  readonly #started = performance.now();
  #deadline?: number;
  #stall?: number;
  #since = 0;

  constructor(private readonly name: string) {
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Sets the deadline, in seconds since the start. */
  end(seconds: number): void {
    clearTimeout(this.#deadline);
    const left = 1000 * seconds - (performance.now() - this.#started);
    const message = `${this.name} did not arrive in ${Math.round(seconds)} seconds; load it again, or allow more (deadline)`;
    // Timers hold 31 bits of milliseconds.
    this.#deadline = setTimeout(() => this.#give(message), Math.min(Math.max(left, 0), 2 ** 31 - 1));
  }

  /** Counts received bytes. */
  arrived(bytes: number): void {
    this.#since += bytes;
    if (this.#since >= STALL_BYTES) this.#arm();
  }

  /** Waits for a step. Failures become a `CytoshadeError` that starts with `failed`. */
  async wait<T>(step: Promise<T>, failed: string, url: string): Promise<T> {
    try {
      return await step;
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      // The browser's message may contain the URL with its query.
      const message = String((error as Error)?.message ?? error).replaceAll(url, this.name);
      throw new CytoshadeError("download", `${failed}: ${message}; load it again`);
    }
  }

  stop(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#stall);
    this.#abort.abort();
  }

  #arm(): void {
    clearTimeout(this.#stall);
    this.#since = 0;
    const message = `fewer than ${STALL_BYTES} bytes of ${this.name} arrived in ${STALL} seconds; load it again`;
    this.#stall = setTimeout(() => this.#give(message), 1000 * STALL);
  }

  #give(message: string): void {
    this.#abort.abort(new CytoshadeError("download", message));
  }
}

/** A URL for messages: without credentials and query, which may hold secrets. */
export function shown(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`.slice(0, 200);
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}

/** The stated length of the file; `undefined` for compressed responses, whose length differs. */
function stated({ headers }: Response): number | undefined {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && !headers.has("content-encoding") ? Number(length) : undefined;
}

function check(bytes: number, maxBytes: number, name: string): void {
  if (bytes > maxBytes) {
    throw new CytoshadeError("too-large", `${name} has ${bytes} bytes or more, over the limit of ${maxBytes} (maxBytes)`);
  }
}
