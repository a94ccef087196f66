"""Label images with difficult shapes, and crops of real images."""

import cv2
import numpy as np
import tifffile


def disk(shape, cy, cx, radius):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return (yy - cy) ** 2 + (xx - cx) ** 2 <= radius**2


def label_images():
    """name -> i32 labels 1..n without gaps."""
    return {"crowd": crowd(), "shapes": shapes(), "nested": nested(), "tiny": tiny(),
            "tessellation": tessellation((72, 64), 20)}


def crowd():
    """Disks apart, touching and cut by the border; a few small ones between."""
    shape = (88, 104)
    labels = np.zeros(shape, np.int32)
    disks = [(0, 10, 9), (12, 36, 10), (12, 57, 10), (8, 90, 6), (38, 14, 13), (36, 40, 9), (40, 58, 8), (34, 84, 14),
             (62, 34, 4), (60, 46, 3), (66, 64, 11), (87, 20, 12), (72, 2, 8), (70, 90, 8), (86, 103, 9), (84, 50, 7)]
    for k, (cy, cx, radius) in enumerate(disks):
        labels[disk(shape, cy, cx, radius) & (labels == 0)] = k + 1
    return labels


def shapes():
    """A horseshoe, a crescent, an L, a long thin rod, a dumb-bell."""
    shape = (80, 100)
    labels = np.zeros(shape, np.int32)
    horseshoe = disk(shape, 20, 20, 16) & ~disk(shape, 20, 20, 8)
    horseshoe[20:, 14:27] = False
    labels[horseshoe] = 1
    labels[disk(shape, 20, 58, 15) & ~disk(shape, 16, 66, 14)] = 2
    labels[44:72, 6:16] = 3
    labels[62:72, 6:36] = 3
    labels[46:51, 30:94] = 4
    labels[disk(shape, 66, 54, 8) | disk(shape, 66, 82, 8)] = 5
    labels[64:69, 54:82] = 5
    labels[4:30, 84:98] = 6
    return labels


def nested():
    """Rings: an empty one, one with a cell in its hole, one with two cells that touch it."""
    shape = (76, 96)
    labels = np.zeros(shape, np.int32)
    labels[disk(shape, 20, 20, 16) & ~disk(shape, 20, 20, 8)] = 1
    labels[disk(shape, 24, 64, 22) & ~disk(shape, 24, 64, 12)] = 2
    labels[disk(shape, 24, 64, 8)] = 3
    labels[disk(shape, 56, 22, 18) & ~disk(shape, 56, 22, 9)] = 4
    labels[disk(shape, 56, 22, 9) & (np.arange(96) < 22)] = 5
    labels[disk(shape, 56, 22, 9) & (np.arange(96) >= 22)] = 6
    labels[disk(shape, 62, 70, 9)] = 7
    return labels


def tiny():
    """Cells of 1 to 30 pixels."""
    labels = np.zeros((48, 60), np.int32)
    k = 0
    for row, height in enumerate((1, 2, 3, 5)):
        for column, width in enumerate((1, 2, 3, 4, 6)):
            k += 1
            labels[2 + 11 * row: 2 + 11 * row + height, 2 + 11 * column: 2 + 11 * column + width] = k
    return labels


def tessellation(shape, step):
    """Cells that cover everything, with slanted borders."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    sites = [(y + 3 * np.sin(x), x + 4 * np.cos(y)) for y in range(step // 2, shape[0], step)
             for x in range(step // 2, shape[1], step)]
    distance = np.stack([(yy - cy) ** 2 + (xx - cx) ** 2 for cy, cx in sites])
    return (1 + distance.argmin(0)).astype(np.int32)


def awkward_labels():
    """name -> u16 or u32 labels that fill_holes_and_remove_small_masks may get."""
    rng = np.random.default_rng(7)
    drilled = nested().astype(np.uint16)
    drilled[20, 10:13] = 0
    drilled[60, 70] = 0

    # a hole that opens to the outside over a corner only: a flood with 4 neighbours does not get in
    corner = np.zeros((16, 20), np.uint16)
    corner[3:12, 3:12] = 1
    corner[4:11, 4:11] = 0
    corner[3, 3] = 0
    corner[13:15, 13:19] = 2

    # labels 2, 5 and 6 are gone (as after the flow check): cellpose 3 then looks sizes up under the wrong labels
    gaps = np.zeros((40, 60), np.uint16)
    sizes = {1: (10, 10), 3: (3, 3), 4: (9, 12), 7: (2, 5), 8: (12, 12), 9: (4, 4), 11: (10, 12)}
    for k, (label, (height, width)) in enumerate(sizes.items()):
        y, x = 2 + 20 * (k // 4), 1 + 15 * (k % 4)
        gaps[y:y + height, x:x + width] = label

    # no zero anywhere: cellpose 3 then takes the first label for the background
    full = tessellation((30, 36), 9).astype(np.uint16)
    full[0:2, 0:3] = full.max() + 1

    speckled = crowd().astype(np.uint16)
    speckled[rng.random(speckled.shape) < 0.1] = 0
    return {"drilled": drilled, "corner": corner, "gaps": gaps, "gaps_u32": gaps.astype(np.uint32) + (gaps > 0) * np.uint32(70000),
            "full": full, "speckled": speckled, "empty": np.zeros((5, 7), np.uint16)}


def dsb2018(data, name):
    """Grey u8 [H, W] of one of the nuclei images."""
    return cv2.imread(str(data / "images" / "dsb2018" / f"{name}_img.png"), cv2.IMREAD_UNCHANGED)[..., 0]


def tiff(data, name):
    return tifffile.imread(data / "images" / name)
