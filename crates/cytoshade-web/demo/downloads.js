// Results as files.

/** What each kind is called, and what its file's name ends in. */
const KINDS = {
  png: ["PNG, 16 bit", "_cp_masks.png"],
  tiff: ["TIFF", "_cp_masks.tif"],
  rois: ["ImageJ ROIs", "_rois.zip"],
  csv: ["CSV", "_cells.csv"],
  geojson: ["GeoJSON", "_cells.geojson"],
};

/** Fills an element with a button for each kind. */
export function offer(element, kinds, encode, stem, attempt) {
  const buttons = kinds.map((kind) => {
    const [text, ending] = KINDS[kind] ?? [kind, `.${kind}`];
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => attempt(async () => save(await encode(kind), stem + ending)));
    return button;
  });
  element.replaceChildren(...buttons);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
