// A server that tests can have misbehave. It sends the strictest policy that the package promises to live with.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const FILES = {
  "/": `${ROOT}/crates/cytoshade-web/tests/page.html`,
  "/page.mjs": `${ROOT}/crates/cytoshade-web/tests/page.mjs`,
  "/cytoshade.js": `${ROOT}/dist/cytoshade.js`,
  "/cytoshade.wasm": `${ROOT}/dist/cytoshade.wasm`,
  "/model.safetensors": `${ROOT}/models/cytoshade-demo.safetensors`,
  "/demo.png": `${ROOT}/models/demo.png`,
};

const FOLDERS = {
  "/fixtures/": `${ROOT}/tests/fixtures/pipeline/`,
  "/diameter/": `${ROOT}/tests/fixtures/diameter/`,
  "/models/": `${ROOT}/crates/cytoshade-model/tests/fixtures/`,
};

function find(path) {
  const folder = Object.keys(FOLDERS).find((folder) => path.startsWith(folder));
  return folder ? FOLDERS[folder] + basename(path) : FILES[path];
}

/** `extra` maps paths to `(request, response) => void`, and comes first; `headers` go with every answer. */
export async function serve(extra = {}, headers = {}) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    requests.push(path);
    response.setHeader("Content-Security-Policy", POLICY);
    response.setHeader("Cache-Control", "no-store");
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (extra[path]) return extra[path](request, response);
    const file = find(path);
    if (!file) return response.writeHead(404).end();
    const bytes = await readFile(file);
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, "Content-Length": bytes.length }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return { url, requests, close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))) };
}
