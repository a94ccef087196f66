// Label images: how the reference's are read, and the measure of agreement with them.
import { readFile } from "node:fs/promises";
import { inflateSync } from "node:zlib";

/** The values of a grey PNG of 8 or 16 bits without interlacing, row by row. */
export async function readLabels(path) {
  const png = await readFile(path);
  const parts = [];
  let width, height, bytes;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") [width, height, bytes] = [data.readUInt32BE(0), data.readUInt32BE(4), data[8] / 8];
    if (kind === "IDAT") parts.push(data);
    at += length + 12;
  }
  const rows = inflateSync(Buffer.concat(parts));
  const stride = width * bytes;
  const labels = [];
  let above = Buffer.alloc(stride);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)];
    const row = Buffer.from(rows.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let x = 0; x < stride; x++) row[x] += predict(filter, row[x - bytes] ?? 0, above[x], above[x - bytes] ?? 0);
    for (let x = 0; x < stride; x += bytes) labels.push(bytes === 2 ? row.readUInt16BE(x) : row[x]);
    above = row;
  }
  return { labels, width, height };
}

function predict(filter, left, up, corner) {
  if (filter < 4) return [0, left, up, (left + up) >> 1][filter];
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/**
 * What keeps labels from agreeing with the reference's: every cell matched at an intersection over union of 0.9, none
 * extra, 99.9 % of the pixels in the same cell.
 */
export function disagreement(ours, reference) {
  if (ours.length !== reference.length) return `${ours.length} pixels, expected ${reference.length}`;
  const count = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const [mine, theirs, both] = [new Map(), new Map(), new Map()];
  ours.forEach((label, at) => {
    count(mine, label);
    count(theirs, reference[at]);
    count(both, `${label} ${reference[at]}`);
  });
  const match = new Map([[0, 0]]);
  for (const [pair, shared] of both) {
    const [our, their] = pair.split(" ").map(Number);
    if (our && their && shared / (mine.get(our) + theirs.get(their) - shared) >= 0.9) match.set(our, their);
  }
  const cells = [mine, theirs].map((sizes) => [...sizes.keys()].filter((label) => label).length);
  if (match.size - 1 !== cells[0] || match.size - 1 !== cells[1]) {
    return `${cells[0]} cells, expected ${cells[1]}; ${match.size - 1} match`;
  }
  const same = ours.filter((label, at) => match.get(label) === reference[at]).length;
  return same >= 0.999 * ours.length ? undefined : `${ours.length - same} pixels are in another cell`;
}
