"""Combinations of options for stacks in which every pair of values meets, on crops of the larger data (grid_stacks.json, by
grid_table.py)."""

import json
import logging
import pathlib
import warnings

import numpy as np
import tifffile

import reference
from fixture_folder import MODELS
from stages.pipeline import MODEL

logging.getLogger("cellpose").setLevel(logging.ERROR)
TABLE = pathlib.Path(__file__).resolve().parents[1] / "grid_stacks.json"
DATA = "$CYTOSHADE_TEST_DATA"
# the same weights in both files of the full width
NETWORKS = {"demo": MODEL, "full": f"{DATA}/models/cpnet_full.safetensors", "full_pth": f"{DATA}/models/cpnet_full.pth"}


def networks(stage):
    """name -> the reference with that network."""
    return {"demo": reference.segmenter(MODELS / "cytoshade-demo.safetensors"),
            "full": reference.segmenter(stage.data / "models" / "cpnet_full.safetensors"),
            "full_pth": reference.segmenter(stage.data / "models" / "cpnet_full.pth")}


def read(stage, file):
    """The stack [Z, H, W], or [Z, C, H, W] if it has channels, and its axes."""
    array = tifffile.imread(stage.data / "images" / file)
    if array.ndim == 4:
        return array.transpose(1, 0, 2, 3), {"z_axis": 0, "channel_axis": 1}
    return array, {"z_axis": 0}


def save_labels(stage, name, labels):
    """Writes a 16-bit TIFF of one page per z-slice. Returns the expected values of a case."""
    file = f"{name}.labels.tif"
    tifffile.imwrite(stage.path / file, labels.astype(np.uint16), compression="zlib")
    return {"labels": file, "cells": len(np.unique(labels[labels > 0]))}


def write(stage, rng):
    warnings.simplefilter("ignore")
    models = networks(stage)
    for number, row in enumerate(json.loads(TABLE.read_text())):
        array, axes = read(stage, row["file"])
        z0, z1, y0, y1, x0, x1 = row["crop"]
        array = np.ascontiguousarray(array[z0:z1, ..., y0:y1, x0:x1])
        params = reference.parameters({**axes, **row["changes"]})
        labels, *_ = reference.evaluate(models[row["network"]], array, **params)
        name = f"{'volume' if params['do_3D'] else 'layers'}_{number:02}"
        inputs = {"stack": f"{DATA}/images/{row['file']}", "model": NETWORKS[row["network"]]}
        stage.case(name, params, inputs, save_labels(stage, name, labels), crop=row["crop"])
