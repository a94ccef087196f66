#!/usr/bin/env python3
"""Average precision of a network on images outside of its training data, through the reference's own CellposeModel.eval.

    CYTOSHADE_TEST_DATA=<data> python models/evaluate.py [--model FILE] [--overlays DIR]

Prints one line an image: AP at IoU 0.5 = TP / (TP + FP + FN), and the counts. Needs tests/oracle/requirements.txt.
"""

import argparse
import os
import pathlib
import sys
import warnings

import cv2
import numpy as np
import torch
from cellpose import metrics, utils

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "oracle"))
import real_images  # noqa: E402
import reference  # noqa: E402
import synthetic_cells  # noqa: E402

# Training draws from seed * 1,000,000 upwards; these are far from that.
FRESH_SEED = 987_654_321
# A cell of 30 pixels has 700; slivers at the border of less than about a tenth of that are not drawn.
SMALLEST = 80


def scored(model, planes, labels, **params):
    """(AP@0.5, tp, fp, fn, labels found)."""
    found = reference.evaluate(model, planes, channel_axis=0, chan=1, chan2=2, **params)[0]
    ap, tp, fp, fn = metrics.average_precision(labels, found, threshold=[0.5])
    return float(ap[0]), int(tp[0]), int(fp[0]), int(fn[0]), found


def overlay(planes, labels):
    """BGR picture of channel 0 with outlines in yellow."""
    low, high = np.percentile(planes[0], (1, 99.7))
    grey = np.clip((planes[0] - low) / max(high - low, 1e-6), 0, 1) * 255
    picture = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    picture[utils.masks_to_outlines(labels)] = (0, 255, 255)
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "cytoshade-demo.safetensors")
    parser.add_argument("--synthetic", type=int, default=40, help="number of fresh drawn pictures")
    parser.add_argument("--overlays", type=pathlib.Path, help="write outlines over each real image here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    model = reference.segmenter(options.model)
    data = pathlib.Path(os.environ["CYTOSHADE_TEST_DATA"])
    if options.overlays:
        options.overlays.mkdir(parents=True, exist_ok=True)

    print("held out, diameter given (the median of the labels):")
    for name, planes, labels in real_images.held_out(data):
        diameter = float(utils.diameters(labels)[0])
        ap, tp, fp, fn, found = scored(model, planes, labels, diameter=diameter)
        print(f"  {name:16} diameter {diameter:4.1f}  AP@0.5 {ap:.3f}  tp {tp} fp {fp} fn {fn}", flush=True)
        if options.overlays:
            cv2.imwrite(str(options.overlays / f"{name}.png"), overlay(planes, found))
    print("held out, no diameter given (the model's own, 30):")
    for name, planes, labels in real_images.held_out(data):
        ap, tp, fp, fn, _ = scored(model, planes, labels)
        print(f"  {name:16}                AP@0.5 {ap:.3f}  tp {tp} fp {fp} fn {fn}", flush=True)

    total = {}
    for k in range(options.synthetic):
        kind = synthetic_cells.KINDS[k % 3]
        planes, labels = synthetic_cells.draw(FRESH_SEED + k, size=256, kind=kind, smallest=SMALLEST)
        diameter = float(utils.diameters(labels)[0])
        counts = scored(model, planes, labels, diameter=diameter)[1:4]
        total[kind] = np.add(total.get(kind, (0, 0, 0)), counts)
    total["all"] = sum(total.values())
    print(f"fresh drawn cells ({options.synthetic} pictures, counts pooled):")
    for kind, (tp, fp, fn) in total.items():
        print(f"  {kind:16}                AP@0.5 {tp / (tp + fp + fn):.3f}  tp {tp} fp {fp} fn {fn}")


if __name__ == "__main__":
    main()
