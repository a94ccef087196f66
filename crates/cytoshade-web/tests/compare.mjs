// The package beside onnxruntime-web in the same browser: `node compare.mjs --model FILE --onnx FILE --peer FOLDER
// [--threads N] [--rounds N] [backend ...]`. Prints a table in Markdown. Both must agree before anything is timed.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { launch, open } from "./browser.mjs";
import { disagreement } from "./labels.mjs";
import { ROOT, serve } from "./server.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string" },
    onnx: { type: "string" },
    peer: { type: "string" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
  },
});
const [threads, rounds] = [Number(values.threads), Number(values.rounds)];
const PEER_FILES = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  webgpu: ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"],
};
const OUR_FILES = ["cytoshade.js", "cytoshade.wasm"].map((name) => `${ROOT}/dist/${name}`);

const TYPES = { ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const send = (path) => async (_, response) => {
  const type = TYPES[extname(path)] ?? "application/octet-stream";
  response.setHeader("Content-Type", type).end(await readFile(path));
};
const files = {
  "/favicon.ico": (_, response) => response.writeHead(204).end(),
  "/blank.html": (_, response) => response.setHeader("Content-Type", "text/html").end("<!doctype html><title>compare</title>"),
  "/peer.mjs": send(`${ROOT}/crates/cytoshade-web/tests/peer.mjs`),
  "/wasm/cytoshade_web.js": send(`${ROOT}/crates/cytoshade-web/ts/wasm/cytoshade_web.js`),
  "/model.safetensors": send(values.model),
  "/model.onnx": send(values.onnx),
};
for (const name of Object.values(PEER_FILES).flat()) files[`/peer/${name}`] = send(`${values.peer}/${name}`);
// Threads that share memory are onnxruntime-web's way: they want these headers. Ours needs neither, nor its page a policy
// that is looser than the strictest.
const server = await serve(files, {
  "Content-Security-Policy": "",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
});

/** Calls a function of peer.mjs in a page of its own, in a browser that has kept nothing. */
async function inPage(webgpu, name, ...given) {
  const { context, close } = await launch({ webgpu });
  try {
    const { page } = await open(context, `${server.url}blank.html`);
    page.setDefaultTimeout(0);
    return await page.evaluate(async ({ name, given }) => (await import("/peer.mjs"))[name](...given), { name, given });
  } finally {
    await close();
  }
}

/** Milliseconds of both from navigation to first masks, in turns. */
async function firstMasks(provider) {
  const times = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    for (const who of ["ours", "peer"]) times[who].push(await inPage(provider === "webgpu", "firstMasks", who, provider, threads));
  }
  return times;
}

const sum = (values) => values.reduce((sum, value) => sum + value, 0);
const sizes = async (paths) => {
  const all = await Promise.all(paths.map((path) => readFile(path)));
  return [sum(all.map((bytes) => bytes.length)), sum(all.map((bytes) => gzipSync(bytes, { level: 9 }).length))];
};
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const seconds = (times) => `${(median(times) / 1e3).toFixed(2)} (${(Math.min(...times) / 1e3).toFixed(2)})`;
const pairwise = ({ ours, peer }) => median(ours.map((time, round) => peer[round] / time)).toFixed(2);
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

const { same, other } = await inPage(false, "agreement", threads);
assert.ok(same < 2e-5, `the outputs differ by ${same}`);
assert.ok(other > 1e-3, `another tile's outputs differ by ${other} only`);

const { version } = JSON.parse(await readFile(`${values.peer}/../package.json`));
console.log(`Outputs of one tile agree to ${same.toExponential(1)} (relative L2). Medians of ${rounds} rounds in turns, in seconds`);
console.log("(the fastest in brackets); the ratio is the median of the rounds' own.\n");
row(`${(await stat(values.model)).size.toLocaleString("en")} bytes of weights`, "cytoshade", `onnxruntime-web ${version}`, "times");
row("---", "---", "---", "---");
for (const provider of positionals.length ? positionals : ["wasm", "webgpu"]) {
  const what = provider === "wasm" ? `wasm, ${threads} threads` : "WebGPU";
  const { masks, tiles, times } = await inPage(provider === "webgpu", "network", provider, threads, rounds);
  assert.equal(disagreement(masks.ours, masks.peer), undefined, `${provider}: the masks`);
  assert.notEqual(disagreement(masks.ours.toReversed(), masks.peer), undefined);
  row(`${what}: network, ${tiles} tiles`, seconds(times.ours), seconds(times.peer), pairwise(times));
  const first = await firstMasks(provider);
  row(`${what}: page load to first masks`, seconds(first.ours), seconds(first.peer), pairwise(first));
  const [ours, theirs] = [await sizes(OUR_FILES), await sizes(PEER_FILES[provider].map((name) => `${values.peer}/${name}`))];
  const written = ([bytes, gzipped]) => `${bytes.toLocaleString("en")} (${gzipped.toLocaleString("en")} gzipped)`;
  row(`${what}: bytes of code to load`, written(ours), written(theirs), (theirs[1] / ours[1]).toFixed(1));
}
await server.close();
