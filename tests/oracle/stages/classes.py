"""Networks of other channel counts: inputs other than two, outputs beyond dY, dX and cellprob. Untrained, small."""

import warnings

import cv2
import numpy as np
import tifffile
import torch
from cellpose import resnet_torch

import reference
from stages import pictures

# inputs, outputs -> images and parameters
NETWORKS = {
    (1, 3): [("grey", {}), ("three", {}), ("three", {"bsize": 32})],
    (3, 5): [("three", {}), ("three", {"diameter": 20.0}), ("grey", {}), ("three", {"lowhigh": [[0.0, 90.0], [5.0, 60.0], [0.0, 40.0]]})],
    (2, 4): [("three", {"all_channels": False, "chan": 3, "chan2": 1}), ("three", {"resample": False, "diameter": 40.0})],
    (2, 3): [("three", {})],
}


def write(stage, rng):
    warnings.simplefilter("ignore")
    two = pictures.tiff(stage.data, "serialcellpose_2ch/tile_0_0.tif")[:, 100:130, 30:66]
    three = np.concatenate([two, two[:1, ::-1]])
    tifffile.imwrite(stage.path / "three.tif", three, photometric="minisblack")
    cv2.imwrite(str(stage.path / "grey.png"), two[0])
    images = {"three": ("three.tif", three, {"channel_axis": 0}), "grey": ("grey.png", two[0], {})}
    for (inputs, outputs), cases in NETWORKS.items():
        net = resnet_torch.CPnet([inputs, 6, 9], outputs, sz=3, mkldnn=False, max_pool=True, diam_mean=30.0)
        file = f"network_{inputs}_{outputs}.safetensors"
        reference.weights.save_f16(net, stage.path / file, {"description": "untrained, for tests"})
        # untrained networks amplify what torch rounds in f32
        model = reference.segmenter(stage.path / file, torch.float64)
        for image, changes in cases:
            image_file, array, own = images[image]
            p = reference.parameters({"all_channels": True, **own, **changes})
            labels, flows, cellprob, style = reference.evaluate(model, array, **p)
            name = "_".join([f"{inputs}_{outputs}", image, *(f"{key}_{value}" for key, value in changes.items())])
            name = name.translate(str.maketrans({"[": None, "]": None, ",": None, " ": "_"}))
            labels_file = f"{name}.labels.png"
            cv2.imwrite(str(stage.path / labels_file), labels.astype(np.uint16))
            stage.case(name, p, {"image": image_file, "model": file},
                       {"labels": labels_file, "cells": int(labels.max()), "flows": flows, "cellprob": cellprob,
                        "style": style})
