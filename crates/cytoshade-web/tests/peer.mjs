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

/**
 * onnxruntime-web as the network: `(values, channels, height, width)` to `[outputs, style]`, as the package's own workers have
 * it; the tile stands at the start of the values.
 */
async function peerNetwork(provider, threads, side) {
  const ort = await import(`/peer/${provider === "webgpu" ? "ort.webgpu" : "ort.wasm"}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("/peer/", document.baseURI).href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(`/model_${side || 224}.onnx`, { executionProviders: [provider] });
  const one = async (values, channels, height, width) => {
    const tile = values.subarray(0, channels * height * width);
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
  async peer(provider, threads, side) {
    const [{ Engine, Picture }, model, run] = await Promise.all([
      pipeline(),
      bytes("/model.safetensors"),
      peerNetwork(provider, threads, side),
    ]);
    // Its session has all threads; the stages round the network are one worker's here.
    const engine = await Engine.open(model, undefined, "cpu", "f32", (_, tile) => run(...tile), 1);
    return async (image) => {
      const picture = Picture.fromFile(new Uint8Array(await image.arrayBuffer()), 0);
      const found = await engine.segment(picture, {}, () => {});
      return { masks: found.masks, network: found.timings.network };
    };
  },
};

/** The photograph, or as much of it as makes one tile of a side. */
async function image(side) {
  const photograph = await (await fetch("/demo.png")).blob();
  if (!side) return photograph;
  // Eight pixels are put around every image.
  const canvas = new OffscreenCanvas(side - 16, side - 16);
  canvas.getContext("2d").drawImage(await createImageBitmap(photograph), 0, 0);
  return canvas.convertToBlob();
}

/** Tells the milliseconds from the page's navigation to its first masks. */
export async function firstMasks(who, provider, threads, side) {
  await tell({ at: "its first masks" });
  const segment = await engines[who](provider, threads, side);
  await segment(await image(side));
  await tell({ milliseconds: performance.now() });
}

/** Tells how far the two networks are apart on one tile: the relative L2 error. On the CPU; it sees a tile that is not the same. */
export async function agreement(threads) {
  const { TileNetwork } = await pipeline();
  const ours = new TileNetwork(await bytes("/model.safetensors"));
  const theirs = await peerNetwork("wasm", threads, 224);
  const tile = Float32Array.from({ length: 2 * 224 * 224 }, (_, at) => Math.sin(at / 7) + Math.cos(at / 300));
  const [expected] = await theirs(tile, 2, 224, 224);
  const error = (tile) => {
    const [found] = ours.run(tile, 2, 224, 224);
    const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return norm(found.map((value, at) => value - expected[at])) / norm(expected);
  };
  await tell({ same: error(tile), other: error(tile.map((value) => 1.01 * value)) });
}

/**
 * Tells the network's milliseconds on one image, in turns, after one run each that warms up and gives the masks. No round
 * begins after `enough` milliseconds but the first.
 */
export async function network(provider, threads, rounds, enough, side) {
  const photograph = await image(side);
  const times = { ours: [], peer: [] };
  const run = async (who, segment, at) => {
    await tell({ at });
    return segment[who](photograph);
  };
  await tell({ at: "its session", times });
  const segment = { ours: await engines.ours(provider, threads), peer: undefined };
  const first = await run("ours", segment, "ours");
  await tell({ tiles: first.tiles, ours: [...first.masks] });
  // Known even where the peer never gives anything to set beside it.
  times.ours.push((await run("ours", segment, "ours")).network);
  await tell({ at: "its session", times });
  segment.peer = await engines.peer(provider, threads, side);
  await tell({ peer: [...(await run("peer", segment, "its first run")).masks] });
  times.ours = [];
  const start = performance.now();
  for (let round = 0; round < rounds && (round === 0 || performance.now() - start < enough); round++) {
    const ours = (await run("ours", segment, "ours")).network;
    const peer = (await run("peer", segment, "a round")).network;
    times.ours.push(ours);
    times.peer.push(peer);
    await tell({ times });
  }
}
