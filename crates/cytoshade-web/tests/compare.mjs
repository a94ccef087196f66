// The package beside onnxruntime-web in the same browser: `node compare.mjs --model FILE --onnx FOLDER --peer FOLDER
// [--threads N] [--rounds N] [--limit SECONDS] [backend ...]`. Prints a table in Markdown. Both must agree before anything is
// timed. No measurement takes longer than the limit: where onnxruntime-web does not end within it, the table says so.
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
    limit: { type: "string", default: "120" },
  },
});
const [threads, rounds, limit] = [values.threads, values.rounds, values.limit].map(Number);
/**
 * What each is given: the photograph (0), or as much of it as makes one tile of a side; each only where the one before was
 * too much for the peer, which on a software adapter most is.
 */
const SIDES = { wasm: [0, 224], webgpu: [224, 96] };
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
};
for (const side of SIDES.webgpu) files[`/model_${side}.onnx`] = send(`${values.onnx}/network_1${side === 224 ? "" : `_${side}`}.onnx`);
for (const name of Object.values(PEER_FILES).flat()) files[`/peer/${name}`] = send(`${values.peer}/${name}`);
// Threads that share memory are onnxruntime-web's way: they want these headers. Ours needs neither, nor its page a policy
// that is looser than the strictest.
const server = await serve(files, {
  "Content-Security-Policy": "",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
});

/** Milliseconds until a browser has done with its own start, which keeps two cores busy. */
const AT_REST = 2_000;

/**
 * Calls a function of peer.mjs in a page of its own, in a browser that has kept nothing and started so many milliseconds
 * before. Gives what it `told` on its way and, where it did not end within the limit, `late`: at what.
 */
async function inPage({ webgpu, before = 0 }, name, ...given) {
  const { context, close } = await launch({ webgpu });
  const told = {};
  try {
    await new Promise((resolve) => setTimeout(resolve, before));
    const { page } = await open(context, `${server.url}blank.html`);
    page.setDefaultTimeout(0);
    await page.exposeFunction("tell", (news) => Object.assign(told, news));
    const call = async ({ name, given }) => (await import("/peer.mjs"))[name](...given);
    const ended = page.evaluate(call, { name, given }).then(() => true);
    // Where the limit comes first the browser is closed under it.
    ended.catch(() => {});
    const inTime = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, limit * 1e3, false).unref())]);
    return inTime ? told : { ...told, late: told.at ?? name };
  } finally {
    await close();
  }
}

/** Milliseconds of both from navigation to first masks, in turns, for as long as the limit allows. */
async function firstMasks(provider, side, before) {
  const times = { ours: [], peer: [] };
  const browser = { webgpu: provider === "webgpu", before };
  const start = performance.now();
  for (let round = 0; round < rounds && (round === 0 || performance.now() - start < limit * 1e3); round++) {
    for (const who of ["ours", "peer"]) {
      const { milliseconds, late } = await inPage(browser, "firstMasks", who, provider, threads, side);
      if (late) return { times, late };
      times[who].push(milliseconds);
    }
  }
  return { times };
}

const sum = (values) => values.reduce((sum, value) => sum + value, 0);
const sizes = async (paths) => {
  const all = await Promise.all(paths.map((path) => readFile(path)));
  return [sum(all.map((bytes) => bytes.length)), sum(all.map((bytes) => gzipSync(bytes, { level: 9 }).length))];
};
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const seconds = (times) => `${(median(times) / 1e3).toFixed(2)} (${(Math.min(...times) / 1e3).toFixed(2)})`;
const ratios = ({ ours, peer }) => peer.map((time, round) => time / ours[round]);
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

/** A row of times; of a peer that did not end, that. Whether it did. */
function timed(what, { times, late }) {
  const measured = times.peer.length > 0;
  // A round in which the peer did not end is no round.
  const rounded = measured ? times.ours.slice(0, times.peer.length) : times.ours;
  const ours = rounded.length ? seconds(rounded) : "-";
  const cells = measured
    ? [ours, seconds(times.peer), median(ratios(times)).toFixed(2)]
    : [ours, `not within ${limit} s (${late})`, "-"];
  const fewer = measured && times.peer.length < rounds ? ` (rounds: ${times.peer.length})` : "";
  row(what + fewer, ...cells);
  return measured;
}

const { same, other, late } = await inPage({}, "agreement", threads);
assert.equal(late, undefined, "the comparison of outputs took too long");
assert.ok(same < 2e-5, `the outputs differ by ${same}`);
assert.ok(other > 1e-3, `another tile's outputs differ by ${other} only`);

const { version } = JSON.parse(await readFile(`${values.peer}/../package.json`));
console.log(`Outputs of one tile agree to ${same.toExponential(1)} (relative L2). Medians of ${rounds} rounds in turns, in seconds`);
console.log("(the fastest in brackets); the ratio is the median of the rounds' own.\n");
row(`${(await stat(values.model)).size.toLocaleString("en")} bytes of weights`, "cytoshade", `onnxruntime-web ${version}`, "times");
row("---", "---", "---", "---");
for (const provider of positionals.length ? positionals : ["wasm", "webgpu"]) {
  const sides = SIDES[provider];
  for (const side of sides) {
    const what = (provider === "wasm" ? `wasm, ${threads} threads` : "WebGPU") + (side ? `, ${side} x ${side}` : "");
    const found = await inPage({ webgpu: provider === "webgpu" }, "network", provider, threads, rounds, limit * 500, side);
    const { tiles, ours, peer, times = { ours: [], peer: [] } } = found;
    if (peer) {
      assert.equal(disagreement(ours, peer), undefined, `${provider}: the masks`);
      assert.notEqual(disagreement(ours.toReversed(), peer), undefined);
    }
    const ended = timed(`${what}: network, ${tiles} tile${tiles === 1 ? "" : "s"}`, { times, late: found.late });
    if (!ended && side !== sides.at(-1)) continue;
    timed(`${what}: page load to first masks`, await firstMasks(provider, side, 0));
    timed(`${what}: the same in a browser at rest`, await firstMasks(provider, side, AT_REST));
    break;
  }
  const [ours, theirs] = [await sizes(OUR_FILES), await sizes(PEER_FILES[provider].map((name) => `${values.peer}/${name}`))];
  const written = ([bytes, gzipped]) => `${bytes.toLocaleString("en")} (${gzipped.toLocaleString("en")} gzipped)`;
  row(`${provider === "wasm" ? "wasm" : "WebGPU"}: bytes of code to load`, written(ours), written(theirs), (theirs[1] / ours[1]).toFixed(1));
}
await server.close();
