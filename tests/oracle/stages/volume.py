"""Stacks: CellposeModel.eval with do_3D, with stitch_threshold and with neither; the 3-D dynamics step by step."""

import logging
import shutil
import warnings

import numpy as np
import tifffile
import torch
from cellpose import dynamics, utils

import reference
from fixture_folder import MODELS
from stages import pictures
from stages.dynamics import noisy
from stages.pipeline import MODEL

CPU = torch.device("cpu")
logging.getLogger("cellpose").setLevel(logging.ERROR)

VARIATIONS = {
    "embryo": [
        {"do_3D": True}, {"do_3D": True, "anisotropy": 1.7}, {"do_3D": True, "flow3D_smooth": 1},
        {"do_3D": True, "flow3D_smooth": 2.5, "anisotropy": 0.6, "diameter": 18.0},
        {"do_3D": True, "resample": False, "diameter": 40.0}, {"do_3D": True, "interp": False},
        {"do_3D": True, "resample": False, "anisotropy": 1.5, "diameter": 20.0, "interp": False},
        {"do_3D": True, "augment": True, "bsize": 96}, {"do_3D": True, "min_size": 2000, "cellprob_threshold": 2.0},
        {"do_3D": True, "max_size_fraction": 0.03, "niter": 60},
        {"do_3D": True, "sharpen_radius": 4, "percentile": [2.0, 98.0]}, {"do_3D": True, "invert": True},
        {"stitch_threshold": 0.3}, {"stitch_threshold": 0.8}, {"stitch_threshold": 0.25, "norm3D": False},
        {"stitch_threshold": 0.3, "resample": False, "min_size": 300}, {"stitch_threshold": 0.1, "min_size": -1},
        {}, {"bsize": 64, "invert": True},
    ],
    "spots": [{"do_3D": True}, {"do_3D": True, "diameter": 17.0, "flow3D_smooth": 1.5}, {"stitch_threshold": 0.2}],
    "two_channels": [
        {"do_3D": True}, {"do_3D": True, "chan": 2, "chan2": 1, "anisotropy": 1.3}, {"do_3D": True, "chan": 1, "chan2": 0},
        {"stitch_threshold": 0.4, "chan": 2}, {"stitch_threshold": 0.3, "chan": 0, "lowhigh": [0.0, 150.0]},
        {"stitch_threshold": 0.3, "lowhigh": [[0.0, 150.0], [10.0, 90.0]]},
    ],
    "shallow": [{"do_3D": True}, {"do_3D": True, "anisotropy": 3.0, "diameter": 20.0}, {"stitch_threshold": 0.3}],
}
WITH_FLOWS = ("shallow_do_3D", "shallow_stitch_threshold_0.3")


def to_8_bit(stack):
    low, high = np.percentile(stack, (0.1, 99.9))
    return np.clip((stack.astype(np.float64) - low) / (high - low) * 255, 0, 255).astype(np.uint8)


def stacks(stage):
    """name -> (file, array, parameters of every case)."""
    def tif(name, array, own):
        tifffile.imwrite(stage.path / name, array, photometric="minisblack", compression="zlib")
        return name, array, {"z_axis": 0, **own}

    embryo = to_8_bit(pictures.tiff(stage.data, "qcanet_3d/8_cell_raw.tif")[14:32, 28:92, 30:98])
    spots = to_8_bit(pictures.tiff(stage.data, "stardist/stardist_data_images_img3d.tif")[4:20, :44, :48])
    two = to_8_bit(pictures.tiff(stage.data, "plantseg_3d/rgb_3D_c_raw.tif")[:, 20:34, 5:65, 8:60])
    np.save(stage.path / "two_channels.npy", two.transpose(1, 0, 2, 3))
    return {
        "embryo": tif("embryo.tif", embryo, {"diameter": 26.0}),
        "spots": tif("spots.tif", spots, {"diameter": 11.0}),
        "two_channels": ("two_channels.npy", two.transpose(1, 0, 2, 3),
                         {"z_axis": 0, "channel_axis": 1, "chan": 1, "chan2": 2, "diameter": 24.0}),
        "shallow": tif("shallow.tif", np.ascontiguousarray(embryo[6:11, 8:40, 20:60]), {"diameter": 26.0}),
    }


def named(changes):
    words = [key if value is True else f"{key}_{value}" for key, value in changes.items()]
    return "_".join(words).translate(str.maketrans({"[": None, "]": None, ",": None, " ": "_"}))


def whole(stage):
    for folder, file in (("qcanet_3d", "LICENSE"), ("stardist", "LICENSE.txt"), ("plantseg_3d", "LICENSE")):
        shutil.copyfile(stage.data / "images" / folder / file, stage.path / f"{folder}.LICENSE.txt")
    model = reference.segmenter(MODELS / "cytoshade-demo.safetensors")
    for stack, (file, array, own) in stacks(stage).items():
        for changes in VARIATIONS[stack]:
            params = reference.parameters({**own, **changes})
            name = "_".join(filter(None, [stack, named(changes)]))
            labels, flows, cellprob, _ = reference.evaluate(model, array, **params)
            labels_file = f"{name}.labels.tif"
            tifffile.imwrite(stage.path / labels_file, labels.astype(np.uint16), compression="zlib")
            expected = {"labels": labels_file, "cells": int(labels.max())}
            if name in WITH_FLOWS:
                expected |= {"flows": flows, "cellprob": cellprob}
            stage.case(name, params, {"stack": file, "model": MODEL}, expected)


def balls(shape, centers):
    zz, yy, xx = np.mgrid[: shape[0], : shape[1], : shape[2]]
    labels = np.zeros(shape, np.int32)
    for k, (z, y, x, radius) in enumerate(centers):
        labels[((zz - z) ** 2 + (yy - y) ** 2 + (xx - x) ** 2 <= radius**2) & (labels == 0)] = k + 1
    return labels


def drawn(rng):
    """Flows of balls that touch each other and the border, summed over three orientations as a network's."""
    labels = balls((13, 26, 29), ((6, 7, 7, 6), (5, 17, 10, 5), (8, 12, 21, 7), (1, 23, 24, 4), (11, 2, 22, 4), (12, 24, 4, 3)))
    unit = dynamics.masks_to_flows(labels)
    flows = 5 * unit + 0.8 * rng.standard_normal(unit.shape)
    cellprob = np.where(labels > 0, 6.0, -6.0) + 2 * rng.standard_normal(labels.shape)
    return flows.astype(np.float32), cellprob.astype(np.float32)


DYNAMICS = ({}, {"interp": False}, {"niter": 9}, {"cellprob_threshold": 3.0, "min_size": 60},
            {"max_size_fraction": 0.05}, {"min_size": -1})
DEFAULTS = {"niter": 200, "interp": True, "cellprob_threshold": 0.0, "max_size_fraction": 0.4, "min_size": 15}


def step_by_step(stage, rng):
    flows, cellprob = drawn(rng)
    inputs = {"flows": stage.array("balls.flows", flows), "cellprob": stage.array("balls.cellprob", cellprob)}
    for changes in DYNAMICS:
        p = {**DEFAULTS, **changes}
        inside = np.nonzero(cellprob > p["cellprob_threshold"])
        points = dynamics.follow_flows(flows * (cellprob > p["cellprob_threshold"]) / 5., inds=inside, niter=p["niter"],
                                       interp=p["interp"], device=CPU)
        points = np.ascontiguousarray(points if isinstance(points, np.ndarray) else points.numpy())
        masks = dynamics.get_masks_torch(torch.from_numpy(points.copy()).int(), inside, cellprob.shape,
                                         max_size_fraction=p["max_size_fraction"])
        final = utils.fill_holes_and_remove_small_masks(masks.copy(), min_size=p["min_size"])
        wanted = dynamics.resize_and_compute_masks(
            flows, cellprob, niter=p["niter"], cellprob_threshold=p["cellprob_threshold"], interp=p["interp"],
            do_3D=True, max_size_fraction=p["max_size_fraction"], min_size=p["min_size"], device=CPU)
        assert np.array_equal(final, wanted)
        expected = {"masks": masks.astype(np.uint16), "final": final.astype(np.uint16)}
        if not changes or set(changes) & {"interp", "niter"}:
            expected["endpoints"] = points.astype(np.float32)
        stage.case("_".join(["balls", named(changes)]).rstrip("_"), p, inputs, expected, file="dynamics_cases.json")


def layers():
    """name -> labels [Z, H, W], each z-slice labelled by itself."""
    crowd = pictures.crowd()[:60, :70].astype(np.uint16)
    moved = [np.roll(crowd, k, axis=1) for k in (0, 2, 5, 9)]
    _, numbered = np.unique(crowd[:, ::-1], return_inverse=True)
    mirrored = numbered.reshape(crowd.shape).astype(np.uint16)
    empty = np.zeros_like(crowd)
    halves = np.where((crowd > 0) & (np.arange(70) % 14 < 7), crowd + 20, crowd).astype(np.uint16)
    return {
        "moved": np.stack(moved), "mirrored": np.stack([crowd, mirrored, crowd]),
        "empty_first": np.stack([empty, crowd, moved[1]]), "empty_second": np.stack([crowd, empty, crowd, moved[1]]),
        "empty_later": np.stack([crowd, moved[1], empty, crowd, mirrored]), "split": np.stack([crowd, halves, crowd]),
    }


def shells():
    """Hollow bodies: closed, open to a side, with a body inside, of one z-slice."""
    labels = np.zeros((12, 30, 40), np.uint16)
    labels[1:9, 2:12, 2:12] = 1
    labels[3:7, 4:10, 4:10] = 0
    labels[1:9, 2:12, 15:25] = 2
    labels[3:9, 4:10, 17:23] = 0
    labels[1:9, 15:27, 2:14] = 3
    labels[3:7, 17:25, 4:12] = 4
    labels[4:6, 19:23, 6:10] = 0
    labels[10, 16:26, 20:30] = 5
    labels[10, 19:23, 23:27] = 0
    labels[11, 1:3, 30:33] = 6
    return labels


def gaps():
    """Bodies with labels that have gaps, as after the flow check; the small ones are in between."""
    labels = np.zeros((6, 24, 40), np.uint16)
    for k, (label, size) in enumerate({2: (4, 8, 6), 3: (1, 2, 3), 6: (2, 9, 7), 7: (2, 3, 2), 11: (3, 8, 7)}.items()):
        labels[1:1 + size[0], 2:2 + size[1], 1 + 8 * k:1 + 8 * k + size[2]] = label
    return labels


def joined(stage):
    for name, labels in layers().items():
        for threshold in (0.1, 0.5):
            stitched = utils.stitch3D(labels.copy(), stitch_threshold=threshold)
            stage.case(f"{name}_{threshold}", {"stitch_threshold": threshold},
                       {"labels": stage.array(f"{name}.layers", labels.astype(np.uint8))}, {"stitched": stitched.astype(np.uint8)},
                       file="stitch_cases.json")
    for name, labels in (("shells", shells()), ("gaps", gaps())):
        for min_size in (-1, 15, 300):
            final = utils.fill_holes_and_remove_small_masks(labels.copy(), min_size=min_size)
            stage.case(f"{name}_min_size_{min_size}", {"min_size": min_size}, {"labels": stage.array(f"{name}.labels", labels)},
                       {"final": final.astype(np.uint16)}, file="fill_cases.json")


def write(stage, rng):
    warnings.simplefilter("ignore")
    joined(stage)
    step_by_step(stage, rng)
    whole(stage)
