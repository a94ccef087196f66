/** Checks options before anything is loaded or computed. The wasm module checks those of `segment`. */

import { CytoshadeError } from "./errors.js";

const refuse = (message: string) => new CytoshadeError("option", message);

/** Throws for unknown names, since a mistyped option must not be ignored. */
export function only(known: readonly string[], options: object, call: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refuse(`${unknown} is not an option of ${call}; the options are ${known.join(", ")}`);
}

/** Checks a whole number from `least` to `most`. */
export function whole(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw refuse(`${name} is ${String(value)}; it must be a whole number from ${least} to ${most}`);
}

/** Checks that a value is one of `words`. */
export function word<T extends string>(name: string, value: unknown, words: readonly T[]): T {
  if (words.includes(value as T)) return value as T;
  throw refuse(`${name} is ${String(value)}; it must be ${words.join(" or ")}`);
}

/** Checks a SHA-256 and converts it to lower case. */
export function sha256(name: string, text: unknown): string | undefined {
  if (text === undefined) return undefined;
  if (typeof text === "string" && /^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw refuse(`${name} is ${String(text)}; it must be 64 hexadecimal digits`);
}
