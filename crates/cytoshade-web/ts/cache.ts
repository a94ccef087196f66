/**
 * The cache of downloaded models, in IndexedDB.
 *
 * An IndexedDB transaction stores the whole record or nothing. The Cache API stores only responses to requests, and the
 * origin private file system cannot replace a file atomically in every browser.
 *
 * Records are untrusted: a record is used only if its bytes have the stored hash; otherwise it is deleted. Failures to
 * store are ignored, and the model is downloaded again the next time. The key replaces the query of a URL by its hash,
 * since a query may hold a secret.
 */

import type { CachedModel } from "./types.js";

const DATABASE = "cytoshade";
const STORE = "models";
/** Version of {@link Kept}; records of another version are deleted when they are read. */
const FORMAT = 1;

/** A record of the cache. */
interface Kept {
  format: typeof FORMAT;
  /** The key: the URL with its query replaced by a hash. */
  url: string;
  sha256: string;
  size: number;
  stored: Date;
  bytes: Blob;
}

function isKept(record: unknown, url: unknown): record is Kept {
  const kept = record as Partial<Kept> | null | undefined;
  return (
    typeof kept === "object" &&
    kept?.format === FORMAT &&
    kept.url === url &&
    typeof kept.sha256 === "string" &&
    kept.stored instanceof Date &&
    kept.bytes instanceof Blob &&
    kept.bytes.size === kept.size
  );
}

/** The key of a URL; a key is its own key. `undefined` if the page cannot hash the query (no secure context). */
async function keyOf(url: string): Promise<string | undefined> {
  const { protocol, host, pathname, search } = new URL(url);
  if (!search) return url;
  if (!globalThis.crypto?.subtle) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(search)));
  return `${protocol}//${host}${pathname}#query=${hex(digest)}`;
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The cached bytes of a URL, if they have the stored hash and the required one. */
export async function find(
  url: string,
  sha256: string | undefined,
  hash: (bytes: ArrayBuffer) => Promise<string>,
): Promise<ArrayBuffer | undefined> {
  let record: unknown;
  const key = await keyOf(url);
  if (key === undefined) return undefined;
  try {
    record = await transact("readonly", (store) => store.get(key));
    if (isKept(record, key) && record.sha256 === (sha256 ?? record.sha256)) {
      const bytes = await record.bytes.arrayBuffer();
      if ((await hash(bytes)) === record.sha256) return bytes;
    }
  } catch {
    // Unreadable bytes are deleted like those with another hash.
  }
  if (record !== undefined) await remove(url).catch(() => {});
  return undefined;
}

/** Stores the bytes of a URL. Returns false on failure, e.g. on a full disk or in a private window. */
export async function keep(url: string, sha256: string, bytes: ArrayBuffer): Promise<boolean> {
  const key = await keyOf(url);
  if (key === undefined) return false;
  const size = bytes.byteLength;
  const record: Kept = { format: FORMAT, url: key, sha256, size, stored: new Date(), bytes: new Blob([bytes]) };
  try {
    await transact("readwrite", (store) => store.put(record, key));
    return true;
  } catch {
    return false;
  }
}

/** Deletes the record of a URL or key. */
export async function remove(url: string): Promise<void> {
  const key = await keyOf(url);
  if (key !== undefined) await transact("readwrite", (store) => store.delete(key));
}

/** The valid records; `url` is their key. */
export async function list(): Promise<CachedModel[]> {
  const [keys, records] = await Promise.all([
    transact("readonly", (store) => store.getAllKeys()),
    transact<unknown[]>("readonly", (store) => store.getAll()),
  ]);
  return records
    .filter((record, at): record is Kept => isKept(record, keys[at]))
    .map(({ url, sha256, size, stored }) => ({ url, sha256, size, stored }));
}

/** Runs one request in its own transaction. */
async function transact<T>(mode: IDBTransactionMode, request: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "relaxed" });
      const answer = request(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(answer.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(request.error);
  });
}
