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

  const chunks: Uint8Array[] = [];
  let done = 0;
  progress({ stage: "download", done, total });
  const reader = response.body.getReader();
  for (;;) {
    const { value } = await reader.read().catch((error) => {
      throw new CytoshadeError("download", `${url} ended after ${done} bytes: ${error.message}; load it again`);
    });
    if (!value) break;
    done += value.length;
    check(done, maxBytes, url);
    chunks.push(value);
    progress({ stage: "download", done, total });
  }
  if (total !== undefined && done !== total) {
    throw new CytoshadeError("download", `${url} ended after ${done} of ${total} bytes; load it again`);
  }
  return joined(chunks, done);
}

function joined(chunks: Uint8Array[], length: number): ArrayBuffer {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes.buffer;
}

/** The length that the server states; of a compressed answer it is not that of the file. */
function stated({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

function check(bytes: number, maxBytes: number, url: string): void {
  if (bytes > maxBytes) {
    throw new CytoshadeError("too-large", `${url} has ${bytes} bytes or more, over the limit of ${maxBytes} (maxBytes)`);
  }
}
