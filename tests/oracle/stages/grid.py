"""Combinations of options in which every pair of values meets, on crops of the larger data (grid.json, written by grid_table.py)."""

import json
import logging
import pathlib
import warnings

import cv2
import numpy as np
from cellpose import io

import answers
import reference
from fixture_folder import MODELS
from stages.pipeline import MODEL

logging.getLogger("cellpose").setLevel(logging.ERROR)
TABLE = pathlib.Path(__file__).resolve().parents[1] / "grid.json"
DATA = "$CYTOSHADE_TEST_DATA"
NETWORKS = {"demo": (MODEL, "cytoshade-demo"), "full": (f"{DATA}/models/cpnet_full.safetensors", "cpnet_full")}

# Whether a cell of 24 pixels is one by itself depends on how the network rounds.
UNSETTLED = ["plane_10"]


def read(stage, row):
    """The crop, [C, H, W] or [H, W]."""
    array = io.imread(str(stage.data / "images" / row["file"]))
    if array.ndim == 3 and array.shape[-1] in (3, 4):
        # colors last; alpha dropped, as the reader drops it
        array = array[..., :3].transpose(2, 0, 1)
    y0, y1, x0, x1 = row["crop"]
    return np.ascontiguousarray(array[..., y0:y1, x0:x1])


def write(stage, rng):
    warnings.simplefilter("ignore")
    models = {"demo": reference.segmenter(MODELS / "cytoshade-demo.safetensors"),
              "full": reference.segmenter(stage.data / "models" / "cpnet_full.safetensors")}
    sizes = {network: np.load(stage.path.parent / "diameter" / f"{file}_size.npy", allow_pickle=True).item()
             for network, (_, file) in NETWORKS.items()}
    for number, row in enumerate(json.loads(TABLE.read_text())):
        array = read(stage, row)
        p = reference.parameters({"channel_axis": 0 if array.ndim == 3 else None, **row["changes"]})
        model, size_model = NETWORKS[row["network"]]
        inputs = {"image": f"{DATA}/images/{row['file']}", "model": model}
        run = dict(p)
        if row["auto"]:
            inputs["size_model"] = f"../diameter/{size_model}_size.npy"
            run["diameter"], _ = reference.size_estimate(models[row["network"]], sizes[row["network"]], array, **p)
        labels, *_ = reference.evaluate(models[row["network"]], array, **run)
        name = f"plane_{number:02}"
        file = f"{name}.labels.png"
        cv2.imwrite(str(stage.path / file), labels.astype(np.uint16))
        expected = {"labels": file, "cells": int(len(np.unique(labels[labels > 0])))}
        if name in UNSETTLED:
            expected["answers"] = answers.save(stage, name, models[row["network"]], array, run)
        stage.case(name, p, inputs, expected, crop=row["crop"])
