// What the package takes, in time: printed, never judged. `node figures.mjs [backend ...] [--onnx FILE --peer FOLDER]`
// With an ONNX export of the bundled network and a folder that holds onnxruntime-web, the same tiles go through both in
// the same browser.
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { launch, open } from "./browser.mjs";
import { POLICY, serve } from "./server.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { onnx: { type: "string" }, peer: { type: "string" } },
});
const backends = positionals.length ? positionals : ["cpu"];

/** Runs in the page. */
async function measure(backend) {
  const start = performance.now();
  let fetched;
  const onProgress = ({ stage }) => stage === "prepare" && (fetched ??= performance.now());
  const cp = await Cytoshade.fromPretrained("model.safetensors", { backend, onProgress });
  const ready = performance.now();
  const image = await file("demo.png");
  let found;
  const tasks = await longTasks(async () => (found = await cp.segment(image)));
  const first = performance.now();

  // From the abort to the rejection, to the end of the work, and to masks of the next call.
  const controller = new AbortController();
  const aborted = { at: 0 };
  const stop = ({ stage, done }) => stage === "network" && done === 0 && (controller.abort(), (aborted.at = performance.now()));
  await refusal(cp.segment(image, { signal: controller.signal, onProgress: stop }));
  aborted.rejected = performance.now() - aborted.at;
  await cp.preview(await file("fixtures/tiny.png"));
  aborted.next = performance.now() - aborted.at;
  const { timings } = await cp.segment(image);
  const round = (number) => Math.round(number * 10) / 10;
  return {
    adapter: cp.describeAdapter().name,
    "bytes there to ready (ms)": round(ready - fetched),
    "page's call to first mask (ms)": round(first - start),
    "tasks over 50 ms on the page's thread": tasks.length,
    "abort to rejection (ms)": round(aborted.rejected),
    "abort to the next call's answer (ms)": round(aborted.next),
    "network, 12 tiles, second run (ms)": round(timings.network),
    "all stages, second run (ms)": round(timings.total),
    count: found.count,
  };
}

/** Runs in the page: onnxruntime-web on 12 tiles. */
async function peer(provider) {
  const start = performance.now();
  const ort = await import(`/peer/${provider === "webgpu" ? "ort.webgpu" : "ort.wasm"}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("/peer/", document.baseURI).href;
  ort.env.wasm.numThreads = navigator.hardwareConcurrency;
  const session = await ort.InferenceSession.create("/model.onnx", { executionProviders: [provider] });
  const values = Float32Array.from({ length: 2 * 224 * 224 }, (_, at) => Math.sin(at));
  const tile = new ort.Tensor("float32", values, [1, 2, 224, 224]);
  const input = { [session.inputNames[0]]: tile };
  await session.run(input);
  const first = performance.now() - start;
  const again = performance.now();
  for (let at = 0; at < 12; at++) await session.run(input);
  return {
    threads: ort.env.wasm.numThreads,
    isolated: crossOriginIsolated,
    "load and first tile (ms)": Math.round(first),
    "network, 12 tiles (ms)": Math.round(performance.now() - again),
  };
}

const extra = {};
if (values.onnx) extra["/model.onnx"] = async (_, response) => response.end(await readFile(values.onnx));
const types = { ".mjs": "text/javascript", ".wasm": "application/wasm" };
const runtimes = ["", ".jsep", ".asyncify"].flatMap((kind) =>
  ["mjs", "wasm"].map((ending) => `ort-wasm-simd-threaded${kind}.${ending}`),
);
const names = values.peer ? ["ort.webgpu.min.mjs", "ort.wasm.min.mjs", ...runtimes] : [];
for (const name of names) {
  extra[`/peer/${name}`] = async (_, response) => {
    const bytes = await readFile(`${values.peer}/${name}`).catch(() => undefined);
    if (!bytes) return response.writeHead(404).end();
    response.setHeader("Content-Type", types[extname(name)]).end(bytes);
  };
}

// Threads that share memory are onnxruntime-web's way: they want these headers, and workers from data.
const isolated = {
  "Content-Security-Policy": values.peer ? "" : POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const server = await serve(extra, isolated);
for (const backend of backends) {
  const { context, close } = await launch({ webgpu: backend === "webgpu" });
  const { page } = await open(context, server.url);
  await page.waitForFunction(() => globalThis.ready);
  console.log(`${backend}:`, await page.evaluate(measure, backend));
  const provider = backend === "webgpu" ? "webgpu" : "wasm";
  if (values.peer) console.log("onnxruntime-web:", await page.evaluate(peer, provider).catch(String));
  await close();
}
await server.close();
