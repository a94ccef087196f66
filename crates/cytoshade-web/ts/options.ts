/** Checks of what a page gives, before anything is loaded or computed. What `segment` is given is checked in wasm. */

import { CytoshadeError } from "./errors.js";

const refuse = (message: string) => new CytoshadeError("option", message);

/** Refuses names that are not known, since a mistyped option would otherwise be lost without a word. */
export function only(known: readonly string[], options: object, call: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refuse(`${unknown} is not an option of ${call}; known are ${known.join(", ")}`);
}

/** A whole number from `least` to `most`. */
export function whole(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw refuse(`${name} is ${String(value)}; it must be a whole number from ${least} to ${most}`);
}

/** One of a few words. */
export function word<T extends string>(name: string, value: unknown, words: readonly T[]): T {
  if (words.includes(value as T)) return value as T;
  throw refuse(`${name} is ${String(value)}; it must be ${words.join(" or ")}`);
}

/** A SHA-256 in small letters. */
export function sha256(name: string, text: unknown): string | undefined {
  if (text === undefined) return undefined;
  if (typeof text === "string" && /^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw refuse(`${name} is ${String(text)}; it must be 64 hexadecimal digits`);
}
