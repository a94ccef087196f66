#!/usr/bin/env python3
"""Runs the pinned reference on small inputs and writes tests/fixtures (its README.md describes the layout).

    CYTOSHADE_TEST_DATA=<data> target/oracle/bin/python tests/oracle/make_fixtures.py [stage ...]
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import pathlib
import platform
import time
import warnings

import numpy as np
import torch

import reference  # noqa: F401  it configures OpenCV
from fixture_folder import FIXTURES, FixtureFolder

STAGES = ("channels", "normalize", "resize", "tile", "blend", "network", "dynamics", "pipeline",
          "whole", "diameter", "volume", "classes", "restore", "grid", "grid_stacks", "measure", "evaluate")
PACKAGES = ("cellpose", "torch", "numpy", "scipy", "opencv-python-headless", "numba", "fastremap", "fill_voids",
            "safetensors", "tifffile", "scikit-image")
SEED = 20260101


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"some of: {', '.join(STAGES)} (default: all)")
    options = parser.parse_args()
    for name in set(options.stages) - set(STAGES):
        parser.error(f"no stage {name}; there are {', '.join(STAGES)}")
    if "CYTOSHADE_TEST_DATA" not in os.environ:
        parser.error("set CYTOSHADE_TEST_DATA to the folder that holds images/ and models/")
    data = pathlib.Path(os.environ["CYTOSHADE_TEST_DATA"])

    warnings.filterwarnings("ignore", message="Sparse invariant checks")
    torch.set_num_threads(1)  # one thread: the order of sums, and so the bytes, stay the same
    for name in options.stages or STAGES:
        start = time.time()
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        folder = FixtureFolder(name, data)
        importlib.import_module(f"stages.{name}").write(folder, np.random.default_rng(SEED))
        folder.close()
        size = sum(file.stat().st_size for file in folder.path.iterdir())
        print(f"{name}: {sum(map(len, folder.cases.values()))} cases, {size / 1e6:.2f} MB, "
              f"{time.time() - start:.0f} s", flush=True)

    (FIXTURES / "oracle.json").write_text(json.dumps({
        "seed": SEED,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }, indent=1) + "\n")


if __name__ == "__main__":
    main()
