#!/usr/bin/env python3
"""Segments one image with the pinned reference and writes the results, for comparisons.

    target/oracle/bin/python tests/oracle/run_reference.py IMAGE --model FILE --output DIR [options]

Reads TIFF, PNG and JPEG as cellpose.io.imread does, NPY as a plain array. Takes .safetensors and torch files of any
width. Writes <stem>_masks.npy (u16, or u32 past 65,535 cells) [H, W] and <stem>_flows.npy f32 [3, H, W] (dY, dX,
cellprob); prints one JSON line: cells, sizes, seconds.
"""

import argparse
import json
import os
import pathlib
import time
import warnings

import numpy as np
import torch
from cellpose import io

import reference


def read(path):
    """The image as an array; exits with a message if it cannot be read."""
    if not path.exists():
        raise SystemExit(f"no such file: {path}")
    if path.suffix.lower() == ".npy":
        return np.load(path)
    image = io.imread(str(path))
    if image is None:
        raise SystemExit(f"cannot read {path}: expected TIFF, PNG, JPEG or NPY")
    return image


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--channel-axis", type=int)
    parser.add_argument("--chan", type=int, default=0)
    parser.add_argument("--chan2", type=int, default=0)
    parser.add_argument("--diameter", type=float)
    parser.add_argument("--flow-threshold", type=float, default=0.4)
    parser.add_argument("--cellprob-threshold", type=float, default=0.0)
    parser.add_argument("--niter", type=int)
    parser.add_argument("--min-size", type=int, default=15)
    parser.add_argument("--max-size-fraction", type=float, default=0.4)
    parser.add_argument("--no-resample", dest="resample", action="store_false")
    parser.add_argument("--no-interp", dest="interp", action="store_false")
    parser.add_argument("--augment", action="store_true")
    parser.add_argument("--tile-overlap", type=float, default=0.1)
    parser.add_argument("--bsize", type=int, default=224)
    parser.add_argument("--no-norm", dest="normalize", action="store_false")
    parser.add_argument("--norm-percentile", dest="percentile", type=float, nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("--invert", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def main():
    options = parse()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    image = read(options.image)
    start = time.perf_counter()
    model = reference.segmenter(options.model)
    loaded = time.perf_counter()
    params = {name: getattr(options, name) for name in reference.DEFAULTS if name not in ("lowhigh",)}
    labels, flows, cellprob, style = reference.evaluate(model, image, **params)
    done = time.perf_counter()

    options.output.mkdir(parents=True, exist_ok=True)
    masks_path = options.output / f"{options.image.stem}_masks.npy"
    flows_path = options.output / f"{options.image.stem}_flows.npy"
    np.save(masks_path, labels)
    np.save(flows_path, np.concatenate([flows, cellprob[None]]).astype(np.float32))
    print(json.dumps({
        "input": str(options.image), "shape": list(image.shape), "dtype": str(image.dtype),
        "cells": len(np.unique(labels[labels > 0])), "masks": str(masks_path), "flows": str(flows_path),
        "seconds_load": round(loaded - start, 3), "seconds_eval": round(done - loaded, 3),
        "threads": options.threads,
    }))


if __name__ == "__main__":
    main()
