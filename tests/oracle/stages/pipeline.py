"""Whole images through CellposeModel.eval with the bundled model."""

import shutil
import warnings

import cv2
import numpy as np
import tifffile

import reference
from fixture_folder import MODELS
from stages import pictures

MODEL = "../../../models/cytoshade-demo.safetensors"
DEMO = "../../../models/demo.png"


def images(stage):
    """name -> (file relative to the stage's folder, array as cellpose.io.imread gives it, parameters of every case)."""
    def png(name, array):
        cv2.imwrite(str(stage.path / name), array)
        return name, array

    def tif(name, array):
        tifffile.imwrite(stage.path / name, array, photometric="minisblack")
        return name, array

    crop = pictures.dsb2018(stage.data, "777f7c426927")[20:215, 100:340]
    small = pictures.dsb2018(stage.data, "df53d0b6c2c4")[60:200, 80:261]
    stardist = pictures.tiff(stage.data, "stardist/tests_data_img2d.tif")[40:180, 30:200]
    two = pictures.tiff(stage.data, "serialcellpose_2ch/tile_0_0.tif")[:, 20:220, 30:256]
    return {
        "nuclei": (*png("nuclei.png", crop), {"diameter": 43.0}),
        "dense": (*tif("dense_u16.tif", small.astype(np.uint16) * 257), {"diameter": 14.0}),
        "stardist": (*png("stardist.png", stardist), {"diameter": 9.0}),
        "two_channels": (*tif("two_channels.tif", two), {"channel_axis": 0, "chan": 1, "chan2": 2, "diameter": 60.0}),
        "tiny": (*png("tiny.png", crop[100:117, 60:83]), {"diameter": 43.0}),
        "constant": (*png("constant.png", np.full((20, 30), 7, np.uint8)), {}),
        "demo": (DEMO, cv2.imread(str(MODELS / "demo.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0]], {"channel_axis": 2}),
    }


# name of the image -> parameters of further cases, on top of the image's own
VARIATIONS = {
    "nuclei": [
        {"diameter": None}, {"diameter": 30.0}, {"diameter": 61.7}, {"diameter": 20.0},
        {"invert": True}, {"resample": False}, {"augment": True}, {"augment": True, "diameter": 20.0},
        {"interp": False}, {"niter": 40}, {"bsize": 128, "diameter": 25.0}, {"tile_overlap": 0.25, "diameter": 20.0},
        {"normalize": False}, {"percentile": [3.0, 97.0]}, {"lowhigh": [0.0, 60.0]},
        {"cellprob_threshold": 1.5}, {"flow_threshold": 0.15}, {"flow_threshold": 0.0}, {"min_size": -1},
        {"min_size": 600}, {"max_size_fraction": 0.02}, {"resample": False, "augment": True, "interp": False},
    ],
    "dense": [{"resample": False}, {"diameter": 10.0, "bsize": 96}],
    "two_channels": [{"chan2": 0}, {"chan": 2, "chan2": 1}, {"chan": 2, "chan2": 0, "diameter": 45.0},
                     {"chan": 0, "chan2": 0}, {"invert": True}],
    "tiny": [{"diameter": 12.0, "augment": True}],
    "demo": [{"diameter": 25.0}],
}
WITH_FLOWS = ("nuclei_resample_False", "stardist", "tiny", "constant")


def write(stage, rng):
    warnings.simplefilter("ignore")
    # the crops that are not public domain keep their licence beside them
    shutil.copyfile(stage.data / "images/stardist/LICENSE.txt", stage.path / "stardist.LICENSE.txt")
    shutil.copyfile(stage.data / "images/serialcellpose_2ch/LICENSE", stage.path / "two_channels.LICENSE.txt")
    model = reference.segmenter(MODELS / "cytoshade-demo.safetensors")
    for image, (file, array, own) in images(stage).items():
        for changes in [{}, *VARIATIONS.get(image, [])]:
            params = {**reference.DEFAULTS, **own, **changes}
            name = "_".join([image, *(f"{key}_{value}" for key, value in changes.items())])
            name = name.translate(str.maketrans({"[": None, "]": None, ",": None, " ": "_"}))
            labels, flows, cellprob, style = reference.evaluate(model, array, **params)
            labels_file = f"{name}.labels.png"
            cv2.imwrite(str(stage.path / labels_file), labels.astype(np.uint16))
            expected = {"labels": labels_file, "cells": len(np.unique(labels[labels > 0])), "style": style}
            if name in WITH_FLOWS:
                expected |= {"flows": flows, "cellprob": cellprob}
            stage.case(name, params, {"image": file, "model": MODEL}, expected)
