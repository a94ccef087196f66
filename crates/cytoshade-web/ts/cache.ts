/**
 * Models that were downloaded, kept in IndexedDB.
 *
 * Not the Cache API, which keeps answers to requests and not records of ours, and not the private file system, which
 * cannot replace a file in one step everywhere: an IndexedDB transaction stores the whole record or nothing.
 *
 * Nothing here is trusted, and nothing here is needed: a record is used only if its bytes have the hash that it states,
 * any other record under its key is deleted, and if the browser refuses to keep anything the model is fetched again the
 * next time. A query may hold a key, so its hash stands for it.
 */

import type { CachedModel } from "./types.js";

const DATABASE = "cytoshade";
const STORE = "models";
/** Counts up when {@link Kept} changes: records of another format are deleted when they are met. */
const FORMAT = 1;

/** A record, under its key. */
interface Kept {
  format: typeof FORMAT;
  /** The key: the URL, with a hash in the place of its query. */
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

/** The key of a URL; of a key, itself. `undefined` if there is a query that this page cannot hash. */
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

/** The bytes kept for a URL, if they have the hash that the record states and the one that is demanded. */
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
    // Bytes that can no longer be read are deleted like those of another hash.
  }
  if (record !== undefined) await remove(url).catch(() => {});
  return undefined;
}

/** Keeps the bytes of a URL. False if the browser does not, on a full disk or in a private window for instance. */
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

/** Forgets a URL, or the key of one. */
export async function remove(url: string): Promise<void> {
  const key = await keyOf(url);
  if (key !== undefined) await transact("readwrite", (store) => store.delete(key));
}

/** The records, with their keys for URLs. */
export async function list(): Promise<CachedModel[]> {
  const [keys, records] = await Promise.all([
    transact("readonly", (store) => store.getAllKeys()),
    transact<unknown[]>("readonly", (store) => store.getAll()),
  ]);
  return records
    .filter((record, at): record is Kept => isKept(record, keys[at]))
    .map(({ url, sha256, size, stored }) => ({ url, sha256, size, stored }));
}

/** One request in one transaction. */
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
