// Masks as something to look at.

/** Milliseconds of painting after which the page gets its turn. */
const SLICE = 8;

/** A bright color for a cell; cells that follow each other differ most. */
function color(label) {
  const hue = (label * 137.508) % 360;
  const part = (n) => {
    const k = (n + hue / 60) % 6;
    return Math.round(255 * (1 - 0.8 * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [part(5), part(3), part(1)];
}

/**
 * Paints the cells' outlines, or the cells with their outlines where `filled`, a few rows at a time, so that the page
 * stays awake. Gives a canvas of the masks' size; nothing where `signal` was aborted meanwhile.
 */
export async function paint({ masks, count, width, height }, filled, signal) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const colors = Array.from({ length: count + 1 }, (_, label) => color(label));
  const rows = Math.max(1, Math.min(height, Math.ceil(2 ** 16 / width)));
  let start = performance.now();
  for (let top = 0; top < height; top += rows) {
    const strip = context.createImageData(width, Math.min(rows, height - top));
    for (let at = top * width, to = 0; to < strip.data.length; at++, to += 4) {
      const label = masks[at];
      if (!label) continue;
      const x = at % width;
      const inside =
        (x === 0 || masks[at - 1] === label) &&
        (x + 1 === width || masks[at + 1] === label) &&
        (at < width || masks[at - width] === label) &&
        (at + width >= masks.length || masks[at + width] === label);
      if (inside && !filled) continue;
      strip.data.set(colors[label], to);
      strip.data[to + 3] = inside ? 110 : 255;
    }
    context.putImageData(strip, 0, top);
    if (performance.now() - start > SLICE) {
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) return undefined;
      start = performance.now();
    }
  }
  return canvas;
}

/** The middle pixel of the row-by-row list of a cell's pixels: a place to look at. */
export function place({ masks, width }, label) {
  const first = masks.indexOf(label);
  const last = masks.lastIndexOf(label);
  if (first < 0) return undefined;
  let x = 0;
  let found = 0;
  for (let at = first; at <= last; at++) {
    if (masks[at] === label) {
      x += at % width;
      found++;
    }
  }
  return [x / found, (Math.floor(first / width) + Math.floor(last / width)) / 2];
}
