"""Restoration: denoise.DenoiseModel.eval, and CellposeDenoiseModel.eval, which segments the result.

No published network can be had here, so a small one of the same class is trained on noisy crops, for a minute.
"""

import logging
import warnings

import cv2
import numpy as np
import tifffile
import torch
from cellpose import denoise, resnet_torch, transforms

import reference
from fixture_folder import MODELS
from stages import pictures
from stages.pipeline import MODEL

logging.getLogger("cellpose").setLevel(logging.ERROR)
NBASE = [1, 8, 16, 32]
FILE = "denoise_small.safetensors"
STEPS = 200

# name of the image -> parameters of its cases; the reference reads the purpose from `name`
CASES = {
    "nuclei": [
        {}, {"diameter": 40.0}, {"diameter": 20.0}, {"diameter": 22.5, "name": "upsample_cyto3"},
        {"diameter": 45.0, "name": "upsample_cyto3"}, {"diameter": 30.0, "name": "denoise_nuclei"},
        {"diameter": 9.3, "name": "upsample_nuclei"}, {"invert": True, "diameter": 40.0},
        {"normalize": False}, {"percentile": [5.0, 95.0], "sharpen_radius": 5, "diameter": 40.0},
        {"bsize": 48, "tile_overlap": 0.3, "diameter": 26.0}, {"tile_norm_blocksize": 40, "diameter": 40.0},
    ],
    "two": [
        {"chan": 1, "chan2": 2}, {"chan": 1, "chan2": 2, "diameter": 43.1}, {"chan": 2, "chan2": 0, "diameter": 50.0},
        {"chan": 0, "chan2": 0}, {"chan": 1, "chan2": 2, "diameter": 21.0, "name": "upsample_cyto3"},
        {"chan": 2, "chan2": 1, "lowhigh": [0.0, 90.0]},
    ],
    "stack": [{"diameter": 26.0}, {"diameter": 26.0, "do_3D": True}, {"diameter": 26.0, "stitch_threshold": 0.3, "norm3D": False}],
}


def small_network(data):
    """A narrow CPnet as DenoiseModel builds it, trained for a few steps."""
    net = resnet_torch.CPnet(list(NBASE), 1, sz=3, mkldnn=False, max_pool=True, diam_mean=30.0)
    clean = [pictures.dsb2018(data, name).astype(np.float32) for name in ("777f7c426927", "df53d0b6c2c4")]
    clean = [transforms.normalize99(image) for image in clean]
    rng = np.random.default_rng(3)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    net.train()
    for _ in range(STEPS):
        batch = []
        for _ in range(4):
            image = clean[rng.integers(len(clean))]
            y, x = rng.integers(0, np.array(image.shape) - 64)
            batch.append(image[y:y + 64, x:x + 64])
        target = torch.from_numpy(np.stack(batch)[:, None])
        noisy = target + 0.3 * torch.from_numpy(rng.standard_normal(target.shape).astype(np.float32))
        loss = ((net(noisy)[0] - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def models(path, name, segmenter):
    """DenoiseModel and CellposeDenoiseModel around the small network; their constructors only accept published ones."""
    dn = denoise.DenoiseModel.__new__(denoise.DenoiseModel)
    dn.net = reference.PaddedStyle(reference.weights.network(path))
    dn.net_chan2, dn.nchan, dn.device = None, 1, torch.device("cpu")
    dn.pretrained_model = name
    dn.diam_mean = 17. if "nuclei" in name else 30.
    both = denoise.CellposeDenoiseModel.__new__(denoise.CellposeDenoiseModel)
    both.dn, both.cp = dn, segmenter
    return dn, both


def inputs(stage):
    """name -> (input's kind, file, array, parameters of every case)."""
    rng = np.random.default_rng(5)
    nuclei = pictures.dsb2018(stage.data, "777f7c426927")[30:80, 112:170].astype(np.float32)
    nuclei = np.clip(nuclei + 6 * rng.standard_normal(nuclei.shape), 0, 255).astype(np.uint8)
    cv2.imwrite(str(stage.path / "nuclei.png"), nuclei)
    two = pictures.tiff(stage.data, "serialcellpose_2ch/tile_0_0.tif")[:, 60:104, 70:118]
    tifffile.imwrite(stage.path / "two.tif", two, photometric="minisblack")
    stack = tifffile.imread(stage.path.parent / "volume" / "shallow.tif")
    return {
        "nuclei": ("image", "nuclei.png", nuclei, {}),
        "two": ("image", "two.tif", two, {"channel_axis": 0}),
        "stack": ("stack", "../volume/shallow.tif", stack, {"z_axis": 0}),
    }


def write(stage, rng):
    warnings.simplefilter("ignore")
    reference.weights.save_f16(small_network(stage.data), stage.path / FILE, {"description": "for tests"})
    segmenter = reference.segmenter(MODELS / "cytoshade-demo.safetensors")
    for image, (kind, file, array, own) in inputs(stage).items():
        for changes in CASES[image]:
            changes = dict(changes)
            purpose = changes.pop("name", "denoise_cyto3")
            p = reference.parameters({**own, **changes})
            dn, both = models(stage.path / FILE, purpose, segmenter)
            shared = dict(channels=reference.channels(p), channel_axis=p["channel_axis"], z_axis=p["z_axis"],
                          normalize=reference.normalization(p), diameter=p["diameter"], bsize=p["bsize"],
                          tile_overlap=p["tile_overlap"], do_3D=p["do_3D"])
            restored = dn.eval(array.copy(), **shared)
            labels = both.eval(array.copy(), **shared, invert=p["invert"], stitch_threshold=p["stitch_threshold"])[0]
            name = "_".join([image, purpose, *(f"{key}_{value}" for key, value in changes.items())])
            name = name.translate(str.maketrans({"[": None, "]": None, ",": None, " ": "_"}))
            labels_file = f"{name}.labels.tif"
            tifffile.imwrite(stage.path / labels_file, labels.astype(np.uint16), compression="zlib")
            # channels first
            restored = np.moveaxis(restored, -1, 0).astype(np.float32)
            stage.case(name, {**p, "purpose": purpose}, {kind: file, "restore": FILE, "model": MODEL},
                       {"restored": np.ascontiguousarray(restored), "labels": labels_file, "cells": int(labels.max()),
                        "ratio": dn.ratio})
