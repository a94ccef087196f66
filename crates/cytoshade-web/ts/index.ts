/**
 * Cytoshade in the browser. This file is the module of both the page and the workers. The workers' names select their
 * role.
 */

import { serveEngine } from "./engine.js";
import { serveTiles } from "./tiles.js";
import { ENGINE, TILES, type WorkerScope } from "./worker.js";

export { Cytoshade } from "./cytoshade.js";
export { CytoshadeError, type ErrorCode } from "./errors.js";
export type * from "./types.js";

if (typeof document === "undefined") {
  const { name } = globalThis as unknown as WorkerScope;
  if (name === ENGINE) serveEngine();
  if (name === TILES) serveTiles();
}
