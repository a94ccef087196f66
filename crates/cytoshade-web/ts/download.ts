/** A model file from a server. */

import { CytoshadeError } from "./errors.js";
import type { LoadProgress } from "./types.js";

/** The whole file, no larger than `maxBytes`. */
export async function download(
  url: string,
  maxBytes: number,
  progress: (progress: LoadProgress) => void,
): Promise<ArrayBuffer> {
  const response = await fetch(url).catch((error) => {
    throw new CytoshadeError("download", `${url} cannot be fetched: ${error.message}`);
  });
  if (!response.ok || !response.body) {
    throw new CytoshadeError("download", `${url} cannot be fetched: the server answered ${response.status}`);
  }
  const total = stated(response);
  check(total ?? 0, maxBytes, url);

  // A server need not state the length, and may state a wrong one. Room that nothing is written to costs nothing.
  let bytes = new Uint8Array(total ?? 0);
  let done = 0;
  progress({ stage: "download", done, total });
  const reader = response.body.getReader();
  for (;;) {
    const { value } = await reader.read().catch((error) => {
      throw new CytoshadeError("download", `${url} ended after ${done} bytes: ${error.message}; load it again`);
    });
    if (!value) break;
    check(done + value.length, maxBytes, url);
    if (done + value.length > bytes.length) bytes = grown(bytes, Math.max(2 * bytes.length, done + value.length));
    bytes.set(value, done);
    done += value.length;
    progress({ stage: "download", done, total });
  }
  if (total !== undefined && done !== total) {
    throw new CytoshadeError("download", `${url} ended after ${done} of ${total} bytes; load it again`);
  }
  return (done === bytes.length ? bytes : bytes.slice(0, done)).buffer;
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}

/** The length that the server states; of a compressed answer it is not that of the file. */
function stated({ headers }: Response): number | undefined {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && !headers.has("content-encoding") ? Number(length) : undefined;
}

function check(bytes: number, maxBytes: number, url: string): void {
  if (bytes > maxBytes) {
    throw new CytoshadeError("too-large", `${url} has ${bytes} bytes or more, over the limit of ${maxBytes} (maxBytes)`);
  }
}
