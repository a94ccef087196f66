// The contact sheet of `cytoshade view`, opened as a file in the browser.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { launch, open } from "./browser.mjs";
import { ROOT } from "./server.mjs";

const SCREENSHOTS = process.env.SCREENSHOTS ?? `${ROOT}/target/screenshots`;
const IMAGES = { "demo.png": "models/demo.png", "nuclei.png": "tests/fixtures/restore/nuclei.png" };
/** Markup as the name of a file. */
const HOSTILE = `<img src=x onerror=document.title='broken'>.png`;

/** Runs the program: the one that CYTOSHADE names, or the one that cargo builds. */
function cytoshade(...options) {
  const [program, first] = process.env.CYTOSHADE
    ? [process.env.CYTOSHADE, []]
    : ["cargo", ["run", "--quiet", "--package", "cytoshade-cli", "--"]];
  return promisify(execFile)(program, [...first, ...options], { cwd: ROOT });
}

describe("the contact sheet", () => {
  let folder, browser, sheet;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cytoshade-view-"));
    const [images, results] = ["images", "results"].map((name) => join(folder, name));
    await mkdir(images);
    for (const [name, file] of Object.entries(IMAGES)) await copyFile(`${ROOT}/${file}`, join(images, name));
    await copyFile(`${ROOT}/models/demo.png`, join(images, HOSTILE));
    const model = `${ROOT}/models/cytoshade-demo.safetensors`;
    const options = ["--device", "cpu", "--model", model, "--output", results, "--measure", "csv"];
    await cytoshade("segment", images, ...options);
    await cytoshade("view", results, "--images", images);
    sheet = pathToFileURL(join(results, "cytoshade-view.html")).href;
    browser = await launch({ viewport: { width: 1200, height: 900 } });
    await mkdir(SCREENSHOTS, { recursive: true });
  });

  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("shows each image, loads nothing and breaks no policy", async () => {
    const requests = [];
    browser.context.on("request", (request) => requests.push(new URL(request.url()).protocol));
    const { page, complaints } = await open(browser.context, sheet);
    assert.equal(await page.title(), "results - Cytoshade");
    const pictures = page.locator("article img");
    assert.equal(await pictures.count(), 3);
    for (const picture of await pictures.all()) {
      await picture.scrollIntoViewIfNeeded();
      await picture.evaluate((element) => element.decode());
      assert.ok((await picture.evaluate((element) => element.naturalWidth)) > 32);
      assert.match(await picture.getAttribute("alt"), / with the outlines of \d+ cells?$/);
    }
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${SCREENSHOTS}/view.png`, fullPage: true });
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests.filter((protocol) => protocol !== "data:"), ["file:"]);
    // The style has an effect, so the policy has its hash.
    assert.equal(await page.locator("main").evaluate((element) => getComputedStyle(element).display), "grid");
    await page.close();
  });

  test("shows the worst image first, and names as text", async () => {
    const { page } = await open(browser.context, sheet);
    const cells = await page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.innerText.split("\t")));
    // An image without cells has no error, and is last.
    const errors = cells.map((row) => (row[3] === "-" ? 0 : Number(row[3])));
    assert.ok(errors[0] > 0, `${errors}`);
    assert.deepEqual(errors, errors.toSorted((a, b) => b - a));
    const names = await page.locator("article h2").allInnerTexts();
    assert.deepEqual(names, cells.map((row) => row[0]));
    assert.ok(names.includes(HOSTILE.replace(".png", "")), `${names}`);
    assert.equal(await page.locator("h2 img").count(), 0);
    assert.equal(await page.title(), "results - Cytoshade");
    for (const histogram of await page.locator("article svg").all()) {
      const label = await histogram.getAttribute("aria-label");
      assert.match(label, /^Diameters of \d+ cells?: |^No cells$/);
      assert.equal((await histogram.locator("rect").count()) > 0, label !== "No cells");
    }
    await page.close();
  });

  test("fits a phone in the dark", async () => {
    const { page, complaints } = await open(browser.context, sheet);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${width} pixels`);
    await page.screenshot({ path: `${SCREENSHOTS}/view-phone.png` });
    assert.deepEqual(complaints, []);
    await page.close();
  });
});
