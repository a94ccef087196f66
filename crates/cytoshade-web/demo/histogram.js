// Sizes of the cells as bars.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 288;
const HEIGHT = 120;
const BASE = 100;

function element(name, attributes, text) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A step of 1, 2 or 5 times a power of ten that makes at most `most` bins of a range. */
function step(range, most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(range / most, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => range / size <= most);
}

export function median(sorted) {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** An SVG of how many cells have which area. */
export function histogram(areas) {
  const most = areas.reduce((most, area) => Math.max(most, area), 1);
  const size = step(most + 1, 24);
  const bins = new Array(Math.floor(most / size) + 1).fill(0);
  for (const area of areas) bins[Math.floor(area / size)]++;
  const tallest = Math.max(...bins);
  const wide = WIDTH / bins.length;

  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  svg.append(element("title", {}, `Histogram of cell areas, ${size} pixels a bar; at most ${tallest} cells in one`));
  bins.forEach((count, bin) => {
    const height = (count / tallest) * (BASE - 14);
    const attributes = { x: bin * wide + 0.5, width: Math.max(wide - 1, 0.5), y: BASE - height, height };
    const bar = element("rect", attributes);
    bar.append(element("title", {}, `${bin * size} to ${(bin + 1) * size - 1} pixels: ${count}`));
    svg.append(bar);
  });
  svg.append(
    element("line", { x1: 0, x2: WIDTH, y1: BASE, y2: BASE }),
    element("text", { x: 0, y: 10 }, `${tallest} cells`),
    element("text", { x: 0, y: BASE + 14 }, "0"),
    element("text", { x: WIDTH, y: BASE + 14, "text-anchor": "end" }, `${bins.length * size} pixels`),
  );
  return svg;
}
