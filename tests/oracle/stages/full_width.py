"""Every 2-D sample image, whole, through CellposeModel.eval with a network of the published width."""

import warnings

import cv2
import numpy as np
from cellpose import io

import reference

MODEL = "$CYTOSHADE_TEST_DATA/models/cpnet_full.safetensors"
TWO_CHANNELS = "serialcellpose_2ch"
STARDIST = "stardist/tests_data_img2d.tif"


def write(stage, rng):
    warnings.simplefilter("ignore")
    folder = stage.data / "images"
    files = [*sorted(folder.glob("dsb2018/*_img.png")), *sorted(folder.glob(f"{TWO_CHANNELS}/*.tif")), folder / STARDIST]
    model = reference.segmenter(stage.data / "models" / "cpnet_full.safetensors")
    for file in files:
        cases = [{}]
        if file.parent.name == TWO_CHANNELS:
            cases.append({"channel_axis": 0, "chan": 1, "chan2": 2, "diameter": 60.0})
        for changes in cases:
            params = {**reference.DEFAULTS, **changes}
            name = "_".join([file.stem, *(f"{key}_{value}" for key, value in changes.items() if key != "channel_axis")])
            labels, *_ = reference.evaluate(model, io.imread(str(file)), **params)
            labels_file = f"{name}.labels.png"
            cv2.imwrite(str(stage.path / labels_file), labels.astype(np.uint16))
            image = f"$CYTOSHADE_TEST_DATA/images/{file.parent.name}/{file.name}"
            expected = {"labels": labels_file, "cells": len(np.unique(labels[labels > 0]))}
            stage.case(name, params, {"image": image, "model": MODEL}, expected)
