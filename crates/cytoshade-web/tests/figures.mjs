// What the package takes, in time: printed, never judged. `node figures.mjs [backend ...]`
import { launch, open } from "./browser.mjs";
import { serve } from "./server.mjs";

const backends = process.argv.length > 2 ? process.argv.slice(2) : ["cpu"];

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

const server = await serve();
for (const backend of backends) {
  const { context, close } = await launch({ webgpu: backend === "webgpu" });
  const { page } = await open(context, server.url);
  await page.waitForFunction(() => globalThis.ready);
  console.log(`${backend}:`, await page.evaluate(measure, backend));
  await close();
}
await server.close();
