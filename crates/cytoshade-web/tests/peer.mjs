// What the comparison calls in the page: the package, and beside it the same pipeline with onnxruntime-web for its network.

/** The wasm half of the package by itself. */
async function pipeline() {
  const wasm = await import("/wasm/cytoshade_web.js");
  await wasm.default({ module_or_path: "/cytoshade.wasm" });
  return wasm;
}

const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The export has no style, nothing that is compared needs one, and the pipeline wants one of any length that is enough. */
const NO_STYLE = new Float32Array(4096);

/** onnxruntime-web as the network: `(tile, height, width)` to `[outputs, style]`, as the package's own workers have it. */
async function peerNetwork(provider, threads) {
  const ort = await import(`/peer/${provider === "webgpu" ? "ort.webgpu" : "ort.wasm"}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("/peer/", document.baseURI).href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create("/model.onnx", { executionProviders: [provider] });
  const one = async (tile, height, width) => {
    const channels = tile.length / (height * width);
    const input = new ort.Tensor("float32", tile, [1, channels, height, width]);
    const results = await session.run({ [session.inputNames[0]]: input });
    return [await results[session.outputNames[0]].getData(), NO_STYLE];
  };
  // A session runs one tile at a time, with all its threads.
  let before = Promise.resolve();
  return (...tile) => (before = before.then(() => one(...tile)));
}

/** Something that segments, from nothing: each loads all that it needs. */
const engines = {
  async ours(provider, threads) {
    const { Cytoshade } = await import("/cytoshade.js");
    const backend = provider === "webgpu" ? "webgpu" : "cpu";
    const cp = await Cytoshade.fromPretrained("/model.safetensors", { backend, workers: threads, cache: false });
    return async (image) => {
      let tiles;
      const onProgress = ({ stage, total }) => stage === "network" && (tiles = total);
      const { masks, timings } = await cp.segment(image, { onProgress });
      return { masks, tiles, network: timings.network };
    };
  },
  async peer(provider, threads) {
    const [{ Engine, Picture }, model, run] = await Promise.all([
      pipeline(),
      bytes("/model.safetensors"),
      peerNetwork(provider, threads),
    ]);
    const engine = await Engine.open(model, "cpu", "f32", run, 1);
    return async (image) => {
      const picture = Picture.fromFile(new Uint8Array(await image.arrayBuffer()), 0);
      const found = await engine.segment(picture, {}, () => {});
      return { masks: found.masks, network: found.timings.network };
    };
  },
};

/** The photograph; for WebGPU one tile of it, since a software adapter takes a minute for one with onnxruntime-web. */
async function image(provider) {
  const photograph = await (await fetch("/demo.png")).blob();
  if (provider !== "webgpu") return photograph;
  const canvas = new OffscreenCanvas(224, 224);
  canvas.getContext("2d").drawImage(await createImageBitmap(photograph), 0, 0);
  return canvas.convertToBlob();
}

/** Milliseconds from the page's navigation to its first masks. */
export async function firstMasks(who, provider, threads) {
  const segment = await engines[who](provider, threads);
  await segment(await image(provider));
  return performance.now();
}

/** How far the two networks are apart on one tile: the relative L2 error. On the CPU; it sees a tile that is not the same. */
export async function agreement(threads) {
  const { TileNetwork } = await pipeline();
  const ours = new TileNetwork(await bytes("/model.safetensors"));
  const theirs = await peerNetwork("wasm", threads);
  const tile = Float32Array.from({ length: 2 * 224 * 224 }, (_, at) => Math.sin(at / 7) + Math.cos(at / 300));
  const [expected] = await theirs(tile.slice(), 224, 224);
  const error = (tile) => {
    const [found] = ours.run(tile, 224, 224);
    const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return norm(found.map((value, at) => value - expected[at])) / norm(expected);
  };
  return { same: error(tile), other: error(tile.map((value) => 1.01 * value)) };
}

/** The network's milliseconds on one image, in turns, after one run each that warms up and gives the masks. */
export async function network(provider, threads, rounds) {
  const photograph = await image(provider);
  const segment = { ours: await engines.ours(provider, threads), peer: await engines.peer(provider, threads) };
  const { tiles } = await segment.ours(photograph);
  const masks = {};
  const times = { ours: [], peer: [] };
  for (const who of ["ours", "peer"]) masks[who] = [...(await segment[who](photograph)).masks];
  for (let round = 0; round < rounds; round++) {
    for (const who of ["ours", "peer"]) times[who].push((await segment[who](photograph)).network);
  }
  return { masks, tiles, times };
}
