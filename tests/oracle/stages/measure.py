"""skimage.measure.regionprops_table, with the sum of intensities, which it lacks; and the reference's picture of flows."""

import warnings

import numpy as np
import tifffile
from cellpose import plot
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.measure import regionprops_table

from stages import pictures

SIZES = ("label", "area", "centroid", "bbox", "equivalent_diameter_area", "axis_major_length", "axis_minor_length",
         "solidity", "extent")
PLANE = ("perimeter", "eccentricity", "orientation")
INTENSITIES = ("intensity_mean", "intensity_min", "intensity_max", "intensity_std")
LARGE = ("dsb2018/06c779330d6d", "dsb2018/9586e48a9a43", "dsb2018/f4c4db3df4ff")


def intensity_sum(mask, intensities):
    return intensities[mask].sum(axis=0, dtype=np.float64)


def table(labels, image, spacing=None):
    """The columns of `regionprops_table`. `image` has its channels last; of one channel, it has no such axis."""
    properties = SIZES
    if labels.ndim == 2:
        properties += PLANE if spacing is None or spacing[0] == spacing[1] else PLANE[1:]
    with warnings.catch_warnings():
        # A flat cell of a stack has no hull: its solidity is infinite.
        warnings.simplefilter("ignore")
        columns = regionprops_table(labels, image, properties=properties + INTENSITIES, spacing=spacing,
                                    extra_properties=(intensity_sum,))
    return {name: [None if not np.isfinite(value) else value for value in column.tolist()]
            for name, column in columns.items()}


def case(stage, name, labels, image, spacing=None):
    """`image`: channels first."""
    last = np.moveaxis(image, 0, -1) if len(image) > 1 else image[0]
    expected = {"table": table(labels, last)}
    if spacing is not None:
        expected["physical"] = table(labels, last, spacing)
    stage.case(name, {"dtype": str(image.dtype), "pixel_size": spacing}, {"labels": labels, "image": image}, expected)


def blobs(rng, shape, cells):
    """Cells of any form: some touch, some have holes or several parts; labels have gaps."""
    noise = gaussian_filter(rng.normal(0, 1, (cells, *shape)), (0, *[2.5] * len(shape)))
    labels = noise.argmax(axis=0) + 1
    labels[noise.max(axis=0) < np.quantile(noise.max(axis=0), 0.3)] = 0
    return (labels * 3).astype(np.uint16)


def lines():
    """Cells of a pixel, lines in all directions, and cells of parts that do not touch."""
    labels = np.zeros((40, 44), np.uint16)
    labels[0, 0] = 1
    labels[2, 3:20] = 2
    labels[4:30, 2] = 3
    at = np.arange(12)
    labels[5 + at, 5 + at] = 4
    labels[30 - at, 6 + at] = 5
    labels[20 + at // 2, 22 + at] = 6
    labels[33, 10] = labels[39, 43] = labels[33, 20] = 7
    labels[5:15, 30:40] = 8
    labels[8:12, 33:37] = 0
    labels[9:11, 34:36] = 9
    labels[20:27, 36:41] = 70000 % 65536
    return labels


def write(stage, rng):
    for name, labels in {**pictures.label_images(), "lines": lines(), "blobs": blobs(rng, (64, 72), 9)}.items():
        labels = labels.astype(np.uint16)
        image = rng.integers(0, 65536, (2, *labels.shape)).astype(np.uint16)
        case(stage, name, labels, image, [0.31, 0.31])
    labels = blobs(rng, (50, 47), 6)
    case(stage, "floats", labels, rng.normal(1e5, 1e-2, (1, 50, 47)), [0.5, 1.25])
    case(stage, "bytes", labels, rng.integers(0, 256, (3, 50, 47)).astype(np.uint8))

    labels = blobs(rng, (14, 24, 22), 7)
    case(stage, "volume_blobs", labels, rng.integers(0, 4096, (2, *labels.shape)).astype(np.uint16), [2.0, 0.4, 0.4])
    labels = np.zeros((6, 9, 9), np.uint16)
    labels[0, 0, 0] = 1  # flat cells
    labels[2, 1:5, 1:5] = 2
    labels[1:4, 6, 6] = 3
    labels[4:6, 1:3, 1:3] = 4
    labels[3:6, 5:9, 4] = 5
    case(stage, "volume_flat", labels, rng.normal(0, 1, (1, *labels.shape)))

    for name, scale in (("flows", 5.0), ("weak_flows", 1e-4)):
        flows = gaussian_filter(rng.normal(0, 1, (2, 41, 53)), (0, 3, 3)) * 12
        flows = (flows * scale / 5).astype(np.float32)
        stage.case(name, {}, {"flows": flows}, {"rgb": plot.dx_to_circ(flows)}, file="flow_cases.json")

    for name in LARGE:
        path = f"images/{name}"
        labels = np.array(Image.open(stage.data / f"{path}_label.png")).astype(np.uint16)
        image = np.array(Image.open(stage.data / f"{path}_img.png"))
        image = image[..., None] if image.ndim == 2 else image[..., :3]
        last = image if image.shape[-1] > 1 else image[..., 0]
        stage.case(name.replace("/", "_"), {}, {"labels": f"$CYTOSHADE_TEST_DATA/{path}_label.png",
                                                "image": f"$CYTOSHADE_TEST_DATA/{path}_img.png"},
                   {"table": table(labels, last)})
    for labels, image in (("stardist/stardist_data_images_mask3d", "stardist/stardist_data_images_img3d"),
                          ("qcanet_3d/8_cell_label_derived", "qcanet_3d/8_cell_raw")):
        files = [stage.data / "images" / f"{file}.tif" for file in (labels, image)]
        found = table(tifffile.imread(files[0]).astype(np.uint16), tifffile.imread(files[1]))
        stage.case("volume_" + labels.split("/")[0], {},
                   {"labels": f"$CYTOSHADE_TEST_DATA/images/{labels}.tif",
                    "image": f"$CYTOSHADE_TEST_DATA/images/{image}.tif"}, {"table": found})
