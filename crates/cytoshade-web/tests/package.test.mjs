// The package in a page under the strictest policy that it promises to live with.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { launch, open } from "./browser.mjs";
import { disagreement, readLabels } from "./labels.mjs";
import { ROOT, serve } from "./server.mjs";

const MODEL = "model.safetensors";
const SHA256 = "d03e23905d7fb267d8cceda5e4d30d314877417bd61555e109811b706de0e2af";
const OTHER = "0".repeat(64);

const reference = async (name) => (await readLabels(`${ROOT}/tests/fixtures/pipeline/${name}.labels.png`)).labels;

const differs = (masks, others) => masks.some((label, at) => label !== others[at]);

/** A page of its own for each test. */
function pages(options, extra) {
  const here = {};
  before(async () => {
    here.server = await serve(extra);
    Object.assign(here, await launch(options));
  });
  after(async () => {
    await here.close();
    await here.server.close();
  });
  return async (test, path = "") => {
    const opened = await open(here.context, here.server.url + path);
    await opened.page.waitForFunction(() => globalThis.ready);
    here.server.requests.length = 0;
    try {
      return await test({ ...opened, server: here.server, context: here.context });
    } finally {
      await opened.page.close();
    }
  };
}

function fetched({ requests }) {
  return requests.filter((path) => path === `/${MODEL}`).length;
}

/** The page in a folder of its own, where other code runs before the package's, in the page and in the workers. */
async function patched(folder, code) {
  const script = await readFile(`${ROOT}/dist/cytoshade.js`);
  const here = (name) => readFile(new URL(name, import.meta.url));
  const send = (type, bytes) => (_, response) => response.setHeader("Content-Type", type).end(bytes);
  return {
    [`/${folder}/`]: send("text/html", await here("page.html")),
    [`/${folder}/page.mjs`]: send("text/javascript", await here("page.mjs")),
    [`/${folder}/cytoshade.js`]: send("text/javascript", code + script),
    [`/${folder}/cytoshade.wasm`]: send("application/wasm", await readFile(`${ROOT}/dist/cytoshade.wasm`)),
  };
}

/** Fixtures of the reference on nuclei.png that differ from the default's, with the options that make them. */
const OPTIONS = {
  "nuclei_diameter_30.0": { diameter: 30 },
  nuclei_invert_True: { invert: true },
  nuclei_resample_False: { resample: false },
  nuclei_augment_True: { augment: true },
  nuclei_interp_False: { interp: false },
  nuclei_niter_40: { niter: 40 },
  "nuclei_bsize_128_diameter_25.0": { bsize: 128, diameter: 25 },
  "nuclei_tile_overlap_0.25_diameter_20.0": { tileOverlap: 0.25, diameter: 20, batchSize: 2 },
  nuclei_normalize_False: { normalize: false },
  "nuclei_percentile_3.0_97.0": { normPercentile: [3, 97] },
  "nuclei_lowhigh_0.0_60.0": { normRange: [0, 60] },
  "nuclei_cellprob_threshold_1.5": { cellprobThreshold: 1.5 },
  "nuclei_flow_threshold_0.15": { flowThreshold: 0.15 },
  nuclei_min_size_600: { minSize: 600 },
  "nuclei_max_size_fraction_0.02": { maxSizeFraction: 0.02 },
};

/** Options without a fixture on that image: they must reach the pipeline. */
const FELT = {
  sharpen: { sharpenRadius: 5 },
  smooth: { smoothRadius: 6 },
  tiles: { tileNormBlocksize: 40 },
  smoothTiles: { tileNormBlocksize: 40, tileNormSmooth3d: 4 },
  ranges: { normRange: [[0, 20], [0, 1]] },
};

/** Cases of the reference's estimates of a diameter, with the file and the options of each. */
const ESTIMATES = {
  demo_nuclei: ["nuclei.png", { diameter: "auto" }],
  demo_nuclei_invert_True: ["nuclei.png", { invert: true }],
  demo_two_channels: ["two_channels.tif", { chan: 1, chan2: 2 }],
};

/** What is no option, or out of range: for `segment`, and for `fromPretrained`. */
const REFUSED = [
  { diametre: 3 },
  { diameter: -3 },
  { diameter: "large" },
  { diameter: "auto" },
  { diameter: null },
  { niter: 0 },
  { niter: 2.5 },
  { minSize: -1 },
  { maxSizeFraction: 2 },
  { tileOverlap: 0.9 },
  { bsize: 100 },
  { batchSize: 0 },
  { interp: 1 },
  { flowThreshold: Number.NaN },
  { cellprobThreshold: Number.POSITIVE_INFINITY },
  { sharpenRadius: -1 },
  { smoothRadius: 1e9 },
  { tileNormBlocksize: 1 },
  { tileNormSmooth3d: Number.NaN },
  { normPercentile: [99, 1] },
  { normPercentile: [1] },
  { normRange: [1, 1] },
  { normRange: [[0, 1], [2]] },
  { normRange: "all" },
  { normRange: [0, 1], normPercentile: [1, 99] },
  { normalize: false, normRange: [0, 1] },
  { normalize: false, invert: true },
  { image: 0.5 },
  { channel: 1 },
];
const REFUSED_LOADING = [
  { backends: "cpu" },
  { backend: "gpu" },
  { precision: "f64" },
  { workers: 0 },
  { workers: 1000 },
  { workers: 1.5 },
  { maxBytes: -1 },
  { deadline: 0 },
  { deadline: "soon" },
  { sha256: 7 },
  { sizeModelSha256: "abc" },
];

describe("on the CPU", () => {
  const inPage = pages();

  test("the policy holds, and labels are the reference's", () =>
    inPage(async ({ page, complaints, foreign }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model, { workers: 2 });
        const stages = new Set();
        const nuclei = await segment(cp, "fixtures/nuclei.png", { diameter: 43, onProgress: ({ stage }) => stages.add(stage) });
        const two = await segment(cp, "fixtures/two_channels.tif", { diameter: 60, chan: 1, chan2: 2 });
        const demo = await segment(cp, "demo.png");
        return { adapter: cp.describeAdapter(), nuclei, two, demo, stages: [...stages] };
      }, MODEL);
      assert.equal(found.adapter.backend, "cpu");
      assert.equal(found.adapter.workers, 2);
      for (const [name, mine] of [["nuclei", found.nuclei], ["two_channels", found.two], ["demo", found.demo]]) {
        const labels = await reference(name);
        assert.equal(disagreement(mine.masks, labels), undefined, name);
        // The measure sees a cell that is missing, and one that has moved.
        assert.notEqual(disagreement(mine.masks.map((label) => (label === 1 ? 0 : label)), labels), undefined);
        assert.notEqual(disagreement([...mine.masks.slice(9), ...mine.masks.slice(0, 9)], labels), undefined);
        assert.equal(mine.count, mine.masks.reduce((most, label) => Math.max(most, label)));
        assert.equal(mine.areas[0], mine.masks.filter((label) => label === 1).length);
        assert.ok(mine.timings.network > 0 && mine.timings.total >= mine.timings.network);
      }
      assert.deepEqual([found.demo.width, found.demo.height], [696, 520]);
      const stages = ["channels", "normalize", "resize", "network", "blend", "follow_flows", "masks", "flow_error", "fill_holes"];
      assert.deepEqual(found.stages, stages);
      assert.deepEqual([complaints, foreign], [[], []]);
      assert.equal(await page.evaluate(() => policyHolds), true);
    }));

  test("pixels in memory are as good as a file", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model);
        const blob = await file("fixtures/nuclei.png");
        const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
        const { width, height } = bitmap;
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        const rgba = context.getImageData(0, 0, width, height);
        const grey = Float32Array.from({ length: width * height }, (_, at) => rgba.data[4 * at]);
        const rgb = Uint16Array.from({ length: 3 * grey.length }, (_, at) => grey[Math.floor(at / 3)]);
        const options = { diameter: 43 };
        const runs = [
          cp.segment(blob, options),
          cp.segment(await blob.arrayBuffer(), options),
          cp.segment(rgba, options),
          cp.segment({ data: grey, width, height }, options),
          cp.segment({ data: rgb, width, height, channels: 3, layout: "interleaved" }, options),
        ];
        return (await Promise.all(runs)).map((found) => plain(found).masks);
      }, MODEL);
      const labels = await reference("nuclei");
      for (const masks of found) assert.equal(disagreement(masks, labels), undefined);
    }));

  test("options are the reference's", async () => {
    const [found, felt] = await inPage(({ page }) =>
      page.evaluate(
        async ({ model, known, felt }) => {
          const cp = await Cytoshade.fromPretrained(model);
          const one = async ([name, options]) => [name, (await segment(cp, "fixtures/nuclei.png", { diameter: 43, ...options })).masks];
          const all = (options) => Promise.all(Object.entries(options).map(one)).then(Object.fromEntries);
          return Promise.all([all({ nuclei: {}, ...known }), all(felt)]);
        },
        { model: MODEL, known: OPTIONS, felt: FELT },
      ),
    );
    for (const [name, masks] of Object.entries(found)) {
      assert.equal(disagreement(masks, await reference(name)), undefined, name);
      assert.equal(differs(masks, found.nuclei), name !== "nuclei", `${name} is felt`);
    }
    for (const [name, masks] of Object.entries(felt)) assert.ok(differs(masks, found.nuclei), `${name} is felt`);
    assert.ok(differs(felt.tiles, felt.smoothTiles));
  });

  test("diameters are estimated with a size model, as the reference does", () =>
    inPage(async ({ page }) => {
      const sizeModel = "diameter/cytoshade-demo_size.npy";
      const found = await page.evaluate(
        async ({ model, sizeModel, cases, other }) => {
          const cp = await Cytoshade.fromPretrained(model, { sizeModel });
          const segmented = {};
          for (const [name, [image, options]] of Object.entries(cases)) segmented[name] = await segment(cp, `fixtures/${image}`, options);
          const given = await cp.segment(await file("fixtures/nuclei.png"), { diameter: 43 });
          // An engine that starts anew has the size model too, from the bytes of before.
          const controller = new AbortController();
          const onProgress = ({ stage }) => stage === "follow_flows" && controller.abort();
          await refusal(cp.segment(await file("demo.png"), { diameter: 60, signal: controller.signal, onProgress }));
          const anew = await cp.segment(await file("fixtures/nuclei.png"), { diameter: "auto" });
          const load = async (options) => refusal(Cytoshade.fromPretrained(model, options));
          return {
            segmented,
            given: given.diameter,
            anew: anew.diameter,
            kept: (await Cytoshade.listCachedModels()).length,
            hash: await load({ sizeModel, sizeModelSha256: other }),
            none: await load({ sizeModel: model }),
            another: await load({ sizeModel: "diameter/cpnet_full_size.npy" }),
          };
        },
        { model: MODEL, sizeModel, cases: ESTIMATES, other: OTHER },
      );
      const { cases } = JSON.parse(await readFile(`${ROOT}/tests/fixtures/diameter/cases.json`));
      for (const [name, { diameter, count, masks }] of Object.entries(found.segmented)) {
        const { expected } = cases.find((one) => one.name === name);
        // A pixel more or less in the cell of median size.
        const near = (diameter) => Math.abs(diameter / expected.diameter - 1) <= 1e-3;
        assert.ok(near(diameter) && !near(1.01 * diameter), `${name}: ${diameter}, expected ${expected.diameter}`);
        assert.equal(count, expected.cells, name);
        const { labels } = await readLabels(`${ROOT}/tests/fixtures/diameter/${expected.labels}`);
        assert.equal(disagreement(masks, labels), undefined, name);
      }
      assert.equal(found.given, 43);
      assert.equal(found.anew, found.segmented.demo_nuclei.diameter);
      assert.equal(found.kept, 2, "both files are kept");
      assert.deepEqual([found.hash?.code, found.none?.code, found.another?.code], ["hash", "model", "option"]);
    }));

  test("options that are unknown or out of range are refused", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(
        async ({ model, segmenting, loading }) => {
          const cp = await Cytoshade.fromPretrained(model);
          const image = await file("fixtures/tiny.png");
          const segmented = segmenting.map((options) => refusal(cp.segment(image, options)));
          const loaded = loading.map((options) => refusal(Cytoshade.fromPretrained(model, options)));
          const previewed = [{ chanel: 1 }, { channel: -1 }, { image: "x" }].map((options) => refusal(cp.preview(image, options)));
          return Promise.all([...segmented, ...loaded, ...previewed]);
        },
        { model: MODEL, segmenting: REFUSED, loading: REFUSED_LOADING },
      );
      const what = [...REFUSED, ...REFUSED_LOADING, "preview", "preview", "preview"];
      found.forEach((refusal, at) => assert.equal(refusal?.code, "option", `${JSON.stringify(what[at])}: ${refusal?.message}`));
    }));

  test("what is wrong is told by its code", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model);
        const image = await file("fixtures/tiny.png");
        const refusals = {
          unknown: await refusal(cp.segment(image, { diametre: 3 })),
          range: await refusal(cp.segment(image, { diameter: -3 })),
          channel: await refusal(cp.segment(await file("fixtures/two_channels.tif"), { chan: 7 })),
          text: await refusal(cp.segment(new Blob(["hello"]))),
          cut: await refusal(cp.segment(image.slice(0, 100))),
          page: await refusal(cp.segment(image, { image: 4 })),
          shape: await refusal(cp.segment({ data: new Uint8Array(5), width: 2, height: 2 })),
          kind: await refusal(cp.encode({ masks: new Uint32Array(4), width: 2, height: 2 }, "gif")),
          noModel: await refusal(Cytoshade.fromPretrained(image)),
          missing: await refusal(Cytoshade.fromPretrained("no-such-file")),
          hash: await refusal(Cytoshade.fromPretrained(model, { sha256: "abc" })),
          webgpu: await refusal(Cytoshade.fromPretrained(model, { backend: "webgpu" })),
        };
        const after = await cp.segment(image, { diameter: 43 });
        cp.dispose();
        refusals.disposed = await refusal(cp.segment(image));
        return { refusals, after: after.width };
      }, MODEL);
      const codes = Object.fromEntries(Object.entries(found.refusals).map(([name, refusal]) => [name, refusal?.code]));
      assert.deepEqual(codes, {
        unknown: "option",
        range: "option",
        channel: "option",
        text: "image",
        cut: "image",
        page: "option",
        shape: "image",
        kind: "option",
        noModel: "model",
        missing: "download",
        hash: "option",
        webgpu: "no-webgpu",
        disposed: "disposed",
      });
      assert.equal(found.after, 23, "the engine still works");
    }));

  test("safetensors, torch and ONNX", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async () => {
        const masks = {};
        // An ONNX file does not say what the other two do: which diameter the network was trained for.
        const files = { "plain.safetensors": 8.5, "zip.pth": 8.5, "legacy.pth": 8.5, "script_17.onnx": 15 };
        for (const [name, diameter] of Object.entries(files)) {
          const cp = await Cytoshade.fromPretrained(`models/${name}`, { workers: 1, cache: false });
          // Random weights find cells where the thresholds let them.
          const options = { diameter, cellprobThreshold: -1000, flowThreshold: 0, minSize: 0 };
          masks[name] = plain(await cp.segment(await file("fixtures/tiny.png"), options)).masks;
          cp.dispose();
        }
        return masks;
      });
      for (const masks of Object.values(found)) assert.deepEqual(masks, found["plain.safetensors"]);
      assert.ok(found["plain.safetensors"].some((label) => label > 0));
    }));

  test("masks become files", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model);
        const masks = Uint32Array.from({ length: 12 }, (_, at) => at * 300);
        const files = {};
        for (const kind of cp.kinds) {
          const blob = await cp.encode({ masks, width: 4, height: 3 }, kind);
          files[kind] = [...new Uint8Array(await blob.arrayBuffer())];
        }
        const preview = await cp.preview(await file("fixtures/two_channels.tif"));
        const { png, ...rest } = preview;
        const grey = await cp.preview(await file("fixtures/two_channels.tif"), { channel: 2 });
        return { files, rest, sizes: [png.size, grey.png.size] };
      }, MODEL);
      const starts = (kind, text) => assert.equal(Buffer.from(found.files[kind]).toString("latin1", 0, text.length), text);
      starts("png", "\x89PNG");
      starts("tiff", "II");
      starts("rois", "PK");
      starts("csv", "label,");
      starts("geojson", "{");
      assert.deepEqual(found.rest, { width: 226, height: 200, channels: 2, images: 1 });
      assert.ok(found.sizes.every((size) => size > 1000) && found.sizes[0] !== found.sizes[1]);
    }));

  test("a call that is stopped ends, and the next one works", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model, { workers: 2 });
        const image = await file("demo.png");
        const already = await refusal(cp.segment(image, { signal: AbortSignal.abort() }));
        const stopped = [];
        for (const at of ["channels", "network", "follow_flows"]) {
          const controller = new AbortController();
          const onProgress = ({ stage }) => stage === at && controller.abort();
          stopped.push(await refusal(cp.segment(image, { diameter: 60, signal: controller.signal, onProgress })));
        }
        const reason = new AbortController();
        const waiting = cp.segment(image, { signal: reason.signal });
        reason.abort(new Error("my own reason"));
        const own = await refusal(waiting);
        const after = await segment(cp, "fixtures/nuclei.png", { diameter: 43 });
        return { already, stopped, own, after };
      }, MODEL);
      for (const refusal of [found.already, ...found.stopped]) assert.equal(refusal.name, "AbortError");
      assert.equal(found.own.message, "my own reason");
      assert.equal(disagreement(found.after.masks, await reference("nuclei")), undefined);
    }));
});

describe("a worker that ends unexpectedly", () => {
  const inPage = pages();

  for (const name of ["cytoshade-engine", "cytoshade-tiles"]) {
    test(`${name}: the call says so, and the next one works`, () =>
      inPage(async ({ page }) => {
        const running = page.evaluate(async (model) => {
          globalThis.cp = await Cytoshade.fromPretrained(model, { workers: 1 });
          // Small cells are enlarged: the network has work for longer than it takes to find the worker.
          const onProgress = ({ stage }) => (globalThis.stage = stage);
          return refusal(cp.segment(await file("demo.png"), { diameter: 6, onProgress }));
        }, MODEL);
        await page.waitForFunction(() => globalThis.stage === "network");
        // Playwright does not tell workers by name.
        for (const worker of page.workers()) {
          const fail = (wanted) => self.name === wanted && setTimeout(() => { throw new Error("no luck"); });
          await worker.evaluate(fail, name).catch(() => {});
        }
        const refused = await running;
        assert.equal(refused.code, "crashed");
        assert.match(refused.message, /no luck/);
        const after = await page.evaluate(() => segment(cp, "fixtures/nuclei.png", { diameter: 43 }));
        assert.equal(disagreement(after.masks, await reference("nuclei")), undefined);
      }));
  }
});

describe("models from a server", async () => {
  const bytes = await readFile(`${ROOT}/models/cytoshade-demo.safetensors`);
  // A disk that is full is noticed when the transaction is to end.
  const full = `{
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...all) {
      const request = put.apply(this, all);
      this.transaction.abort();
      return request;
    };
  }`;
  // The wait for a stall, in a hundredth of its time.
  const hasty = `{
    const wait = setTimeout;
    globalThis.setTimeout = (call, time, ...rest) => wait(call, time === 30_000 ? 300 : time, ...rest);
  }`;
  let stopped = 0;
  const inPage = pages(undefined, {
    ...(await patched("full", full)),
    ...(await patched("insecure", 'Object.defineProperty(crypto, "subtle", { value: undefined });')),
    ...(await patched("hasty", hasty)),
    "/cyto3": (_, response) => response.writeHead(200).end(bytes),
    "/trickle": (_, response) => {
      response.writeHead(200, { "Content-Length": bytes.length });
      const send = setInterval(() => response.write(bytes.subarray(0, 5000)), 50);
      response.on("close", () => clearInterval(send));
    },
    "/truncated": (_, response) => {
      response.writeHead(200, { "Content-Length": bytes.length });
      response.write(bytes.subarray(0, 500_000), () => response.destroy());
    },
    "/short": (_, response) => response.writeHead(200).end(bytes.subarray(0, 500_000)),
    "/endless": (_, response) => {
      response.writeHead(200);
      const send = setInterval(() => response.write(bytes), 10);
      response.on("close", () => (clearInterval(send), stopped++));
    },
    "/pieces": (_, response) => {
      for (let at = 0; at < bytes.length; at += 100_000) response.write(bytes.subarray(at, at + 100_000));
      response.end();
    },
    "/gzipped": (_, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(bytes)),
    "/slow": (_, response) => response.writeHead(200, { "Content-Length": bytes.length }).write(bytes.subarray(0, 1000)),
  });

  test("what has another hash, comes short or is too large is refused, and not kept", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(
        async ({ model, sha256, other }) => ({
          hash: await refusal(Cytoshade.fromPretrained(model, { sha256: other })),
          truncated: await refusal(Cytoshade.fromPretrained("truncated")),
          short: await refusal(Cytoshade.fromPretrained("short", { sha256 })),
          large: await refusal(Cytoshade.fromPretrained(model, { maxBytes: 1000 })),
          endless: await refusal(Cytoshade.fromPretrained("endless", { maxBytes: 5_000_000 })),
          bytes: await refusal(Cytoshade.fromPretrained(await file(model), { maxBytes: 1000 })),
          kept: await Cytoshade.listCachedModels(),
        }),
        { model: MODEL, sha256: SHA256, other: OTHER },
      );
      assert.equal(found.hash.code, "hash");
      assert.equal(found.truncated.code, "download");
      assert.equal(found.short.code, "hash");
      for (const name of ["large", "endless", "bytes"]) assert.equal(found[name].code, "too-large", name);
      assert.deepEqual(found.kept, []);
      // The server hears of it on its own time.
      for (let wait = 0; stopped === 0 && wait < 100; wait++) await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(stopped, 1, "the endless answer was not read to its end");
    }));

  test("a file whose length nobody states comes whole", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (sha256) => {
        const urls = ["pieces", "gzipped"];
        for (const url of urls) (await Cytoshade.fromPretrained(url, { sha256, backend: "cpu" })).dispose();
        const kept = await Cytoshade.listCachedModels();
        for (const url of urls) await Cytoshade.clearCachedModel(url);
        return kept.map(({ size }) => size);
      }, SHA256);
      assert.deepEqual(found, [bytes.length, bytes.length]);
    }));

  test("a page that is no secure context checks hashes too", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(
        async ({ sha256, other }) => {
          (await Cytoshade.fromPretrained("../model.safetensors", { sha256 })).dispose();
          await Cytoshade.clearCachedModel("../model.safetensors");
          return {
            subtle: typeof crypto.subtle,
            refused: await refusal(Cytoshade.fromPretrained("../model.safetensors", { sha256: other })),
          };
        },
        { sha256: SHA256, other: OTHER },
      );
      assert.equal(found.subtle, "undefined");
      assert.equal(found.refused.code, "hash");
    }, "insecure/"));

  test("a download ends at its deadline and when it stalls, and no message holds a query", async () => {
    const ends = (url, options, path) =>
      inPage(
        ({ page }) =>
          page.evaluate(({ url, options }) => refusal(Cytoshade.fromPretrained(url, options)), { url, options }),
        path,
      );
    const query = "?token=secret";
    const late = await ends(`trickle${query}`, { deadline: 2 });
    assert.match(late.message, /did not arrive in 2 seconds/);
    assert.ok(late.after >= 2000 && late.after < 30_000, `${late.after} ms`);
    const stalled = await ends(`../slow${query}`, {}, "hasty/");
    assert.match(stalled.message, /fewer than 4096 bytes/);
    const others = [await ends(`truncated${query}`), await ends(`missing${query}`), await ends(`short${query}`, { maxBytes: 1 })];
    for (const { message, code } of [late, stalled, ...others]) {
      assert.ok(["download", "too-large"].includes(code), code);
      assert.ok(!message.includes("secret"), message);
    }
  });

  test("a query is kept as its hash", () =>
    inPage(async ({ page, server }) => {
      const kept = await page.evaluate(async (model) => {
        const load = async (query) => (await Cytoshade.fromPretrained(model + query, { backend: "cpu" })).dispose();
        await load("?token=secret");
        await load("?token=secret");
        await load("?token=other");
        const kept = await Cytoshade.listCachedModels();
        for (const { url } of kept) await Cytoshade.clearCachedModel(url);
        return { before: kept, after: await Cytoshade.listCachedModels() };
      }, MODEL);
      assert.equal(fetched(server), 2);
      assert.equal(kept.before.length, 2);
      assert.ok(kept.before.every(({ url }) => /#query=[0-9a-f]{64}$/.test(url)), JSON.stringify(kept.before));
      assert.deepEqual(kept.after, []);
    }));

  test("a published model's name means that model, unless another hash is given", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async (sha256) => {
        const refused = await refusal(Cytoshade.fromPretrained("cyto3"));
        (await Cytoshade.fromPretrained("cyto3", { sha256, cache: false })).dispose();
        return refused;
      }, SHA256);
      assert.equal(found.code, "hash");
    }));

  test("loading can be stopped", () =>
    inPage(async ({ page }) => {
      const refused = await page.evaluate(async () => {
        const controller = new AbortController();
        const onProgress = ({ done }) => done > 0 && controller.abort();
        return refusal(Cytoshade.fromPretrained("slow", { signal: controller.signal, onProgress }));
      });
      assert.equal(refused.name, "AbortError");
    }));

  test("what is kept is not fetched again, until it is forgotten", () =>
    inPage(async ({ page, server }) => {
      const load = (options) =>
        page.evaluate(
          async ({ model, options }) => {
            const progress = [];
            const cp = await Cytoshade.fromPretrained(model, { ...options, onProgress: (now) => progress.push(now) });
            cp.dispose();
            return { progress, kept: await Cytoshade.listCachedModels() };
          },
          { model: MODEL, options },
        );
      const { progress, kept } = await load({ sha256: SHA256.toUpperCase() });
      const downloads = progress.filter(({ stage }) => stage === "download");
      assert.deepEqual(downloads.at(-1), { stage: "download", done: bytes.length, total: bytes.length });
      assert.equal(downloads[0].done, 0);
      assert.ok(downloads.every(({ done }, at) => at === 0 || done > downloads[at - 1].done), "the progress grows");
      assert.deepEqual(kept.map(({ sha256, size }) => [sha256, size]), [[SHA256, bytes.length]]);
      assert.equal(fetched(server), 1);
      assert.ok((await load()).progress.every(({ stage }) => stage !== "download"));
      assert.equal(fetched(server), 1);
      await load({ cache: false });
      assert.equal(fetched(server), 2);
      const left = await page.evaluate(async (model) => {
        await Cytoshade.clearCachedModel(model);
        return Cytoshade.listCachedModels();
      }, MODEL);
      assert.deepEqual(left, []);
      await load();
      assert.equal(fetched(server), 3);
    }));

  for (const what of ["damaged", "cut short", "of an older format", "of another URL", "foreign", "of another hash"]) {
    test(`a record that is ${what} is deleted and fetched again`, () =>
      inPage(async ({ page, server }) => {
        const kept = await page.evaluate(
          async ({ model, what }) => {
            await Cytoshade.clearCachedModel(model);
            (await Cytoshade.fromPretrained(model)).dispose();
            await plant(model, what);
            (await Cytoshade.fromPretrained(model)).dispose();
            return Cytoshade.listCachedModels();
          },
          { model: MODEL, what },
        );
        assert.equal(fetched(server), 2);
        assert.deepEqual(kept.map(({ sha256 }) => sha256), [SHA256]);
      }));
  }

  test("a browser that keeps nothing does not stop anything", () =>
    inPage(async ({ page }) => {
      const { count, kept } = await page.evaluate(async () => {
        await Cytoshade.clearCachedModel("../model.safetensors");
        const cp = await Cytoshade.fromPretrained("../model.safetensors");
        const { count } = await cp.segment(await file("../fixtures/nuclei.png"), { diameter: 43 });
        return { count, kept: await Cytoshade.listCachedModels() };
      });
      assert.ok(count > 0);
      assert.deepEqual(kept, []);
    }, "full/"));
});

describe("on WebGPU, by a software adapter", async () => {
  // The package's own file, with a way to lose the device that it opens.
  const lose = `{
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...all) {
      const device = await requestDevice.apply(this, all);
      new BroadcastChannel("lose").onmessage = () => device.destroy();
      return device;
    };
  }`;
  // One that tells which pipelines are built, and one that takes the software adapter for a GPU besides.
  const tell = `{
    const { createComputePipeline } = GPUDevice.prototype;
    const built = new BroadcastChannel("built");
    GPUDevice.prototype.createComputePipeline = function (descriptor) {
      built.postMessage(descriptor.label);
      return createComputePipeline.call(this, descriptor);
    };
  }`;
  const disguise = 'Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });';
  // One that takes it for a GPU, on which nothing is computed.
  const idle = "GPUComputePassEncoder.prototype.dispatchWorkgroups = () => {};";
  const extra = [
    patched("lose", lose),
    patched("told", tell),
    patched("disguised", tell + disguise),
    patched("idle", idle + disguise),
  ];
  const inPage = pages({ webgpu: true }, Object.assign({}, ...(await Promise.all(extra))));

  /** Segments in a page that is told of the pipelines. */
  const told = (folder, backend) =>
    inPage(async ({ page, complaints }) => {
      const found = await page.evaluate(async (backend) => {
        const pipelines = [];
        new BroadcastChannel("built").onmessage = ({ data }) => pipelines.push(data);
        const cp = await Cytoshade.fromPretrained("../model.safetensors", { backend });
        const nuclei = await segment(cp, "../fixtures/nuclei.png", { diameter: 43 });
        const two = await segment(cp, "../fixtures/two_channels.tif", { diameter: 60, chan: 1, chan2: 2 });
        return { adapter: cp.describeAdapter(), nuclei, two, pipelines };
      }, backend);
      assert.equal(found.adapter.backend, "webgpu");
      assert.equal(disagreement(found.nuclei.masks, await reference("nuclei")), undefined);
      assert.equal(disagreement(found.two.masks, await reference("two_channels")), undefined);
      assert.deepEqual(complaints, []);
      return found;
    }, folder);

  test("labels are the reference's, and a call that is stopped leaves the next one working", () =>
    inPage(async ({ page, complaints, foreign }) => {
      const found = await page.evaluate(async (model) => {
        const cp = await Cytoshade.fromPretrained(model, { backend: "webgpu" });
        const nuclei = await segment(cp, "fixtures/nuclei.png", { diameter: 43 });
        const controller = new AbortController();
        const onProgress = ({ stage }) => stage === "network" && controller.abort();
        const stopped = await refusal(cp.segment(await file("demo.png"), { signal: controller.signal, onProgress }));
        const two = await segment(cp, "fixtures/two_channels.tif", { diameter: 60, chan: 1, chan2: 2 });
        const half = await Cytoshade.fromPretrained(model, { backend: "webgpu", precision: "f16" });
        const offered = (await navigator.gpu.requestAdapter()).features.has("shader-f16");
        const inHalf = { offered, adapter: half.describeAdapter(), nuclei: await segment(half, "fixtures/nuclei.png", { diameter: 43 }) };
        return { adapter: cp.describeAdapter(), nuclei, two, stopped, inHalf };
      }, MODEL);
      assert.equal(found.adapter.backend, "webgpu");
      assert.equal(found.adapter.software, true);
      assert.equal(found.adapter.precision, "f32");
      assert.equal(found.inHalf.adapter.precision, found.inHalf.offered ? "f16" : "f32");
      assert.equal(disagreement(found.inHalf.nuclei.masks, await reference("nuclei")), undefined);
      assert.equal(found.stopped.name, "AbortError");
      assert.equal(disagreement(found.nuclei.masks, await reference("nuclei")), undefined);
      assert.equal(disagreement(found.two.masks, await reference("two_channels")), undefined);
      assert.deepEqual([complaints, foreign], [[], []]);
    }));

  test("the network alone runs there, in few pipelines", async () => {
    const { pipelines, adapter } = await told("told/", "webgpu");
    assert.equal(adapter.software, true);
    assert.deepEqual(pipelines.toSorted(), [
      "conv1x1",
      "conv3x3_direct",
      "max_pool",
      "pack",
      "style",
      "style_projections",
      "unpack",
    ]);
  });

  test("taken for a GPU, it runs every stage", async () => {
    const { pipelines, adapter } = await told("disguised/", "auto");
    assert.equal(adapter.software, false);
    const stages = ["percentile_pick", "normalize", "resize", "tile", "conv3x3_gemm8", "blend", "follow_flows", "grow", "fill_holes"];
    for (const stage of [...stages, "flow_error"]) assert.ok(pipelines.includes(stage), stage);
  });

  test("a GPU that computes nothing is replaced by the CPU", () =>
    inPage(async ({ page, complaints }) => {
      const found = await page.evaluate(async () => {
        const cp = await Cytoshade.fromPretrained("../model.safetensors");
        const nuclei = await segment(cp, "../fixtures/nuclei.png", { diameter: 43 });
        const refused = await refusal(Cytoshade.fromPretrained("../model.safetensors", { backend: "webgpu" }));
        return { adapter: cp.describeAdapter(), nuclei, refused };
      });
      assert.equal(found.adapter.backend, "cpu");
      assert.match(found.adapter.refused, /computes wrong results: the masks of flows/);
      assert.equal(disagreement(found.nuclei.masks, await reference("nuclei")), undefined);
      assert.equal(found.refused.code, "no-webgpu");
      assert.match(found.refused.message, /computes wrong results/);
      assert.deepEqual(complaints, []);
    }, "idle/"));

  test("it is not taken for a GPU", () =>
    inPage(async ({ page }) => {
      const backend = await page.evaluate(
        async (model) => (await Cytoshade.fromPretrained(model)).describeAdapter().backend,
        MODEL,
      );
      assert.equal(backend, "cpu");
    }));

  test("a device that is lost says so, and the next call opens another", () =>
    inPage(async ({ page }) => {
      const found = await page.evaluate(async () => {
        const cp = await Cytoshade.fromPretrained("../model.safetensors", { backend: "webgpu" });
        const lose = new BroadcastChannel("lose");
        const onProgress = ({ stage }) => stage === "network" && lose.postMessage(0);
        const lost = await refusal(cp.segment(await file("../demo.png"), { onProgress }));
        const after = await segment(cp, "../fixtures/nuclei.png", { diameter: 43 });
        return { lost, after };
      });
      assert.equal(found.lost.code, "device-lost");
      assert.equal(disagreement(found.after.masks, await reference("nuclei")), undefined);
    }, "lose/"));
});
