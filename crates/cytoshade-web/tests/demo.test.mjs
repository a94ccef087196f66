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

    // What the page says on its way is kept as it comes: on a quick machine it is gone before it could be looked for.
    await page.evaluate(() => {
      const step = document.getElementById("step");
      window.steps = [];
      new MutationObserver(() => window.steps.push(step.textContent)).observe(step, { childList: true });
    });
    await page.getByRole("button", { name: "Find cells" }).click();
    await page.screenshot({ path: `${SCREENSHOTS}/running.png` });
    await page.getByRole("heading", { name: "147 cells" }).waitFor();
    const steps = await page.evaluate(() => window.steps);
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
    await page.getByLabel(/Diameter pixels/).fill("8");
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
      // WCAG's contrast of text and ground, for what most text is made of.
      const ratios = await page.evaluate(() => {
        const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map((value) => value / 255);
        const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const luminance = (color) => channels(color).map(linear).reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
        const ground = (element) => {
          const color = getComputedStyle(element).backgroundColor;
          return color.startsWith("rgba(0, 0, 0, 0") && element.parentElement ? ground(element.parentElement) : color;
        };
        const texts = [...document.querySelectorAll("h1, h2, p, span, small, button, label")].filter((element) => element.checkVisibility());
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
