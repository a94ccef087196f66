/** What can go wrong, told apart by `code`. */

/**
 * - `download`: the model could not be fetched, or came short
 * - `too-large`: the model file is over `maxBytes`
 * - `hash`: the model file has not the SHA-256 that was demanded
 * - `model`: the file holds no Cellpose network that can be read
 * - `image`: the image cannot be read or segmented
 * - `option`: an option is out of range or unknown
 * - `no-webgpu`: `webgpu` was asked for and there is none
 * - `device-lost`: the GPU went away; the next call opens it anew
 * - `out-of-memory`: the GPU has too little memory
 * - `crashed`: a worker ended unexpectedly; the next call starts it anew
 * - `disposed`: `dispose` was called
 *
 * What an `AbortSignal` stops is rejected with the signal's reason.
 */
export type ErrorCode =
  | "download"
  | "too-large"
  | "hash"
  | "model"
  | "image"
  | "option"
  | "no-webgpu"
  | "device-lost"
  | "out-of-memory"
  | "crashed"
  | "disposed";

export class CytoshadeError extends Error {
  override readonly name = "CytoshadeError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** An error on its way between workers, which would strip it of its code. */
export interface Failure {
  code: ErrorCode;
  message: string;
}

/** What was thrown: an error of ours, one of the wasm module's with its code, or a crash. */
export function failure(thrown: unknown): Failure {
  const { code, message } = (thrown ?? {}) as Partial<Failure>;
  return typeof code === "string"
    ? { code, message: String(message) }
    : { code: "crashed", message: `a worker ended unexpectedly: ${message ?? thrown}` };
}
