"""Diameters from the image, as in Cellpose.eval: a size model for each network, SizeModel.eval, then CellposeModel.eval at
that size."""

import warnings

import cv2
import numpy as np
from cellpose import utils

import reference
from fixture_folder import MODELS
from stages import pictures
from stages.pipeline import MODEL, images

FULL = "$CYTOSHADE_TEST_DATA/models/cpnet_full.safetensors"
# nuclei with labels, and the scales at which the size models are trained on them
SHOWN = (("777f7c426927", (0.5, 0.7, 1.0, 1.4)), ("e7a3a7c99483", (0.8, 1.1)), ("df53d0b6c2c4", (1.0, 1.6, 2.2)),
         ("20468e8779c4", (0.7, 1.0, 1.5)))
VARIATIONS = {
    "nuclei": [{}, {"invert": True}, {"percentile": [3.0, 97.0]}, {"resample": False, "flow_threshold": 0.0},
               {"augment": True, "bsize": 128}, {"sharpen_radius": 6}],
    "dense": [{}, {"tile_norm_blocksize": 60}],
    "two_channels": [{}, {"chan": 2, "chan2": 1}],
    "tiny": [{}],
    "constant": [{}],
}


def size_model(model, data):
    """The regression of cellpose.train.train_size, on few images: log of the diameter over diam_mean from the style."""
    styles, diameters = [], []
    for name, scales in SHOWN:
        image = pictures.dsb2018(data, name)
        labels = cv2.imread(str(data / "images" / "dsb2018" / f"{name}_label.png"), cv2.IMREAD_UNCHANGED)
        for scale in scales:
            shown = cv2.resize(image, None, fx=scale, fy=scale)
            styles.append(reference.evaluate(model, shown, resample=False)[3])
            diameters.append(scale * utils.diameters(labels)[0])
    styles = np.array(styles, np.float64)
    y = np.log(np.array(diameters) / model.diam_mean)
    smean, ymean = styles.mean(axis=0), y.mean()
    x = (styles - smean).T
    A = np.linalg.solve(x @ x.T + 1e-3 * np.eye(len(x)), x @ (y - ymean))
    return {"A": A, "smean": smean, "diam_mean": float(model.diam_mean), "ymean": ymean}


def write(stage, rng):
    warnings.simplefilter("ignore")
    crops = images(stage)
    # the crops themselves are in pipeline/
    for file in stage.path.iterdir():
        file.unlink()
    shown = {name: value for name, value in crops.items() if name in VARIATIONS}
    for network, file in (("demo", MODEL), ("full", FULL)):
        path = MODELS / "cytoshade-demo.safetensors" if network == "demo" else stage.data / "models/cpnet_full.safetensors"
        model = reference.segmenter(path)
        size = size_model(model, stage.data)
        size_file = f"{path.stem}_size.npy"
        np.save(stage.path / size_file, size)
        for image, (image_file, array, own) in shown.items():
            own = {key: value for key, value in own.items() if key != "diameter"}
            # one case per image with the published width, which is slow in tests
            for changes in VARIATIONS[image] if network == "demo" else VARIATIONS[image][:1]:
                params = reference.parameters({**own, **changes})
                name = "_".join([network, image, *(f"{key}_{value}" for key, value in changes.items())])
                name = name.translate(str.maketrans({"[": None, "]": None, ",": None, " ": "_"}))
                diameter, from_style = reference.size_estimate(model, size, array, **params)
                labels, *_ = reference.evaluate(model, array, **{**params, "diameter": diameter})
                labels_file = f"{name}.labels.png"
                cv2.imwrite(str(stage.path / labels_file), labels.astype(np.uint16))
                stage.case(name, params, {"image": f"../pipeline/{image_file}", "model": file, "size_model": size_file},
                           {"labels": labels_file, "cells": len(np.unique(labels[labels > 0])),
                            "diameter": diameter, "diameter_from_style": from_style})
