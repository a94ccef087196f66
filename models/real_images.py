"""The real images: those that train the bundled network, and those that only measure it.

All are fluorescence nuclei of BBBC038 (Data Science Bowl 2018, CC0), in $CYTOSHADE_TEST_DATA/images/dsb2018,
except one more that is only measured on: StarDist's test image (BSD-3-Clause).
"""

import pathlib

import cv2
import numpy as np
import tifffile

# Nuclei of 25 to 50 pixels that are not trained on, and one image of 9 pixels (StarDist's) for the record.
HELD_OUT = ("5bb8508ff8ec", "e7a3a7c99483")
TRAINING = ("06c779330d6d", "777f7c426927", "20468e8779c4", "615985773f14", "9586e48a9a43", "df53d0b6c2c4",
            "f4c4db3df4ff")


def two_planes(grey):
    return np.stack([grey.astype(np.float32), np.zeros(grey.shape, np.float32)])


def without_gaps(labels):
    values = np.unique(labels)
    return np.searchsorted(values, labels).astype(np.int32)


def dsb2018(data, name):
    folder = pathlib.Path(data) / "images" / "dsb2018"
    image = cv2.imread(str(folder / f"{name}_img.png"), cv2.IMREAD_UNCHANGED)
    labels = cv2.imread(str(folder / f"{name}_label.png"), cv2.IMREAD_UNCHANGED)
    return name, two_planes(image[..., 0]), without_gaps(labels)


def training(data):
    """(name, planes f32 [2, H, W], labels) of every training image, without its wide empty margins."""
    return [cropped(*dsb2018(data, name)) for name in TRAINING]


def cropped(name, planes, labels, margin=20):
    y, x = np.nonzero(labels)
    window = (slice(max(0, y.min() - margin), y.max() + margin), slice(max(0, x.min() - margin), x.max() + margin))
    return name, planes[(slice(None), *window)], labels[window]


def held_out(data):
    """(name, planes, labels) of the images that only measure the network."""
    folder = pathlib.Path(data) / "images" / "stardist"
    stardist = ("stardist_img2d", two_planes(tifffile.imread(folder / "tests_data_img2d.tif")),
                without_gaps(tifffile.imread(folder / "tests_data_mask2d.tif")))
    return [dsb2018(data, name) for name in HELD_OUT] + [stardist]
