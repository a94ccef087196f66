// The demo page: an image in, its cells out.

import { Cytoshade } from "./cytoshade.js";
import { offer } from "./downloads.js";
import { histogram, median } from "./histogram.js";
import { paint, place } from "./paint.js";
import { Viewer } from "./viewer.js";

const MODEL = "cytoshade-demo.safetensors";
const MODEL_SHA256 = "d03e23905d7fb267d8cceda5e4d30d314877417bd61555e109811b706de0e2af";
const SAMPLE = "demo.png";
/** More would not fit into a tab's memory, several times over, with its results. */
const MOST_PIXELS = 64e6;

const $ = (id) => document.getElementById(id);
const form = $("form");
const field = form.elements;
const viewer = new Viewer($("view"), $("ring"));

/** The network, once it is ready, and its file. */
let cells;
let model = MODEL;
/** The file that estimates diameters for it, if there is one. */
let sizeModel;
/** The image's file, and what is known of it. */
let file;
let preview;
/** What was found in it. */
let found;
/** What the network was made ready with. */
const used = { backend: "auto", precision: "f32" };
/** Stops the segmentation that is running. */
let stop;
/** Stops the painting of what is no longer to be shown. */
let painting = new AbortController();

// Loading

/**
 * Makes a model ready as the fields say, with its size model if there is one. What could not be had is not what they say
 * afterwards.
 */
async function load(source, size) {
  $("device").textContent = "Loading the model…";
  const onProgress = ({ stage, done, total }) => {
    const part = stage === "download" && total ? ` ${Math.round((100 * done) / total)} %` : "";
    $("device").textContent = stage === "download" ? `Loading the model…${part}` : "Making the model ready…";
  };
  const [backend, precision] = [field.backend.value, field.precision.value];
  const [before, focused] = [cells, document.activeElement];
  $("loads").disabled = true;
  try {
    const sha256 = source === MODEL ? MODEL_SHA256 : undefined;
    cells = await Cytoshade.fromPretrained(source, { sha256, backend, precision, sizeModel: size, onProgress });
    Object.assign(used, { backend, precision });
    before?.dispose();
  } finally {
    for (const name of Object.keys(used)) field[name].value = used[name];
    $("device").textContent = cells ? ready(cells.describeAdapter()) : "No model";
    $("loads").disabled = false;
    if ($("loads").contains(focused)) focused.focus();
  }
  if (source === model && size === sizeModel && before) return;
  [model, sizeModel] = [source, size];
  $("sizemodel").textContent = size ? size.name : "none: diameters are not estimated";
  field.diameter.value = size ? "" : Math.round(cells.diameter * 10) / 10;
  field.diameter.required = !size;
  field.diameter.placeholder = size ? "estimated" : "";
  viewer.diameter = cells.diameter;
}

function ready({ backend, name, precision, refused }) {
  const lacks = precision === used.precision ? "" : `, which has no ${used.precision}`;
  const device = `${backend === "cpu" ? "the " : "the GPU: "}${name}${precision === "f32" ? "" : `, ${precision}`}${lacks}`;
  return `Ready on ${device}${refused ? `. The GPU is not used: ${refused}` : ""}`;
}

async function open(chosen) {
  problem();
  stop?.abort();
  if (!chosen) return;
  if (!cells) throw new Error("The model is not ready yet.");
  // A file that cannot be read leaves the one before it as it is.
  const seen = await look(chosen, 1, 0);
  forget();
  file = chosen;
  const { channels, images } = seen.preview;
  $("name").textContent = file.name;
  field.image.value = 1;
  field.image.max = images;
  $("which").hidden = images === 1;
  $("images").textContent = `of ${images}`;
  $("channels").hidden = channels === 1;
  const numbered = Array.from({ length: channels }, (_, at) => [`Channel ${at + 1}`, at + 1]);
  choices(field.channel, [["Color", 0], ...numbered]);
  choices(field.chan, [["Mean of all", 0], ...numbered]);
  choices(field.chan2, [["None", 0], ...numbered]);
  $("empty").hidden = true;
  for (const id of ["view", "tools"]) $(id).hidden = false;
  $("measure").disabled = false;
  show(seen);
  viewer.fit();
}

/** Reads an image of a file, with a channel of it to look at, or its colors for 0. */
async function look(file, image, channel) {
  const preview = await cells.preview(file, { image: image - 1, channel });
  const { png, width, height } = preview;
  if (width * height > MOST_PIXELS) {
    throw new Error(`The image has ${width} × ${height} pixels, more than a tab can hold: crop it or scale it down.`);
  }
  return { preview, bitmap: await createImageBitmap(png) };
}

function show(seen) {
  preview = seen.preview;
  viewer.show(seen.bitmap);
  $("view").setAttribute("aria-label", `${file.name}, ${preview.width} by ${preview.height} pixels`);
  form.querySelector("[type=submit]").disabled = false;
}

/** Looks at what the fields say. */
async function lookAgain() {
  problem();
  show(await look(file, field.image.valueAsNumber, Number(field.channel.value)));
}

function choices(select, options) {
  select.replaceChildren(...options.map(([text, value]) => new Option(text, value)));
}

// Running

/** What the fields ask for. Each has the name of its option, and one that is empty leaves it to the package. */
function options() {
  const asked = { image: field.image.valueAsNumber - 1, chan: Number(field.chan.value), chan2: Number(field.chan2.value) };
  for (const input of [field.diameter, ...$("more").querySelectorAll("input")]) {
    if (input.closest("#ends")) continue;
    if (input.type === "checkbox") asked[input.name] = input.checked;
    else if (input.value) asked[input.name] = input.valueAsNumber;
  }
  const how = field.intensities.value;
  if (how === "off") asked.normalize = false;
  else asked[how] = [field.low.valueAsNumber, field.high.valueAsNumber];
  return asked;
}

/** Percentiles lie between 0 and 100 and have defaults, intensities have neither. */
function ends() {
  const how = field.intensities.value;
  $("ends").hidden = how === "off";
  for (const input of [field.low, field.high]) {
    input.disabled = how === "off";
    [input.min, input.max] = how === "normRange" ? ["", ""] : [0, 100];
    input.value = how === "normRange" ? "" : input.defaultValue;
  }
}

function defaults() {
  for (const input of $("more").querySelectorAll("input")) [input.value, input.checked] = [input.defaultValue, input.defaultChecked];
  field.intensities.selectedIndex = 0;
  ends();
}

async function run() {
  problem();
  stop = new AbortController();
  busy(true);
  try {
    const start = performance.now();
    const result = await cells.segment(file, { ...options(), onProgress: progress, signal: stop.signal });
    await results(result, performance.now() - start);
  } finally {
    busy(false);
  }
}

function busy(on) {
  form.querySelector("[type=submit]").hidden = on;
  $("running").hidden = !on;
  $("progress").value = 0;
  $("step").textContent = "Starting";
  (on ? $("running").querySelector("button") : form.querySelector("[type=submit]")).focus();
}

function progress({ stage, done, total }) {
  const name = stage.replaceAll("_", " ");
  $("step").textContent = stage === "network" ? `Network: ${done} of ${total} tiles` : `${name[0].toUpperCase()}${name.slice(1)}`;
  // The tiles are nearly all of the work.
  const part = { channels: 0, normalize: 0.02, resize: 0.03, network: 0.05 + (0.85 * done) / total }[stage] ?? 0.92;
  $("progress").value = Math.max($("progress").value, part);
}

// Results

async function results(result, milliseconds) {
  found = result;
  const { count, areas, width, height, diameter } = found;
  const estimated = field.diameter.value ? "" : ` Diameter ${diameter.toFixed(1)} pixels, as estimated.`;
  viewer.diameter = diameter;
  const sorted = [...areas].sort((a, b) => a - b);
  $("count").textContent = count === 1 ? "1 cell" : `${count.toLocaleString("en")} cells`;
  const took = `${(milliseconds / 1000).toFixed(1)} s on ${found.device}`;
  const covered = (sorted.reduce((sum, area) => sum + area, 0) / (width * height)) * 100;
  $("summary").textContent = count
    ? `Median area ${median(sorted)} pixels, ${covered.toFixed(1)} % of the image covered.${estimated} ${took}.`
    : `Try another diameter or channel, or a lower cell probability.${estimated} ${took}.`;
  $("histogram").replaceChildren(...(count ? [histogram(areas)] : []));
  $("cell").max = count;
  $("cell").value = "";
  const stem = file.name.replace(/\.[^.]*$/, "");
  offer($("downloads"), cells.kinds, (kind) => cells.encode(found, kind), stem, attempt);
  $("results").hidden = false;
  await overlay();
}

async function overlay() {
  painting.abort();
  painting = new AbortController();
  const { signal } = painting;
  const how = document.querySelector("[name=show]:checked").value;
  const painted = found && how !== "image" ? await paint(found, how === "masks", signal) : undefined;
  if (signal.aborted) return;
  viewer.overlay = painted;
  viewer.draw();
}

/** What was found is not of this image any more. */
function forget() {
  painting.abort();
  found = undefined;
  viewer.overlay = undefined;
  $("results").hidden = true;
  $("readout").hidden = true;
}

function describe(label) {
  return `Cell ${label}: ${found.areas[label - 1].toLocaleString("en")} pixels`;
}

function hover([x, y] = [-1, -1]) {
  const inside = preview && x >= 0 && y >= 0 && x < preview.width && y < preview.height;
  const label = inside && found ? found.masks[y * found.width + x] : 0;
  $("readout").hidden = !inside;
  $("readout").textContent = label ? describe(label) : `${x}, ${y}`;
}

function goto(label) {
  const at = found && place(found, label);
  if (!at) return;
  viewer.center(...at);
  $("readout").hidden = false;
  $("readout").textContent = describe(label);
}

// Wiring

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error ? `${error.message[0].toUpperCase()}${error.message.slice(1)}` : "";
}

/** Does something; says what went wrong, unless it was only stopped. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") problem(error);
  }
}

const actions = {
  choose: () => $("file").click(),
  sample: () =>
    attempt(async () => {
      const blob = await (await fetch(SAMPLE)).blob();
      await open(new File([blob], SAMPLE));
    }),
  model: () => $("modelfile").click(),
  sizemodel: () => $("sizemodelfile").click(),
  defaults,
  cancel: () => stop.abort(),
  fit: () => viewer.fit(),
  in: () => viewer.zoom(1.5),
  out: () => viewer.zoom(1 / 1.5),
  measure(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    viewer.measure(on);
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-action]");
  if (button) actions[button.dataset.action](button);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(run);
});

field.diameter.addEventListener("input", () => (viewer.diameter = field.diameter.valueAsNumber || cells.diameter));
field.channel.addEventListener("change", () => attempt(lookAgain));
field.image.addEventListener("change", () => {
  stop?.abort();
  forget();
  attempt(lookAgain);
});
field.intensities.addEventListener("change", ends);
for (const select of [field.backend, field.precision]) {
  select.addEventListener("change", () => {
    problem();
    stop?.abort();
    attempt(() => load(model, sizeModel));
  });
}
// What is wrong must be seen: a browser says nothing about a field that is folded away.
form.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), true);
viewer.onMeasure = (diameter) => (field.diameter.value = diameter.toFixed(1));
viewer.onHover = hover;
for (const radio of document.querySelectorAll("[name=show]")) radio.addEventListener("change", () => attempt(overlay));
$("cell").addEventListener("input", () => goto($("cell").valueAsNumber));

$("file").addEventListener("change", () => {
  const [chosen] = $("file").files;
  // The same file may be chosen again.
  $("file").value = "";
  attempt(() => open(chosen));
});

/** Loads what is chosen in a file field as `loading` does. */
function chooses(id, loading) {
  $(id).addEventListener("change", () => {
    const [chosen] = $(id).files;
    $(id).value = "";
    if (!chosen) return;
    attempt(async () => {
      problem();
      stop?.abort();
      await loading(chosen);
    });
  });
}
chooses("modelfile", async (chosen) => {
  // The size model is of the network of before.
  await load(chosen);
  $("model").textContent = chosen.name;
});
chooses("sizemodelfile", (chosen) => load(model, chosen));

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("stage").classList.add("over");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || $("stage").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("stage").classList.remove("over");
  attempt(() => open(event.dataTransfer.files[0]));
});

navigator.serviceWorker?.register("sw.js").catch(() => {
  // A browser that keeps nothing still shows the page while it has a network.
});

await attempt(() => load(model));
