/** The errors of the package, distinguished by `code`. */

/**
 * - `download`: the model could not be downloaded in full
 * - `too-large`: the model file is larger than `maxBytes`
 * - `hash`: the model file does not have the required SHA-256
 * - `model`: the file is not a readable Cellpose network
 * - `image`: the image cannot be read or segmented
 * - `option`: an option is out of range or unknown
 * - `no-webgpu`: `webgpu` was requested, but is not available
 * - `device-lost`: the GPU was lost; the next call opens it again
 * - `out-of-memory`: the GPU has too little memory
 * - `crashed`: a worker ended unexpectedly; the next call restarts it
 * - `disposed`: `dispose` was called
 *
 * An aborted call rejects with the reason of its `AbortSignal` instead.
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

/** An error as a message between workers, since structured cloning drops its code. */
export interface Failure {
  code: ErrorCode;
  message: string;
}

/** Converts a thrown value: an error with a code keeps it; any other is a crash. */
export function failure(thrown: unknown): Failure {
  const { code, message } = (thrown ?? {}) as Partial<Failure>;
  return typeof code === "string"
    ? { code, message: String(message) }
    : { code: "crashed", message: `a worker ended unexpectedly: ${message ?? thrown}` };
}
