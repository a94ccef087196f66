// The demo page as `cargo xtask serve` serves it, driven as a person would.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { disagreement, readLabels } from "./labels.mjs";
import { ROOT } from "./server.mjs";

const SCREENSHOTS = process.env.SCREENSHOTS ?? `${ROOT}/target/screenshots`;
const FIXTURES = `${ROOT}/tests/fixtures/pipeline`;

/** Starts the server; gives its address and a way to stop it. */
async function serve() {
  const child = spawn(process.env.XTASK ?? "cargo", [...(process.env.XTASK ? [] : ["xtask"]), "serve", "--port", "0"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise((resolve, reject) => {
    child.stdout.once("data", (text) => resolve(String(text).trim()));
    child.once("exit", () => reject(new Error("the server ended")));
  });
  const stop = () => new Promise((resolve) => (child.once("exit", resolve), child.kill()));
  return { url, stop };
}

function get(url, headers) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => (response.resume(), resolve(response)));
    sent.on("error", reject);
    sent.end();
  });
}

/** What the options that are folded away ask for where nobody touches them. */
const DEFAULTS = {
  flowThreshold: 0.4,
  cellprobThreshold: 0,
  minSize: 15,
  maxSizeFraction: 0.4,
  interp: true,
  resample: true,
  normPercentile: [1, 99],
  sharpenRadius: 0,
  smoothRadius: 0,
  tileNormBlocksize: 0,
  tileNormSmooth3d: 1,
  invert: false,
  allChannels: false,
  bsize: 224,
  tileOverlap: 0.1,
  augment: false,
};

/** Other values for all of them: what is typed, what is pressed, and what the package then hears. */
const CHANGED = (() => {
  const typed = {
    diameter: 25,
    flowThreshold: 0.9,
    cellprobThreshold: -1.5,
    minSize: 7,
    maxSizeFraction: 0.5,
    niter: 120,
    low: 0,
    high: 250.5,
    sharpenRadius: 9.5,
    smoothRadius: 1.5,
    tileNormBlocksize: 0,
    tileNormSmooth3d: 2,
    bsize: 128,
    tileOverlap: 0.2,
    batchSize: 3,
  };
  const pressed = ["interp", "resample", "invert", "allChannels", "augment"];
  const { low, high, ...numbers } = typed;
  const turned = Object.fromEntries(pressed.map((name) => [name, !DEFAULTS[name]]));
  return { typed, pressed, asked: { ...numbers, ...turned, normRange: [low, high] } };
})();

describe("the demo page", () => {
  let server, context, close;

  before(async () => {
    await mkdir(SCREENSHOTS, { recursive: true });
    server = await serve();
    ({ context, close } = await launch({ viewport: { width: 1280, height: 800 } }));
  });

  after(async () => {
    await close();
    await server?.stop();
  });

  const ready = (page) => page.getByText(/^Ready on/).waitFor();
  /** Keeps all that an element says: on a quick machine it is gone before it could be looked for. */
  const listen = (page, id) =>
    page.evaluate((id) => {
      const element = document.getElementById(id);
      const heard = [];
      new MutationObserver(() => heard.push(element.textContent)).observe(element, { childList: true });
      globalThis.heard = { ...globalThis.heard, [id]: heard };
    }, id);
  const heard = (page, id) => page.evaluate((id) => globalThis.heard[id], id);
  const choose = (page, path) => page.locator("#file").setInputFiles(path);

  test("the server answers to its own names, and sends the policy and the isolation headers", async () => {
    const { statusCode, headers } = await get(server.url);
    assert.equal(statusCode, 200);
    assert.match(headers["content-security-policy"], /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /);
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.equal(headers["cross-origin-embedder-policy"], "require-corp");
    assert.equal((await get(server.url, { Host: "evil.example" })).statusCode, 403);
    assert.equal((await get(`${server.url}..%2fpackage.json`)).statusCode, 404);
    assert.equal((await get(`${server.url}cytoshade.wasm`)).headers["content-type"], "application/wasm");
  });

  test("a person finds the cells of the sample, looks at them and takes them home", async () => {
    const { page, complaints, foreign } = await open(context, server.url);
    await ready(page);
    await page.getByRole("button", { name: "Try the sample" }).click();
    await page.getByRole("img", { name: /demo\.png, 696 by 520/ }).waitFor();

    // The circle: dragged wider, then a number typed instead.
    await page.getByRole("button", { name: "Measure on the image" }).click();
    const handle = await page.locator("#ring span").boundingBox();
    await page.mouse.move(handle.x + 7, handle.y + 7);
    await page.mouse.down();
    await page.mouse.move(handle.x + 47, handle.y + 7, { steps: 4 });
    await page.mouse.up();
    const diameter = page.getByLabel(/Diameter pixels/);
    assert.ok(Number(await diameter.inputValue()) > 35, "the circle sets the diameter");
    await page.getByRole("slider").press("ArrowLeft");
    await diameter.fill("30");
    await page.screenshot({ path: `${SCREENSHOTS}/measure.png` });
    await page.getByRole("button", { name: "Measure on the image" }).click();

    await listen(page, "step");
    await page.getByRole("button", { name: "Find cells" }).click();
    await page.screenshot({ path: `${SCREENSHOTS}/running.png` });
    await page.getByRole("heading", { name: "147 cells" }).waitFor();
    const steps = await heard(page, "step");
    assert.ok(steps.some((step) => /^Network: [1-9]\d* of 12 tiles$/.test(step)), `the tiles are counted: ${steps.join("; ")}`);
    await page.screenshot({ path: `${SCREENSHOTS}/outlines.png` });

    await page.getByText("Masks", { exact: true }).click();
    await page.getByLabel("Go to cell").fill("12");
    await page.getByText(/^Cell 12: \d+ pixels$/).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/masks.png` });
    const middle = await page.locator("#view").boundingBox();
    await page.mouse.move(middle.x + middle.width / 2, middle.y + middle.height / 2);
    await page.getByText(/^Cell 12: \d+ pixels$/).waitFor();
    await page.mouse.wheel(0, -300);
    await page.locator("#view").press("0");
    assert.match(await page.locator("#histogram title").first().textContent(), /cell areas/);

    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: "PNG, 16 bit" }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), "demo_cp_masks.png");
    for (const [kind, ending, start] of [
      ["TIFF", "_cp_masks.tif", "II"],
      ["ImageJ ROIs", "_rois.zip", "PK"],
      ["CSV", "_cells.csv", "label,area"],
      ["GeoJSON", "_cells.geojson", "{"],
    ]) {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: kind, exact: true }).click(),
      ]);
      assert.equal(file.suggestedFilename(), `demo${ending}`);
      assert.equal((await readFile(await file.path(), "latin1")).slice(0, start.length), start);
    }
    const [mine, reference] = await Promise.all([readLabels(await download.path()), readLabels(`${FIXTURES}/demo.labels.png`)]);
    assert.equal(disagreement(mine.labels, reference.labels), undefined);
    assert.deepEqual([complaints, foreign], [[], []]);
    await page.close();
  });

  test("a run that is cancelled can be started again, by keyboard alone", async () => {
    const { page } = await open(context, server.url);
    await ready(page);
    await choose(page, `${ROOT}/models/demo.png`);
    await page.getByRole("img", { name: /demo\.png/ }).waitFor();
    // Small cells are enlarged, which is work for seconds: the run does not end before it is cancelled.
    await page.getByLabel(/Diameter pixels/).fill("6");
    const submit = page.getByRole("button", { name: "Find cells" });
    await submit.focus();
    await page.keyboard.press("Enter");
    await page.getByText(/Network: /).waitFor();
    // The focus is where the next key is wanted.
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    await page.keyboard.press("Enter");
    await submit.waitFor();
    assert.ok(await page.locator("#results").isHidden());

    await choose(page, `${FIXTURES}/two_channels.tif`);
    await page.getByRole("img", { name: /two_channels\.tif, 226 by 200/ }).waitFor();
    await page.getByLabel("Segment").selectOption("Channel 1");
    await page.getByLabel("Nuclei").selectOption("Channel 2");
    await page.getByLabel(/Diameter pixels/).fill("60");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /\d+ cells/ }).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/two_channels.png` });
    await page.close();
  });

  test("every option of the package is there, folded away, and reaches it, by keyboard alone", async () => {
    const { page, complaints } = await open(context, server.url);
    await ready(page);
    await choose(page, `${FIXTURES}/nuclei.png`);
    await page.getByRole("img", { name: /nuclei\.png/ }).waitFor();
    await page.evaluate(async () => {
      const { Cytoshade } = await import("./cytoshade.js");
      const { segment } = Cytoshade.prototype;
      globalThis.asked = [];
      Cytoshade.prototype.segment = function (image, { onProgress, signal, ...options }) {
        globalThis.asked.push(options);
        return segment.call(this, image, { ...options, onProgress, signal });
      };
    });
    // Runs from wherever the focus is, as the Enter key does in any field of a form.
    const run = async () => {
      const before = await page.evaluate(() => asked.length);
      await listen(page, "count");
      await page.getByLabel(/Diameter pixels/).press("Enter");
      await page.waitForFunction(() => heard.count.length > 0 && document.getElementById("running").hidden);
      assert.equal(await page.evaluate(() => asked.length), before + 1);
      return { asked: await page.evaluate(() => asked.at(-1)), said: await page.locator("#count").textContent() };
    };

    // Untouched, it asks for what the package does by itself.
    const more = page.getByText("More options");
    assert.ok(await page.getByLabel(/Flow threshold/).isHidden());
    await more.focus();
    await page.keyboard.press("Enter");
    await page.getByLabel(/Flow threshold/).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/options.png` });
    const plain = await run();
    assert.notEqual(plain.said, "0 cells");
    assert.deepEqual(plain.asked, { ...DEFAULTS, diameter: 30, chan: 0, chan2: 0, image: 0 });

    const type = async (name, value) => {
      await page.locator(`[name=${name}]`).focus();
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type(String(value));
    };
    const intensities = page.getByLabel("Black and white");
    const kind = async (letter) => (await intensities.focus(), page.keyboard.press(letter));
    await kind("I");
    for (const [name, value] of Object.entries(CHANGED.typed)) await type(name, value);
    for (const name of CHANGED.pressed) await page.locator(`[name=${name}]`).press("Space");
    const changed = await run();
    assert.deepEqual(changed.asked, { ...CHANGED.asked, chan: 0, chan2: 0, image: 0 });
    // Each option of the types has its field, under its name.
    const types = await readFile(`${ROOT}/crates/cytoshade-web/ts/types.ts`, "utf8");
    const [, members] = /export interface SegmentOptions[^{]*\{(.*?)\n\}/s.exec(types);
    const known = [...members.matchAll(/^  (\w+)\?:/gm)].map(([, name]) => name);
    const without = known.filter((name) => !(name in changed.asked));
    assert.deepEqual(without, ["normalize", "normPercentile", "onProgress", "signal"]);
    assert.ok(await page.getByRole("alert").isHidden());

    // As they are: there are no ends to give.
    await kind("A");
    assert.ok(await page.getByLabel("Black at").isHidden());
    await page.locator("[name=invert]").uncheck();
    const { asked } = await run();
    assert.equal(asked.normalize, false);
    assert.ok(!("normRange" in asked || "normPercentile" in asked));

    // A field that is wrong is unfolded, or nobody would see why nothing happens.
    await kind("I");
    await more.press("Enter");
    await page.getByLabel("Black at").waitFor({ state: "hidden" });
    const runs = await page.evaluate(() => globalThis.asked.length);
    await page.getByLabel(/Diameter pixels/).press("Enter");
    await page.getByLabel("Black at").waitFor();
    assert.equal(await page.evaluate(() => globalThis.asked.length), runs);

    await page.getByRole("button", { name: "Back to the defaults" }).press("Enter");
    await page.getByLabel(/Diameter pixels/).fill("30");
    assert.deepEqual(await run(), plain);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test("what the device has not is said, and the network stays as it was", async () => {
    const { page } = await open(context, server.url);
    await ready(page);
    await choose(page, `${FIXTURES}/nuclei.png`);
    await page.getByRole("img", { name: /nuclei\.png/ }).waitFor();
    await page.getByLabel(/Diameter pixels/).fill("43");
    await page.getByText("Model and device").press("Enter");
    await page.getByLabel(/Precision/).selectOption("f16");
    await page.getByText(/^Ready on the CPU.*, which has no f16$/).waitFor();
    await page.getByLabel(/Precision/).selectOption("f32");
    await page.getByText(/^Ready on the CPU[^,]*, [^,]*$/).waitFor();
    await page.getByLabel("Run on").selectOption("WebGPU");
    await page.getByRole("alert").getByText(/adapter|WebGPU|GPU/).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/no_webgpu.png` });
    assert.equal(await page.getByLabel("Run on").inputValue(), "auto");
    assert.equal(await page.getByLabel(/Diameter pixels/).inputValue(), "43");
    await page.getByRole("button", { name: "Find cells" }).click();
    await page.getByRole("heading", { name: /\d+ cells/ }).waitFor();
    await page.close();
  });

  test("with a size model of one's own nobody needs to know the diameter", async () => {
    const { page } = await open(context, server.url);
    await ready(page);
    await choose(page, `${FIXTURES}/nuclei.png`);
    await page.getByRole("img", { name: /nuclei\.png/ }).waitFor();
    await page.getByText("Model and device").press("Enter");
    const sizes = `${ROOT}/tests/fixtures/diameter`;
    const chooseSizes = (name) => page.locator("#sizemodelfile").setInputFiles(`${sizes}/${name}`);
    // One that belongs to another network changes nothing.
    await chooseSizes("cpnet_full_size.npy");
    await page.getByRole("alert").getByText(/style/).waitFor();
    const diameter = page.getByLabel(/Diameter pixels/);
    assert.notEqual(await diameter.inputValue(), "");
    await chooseSizes("cytoshade-demo_size.npy");
    await page.getByText("cytoshade-demo_size.npy").waitFor();
    assert.equal(await diameter.inputValue(), "");
    await page.getByRole("button", { name: "Find cells" }).click();
    const { cases } = JSON.parse(await readFile(`${sizes}/cases.json`));
    const { expected } = cases.find(({ name }) => name === "demo_nuclei");
    await page.getByRole("heading", { name: `${expected.cells} cells` }).waitFor();
    const [, estimated] = /Diameter ([\d.]+) pixels, as estimated/.exec(await page.locator("#summary").textContent());
    assert.ok(Math.abs(estimated - expected.diameter) <= 0.1, `${estimated}, expected ${expected.diameter}`);
    await page.screenshot({ path: `${SCREENSHOTS}/size_model.png`, fullPage: true });
    // Another network has none.
    await page.locator("#modelfile").setInputFiles(`${ROOT}/models/cytoshade-demo.safetensors`);
    await page.getByText("cytoshade-demo.safetensors").waitFor();
    assert.notEqual(await diameter.inputValue(), "");
    await page.getByText("none: diameters are not estimated").waitFor();
    await page.close();
  });

  test("a file that is no image gets a sentence, and the next one works", async () => {
    const { page } = await open(context, server.url);
    await ready(page);
    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not an image") };
    await choose(page, text);
    await page.getByRole("alert").getByText(/unknown format/).waitFor();
    const cut = (await readFile(`${ROOT}/models/demo.png`)).subarray(0, 5000);
    await choose(page, { name: "cut.png", mimeType: "image/png", buffer: cut });
    await page.getByRole("alert").getByText(/damaged or cut short/).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/problem.png` });
    await choose(page, `${FIXTURES}/nuclei.png`);
    await page.getByRole("img", { name: /nuclei\.png/ }).waitFor();
    assert.ok(await page.getByRole("alert").isHidden());
    await choose(page, text);
    await page.getByRole("alert").waitFor();
    await page.getByRole("button", { name: "Find cells" }).click();
    await page.getByRole("heading", { name: /\d+ cells/ }).waitFor();
    await page.close();
  });

  for (const scheme of ["light", "dark"]) {
    test(`it is readable in ${scheme}`, async () => {
      const { page } = await open(context, server.url);
      await page.emulateMedia({ colorScheme: scheme });
      await ready(page);
      await page.screenshot({ path: `${SCREENSHOTS}/${scheme}.png` });
      for (const summary of await page.locator("summary").all()) await summary.click();
      await page.screenshot({ path: `${SCREENSHOTS}/${scheme}_options.png` });
      // WCAG's contrast of text and ground, for what most text is made of.
      const ratios = await page.evaluate(() => {
        const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map((value) => value / 255);
        const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const luminance = (color) => channels(color).map(linear).reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
        const ground = (element) => {
          const color = getComputedStyle(element).backgroundColor;
          return color.startsWith("rgba(0, 0, 0, 0") && element.parentElement ? ground(element.parentElement) : color;
        };
        const texts = [...document.querySelectorAll("h1, h2, p, span, small, button, label, summary, legend, input, select")].filter((element) => element.checkVisibility());
        return texts.map((element) => {
          const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
          return [(a + 0.05) / (b + 0.05), element.textContent.trim()];
        });
      });
      assert.ok(ratios.length > 10);
      const poor = ratios.filter(([ratio, text]) => ratio < 4.5 && text && text !== "Find cells" && !text.startsWith("Measure"));
      assert.deepEqual(poor, []);
      await page.close();
    });
  }

  test("it works without a network after the first visit", async () => {
    const { page } = await open(context, server.url);
    await ready(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.close();
    await server.stop();
    const { url } = server;
    server = undefined;
    const { page: offline, complaints } = await open(context, url);
    await ready(offline);
    await offline.getByRole("button", { name: "Try the sample" }).click();
    await offline.getByRole("img", { name: /demo\.png/ }).waitFor();
    await choose(offline, `${FIXTURES}/nuclei.png`);
    await offline.getByRole("img", { name: /nuclei\.png/ }).waitFor();
    await offline.getByRole("button", { name: "Find cells" }).click();
    await offline.getByRole("heading", { name: /\d+ cells/ }).waitFor();
    assert.deepEqual(complaints, []);
    await offline.close();
  });
});
