"""Every sample image and stack, whole, through CellposeModel.eval with every network."""

import warnings

import cv2
import numpy as np
import torch
from cellpose import io

import answers
import reference
from stages import grid_stacks
from stages.grid_stacks import DATA, NETWORKS

TWO_CHANNELS = "serialcellpose_2ch"
STARDIST = "stardist/tests_data_img2d.tif"
DIAMETER_3D = {"qcanet_3d/8_cell_raw.tif": 26.0, "stardist/stardist_data_images_img3d.tif": 15.0,
               "plantseg_3d/rgb_3D_c_raw.tif": 30.0}


# Whether two of the cells here are one depends on how the network rounds.
UNSETTLED = ["full_stardist_do_3D"]


def planes(stage):
    """(file, name, array, parameters) of every case."""
    folder = stage.data / "images"
    files = [*sorted(folder.glob("dsb2018/*_img.png")), *sorted(folder.glob(f"{TWO_CHANNELS}/*.tif")), folder / STARDIST]
    for file in files:
        cases = [{}]
        if file.parent.name == TWO_CHANNELS:
            cases.append({"channel_axis": 0, "chan": 1, "chan2": 2, "diameter": 60.0})
        for changes in cases:
            name = "_".join([file.stem, *(f"{key}_{value}" for key, value in changes.items() if key != "channel_axis")])
            yield f"{file.parent.name}/{file.name}", name, io.imread(str(file)), {**reference.DEFAULTS, **changes}


def stacks(stage):
    for file, diameter in DIAMETER_3D.items():
        array, axes = grid_stacks.read(stage, file)
        channels = {"chan": 1, "chan2": 2} if array.ndim == 4 else {}
        for way in ({"do_3D": True}, {"stitch_threshold": 0.3}):
            params = reference.parameters({**axes, **channels, "diameter": diameter, **way})
            yield file, f"{file.split('/')[0]}_{'_'.join(way)}", array, params


def same_weights(a, b):
    a, b = a.net.state_dict(), b.net.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def write(stage, rng):
    warnings.simplefilter("ignore")
    models = grid_stacks.networks(stage)
    # so each runs only once, and both files expect the same labels
    assert same_weights(models["full"], models["full_pth"])
    for network, files in (("demo", ["demo"]), ("full", ["full", "full_pth"])):
        for file, name, array, params in planes(stage):
            labels, *_ = reference.evaluate(models[network], array, **params)
            labels_file = f"{network}_{name}.labels.png"
            cv2.imwrite(str(stage.path / labels_file), labels.astype(np.uint16))
            expected = {"labels": labels_file, "cells": len(np.unique(labels[labels > 0]))}
            for model in files:
                stage.case(f"{model}_{name}", params, {"image": f"{DATA}/images/{file}", "model": NETWORKS[model]}, expected)
        for file, name, array, params in stacks(stage):
            case = f"{network}_{name}"
            expected = grid_stacks.save_labels(stage, case, reference.evaluate(models[network], array, **params)[0])
            if case in UNSETTLED:
                expected["answers"] = answers.save(stage, case, models[network], array, params)
            for model in files:
                inputs = {"stack": f"{DATA}/images/{file}", "model": NETWORKS[model]}
                stage.case(f"{model}_{name}", params, inputs, expected, file="stack_cases.json")
