"""tifffile with imagecodecs, as the peer of the bench `read`.

    python read_images.py make FOLDER THREADS    writes an image of 4096 x 4096 pixels in each compression into FOLDER
    python read_images.py serve FOLDER THREADS   reads the file of each line on standard input; prints the seconds it took
"""

import pathlib
import sys
import time

import numpy
import tifffile

SIDE = 4096


def make(folder):
    y, x = numpy.mgrid[:SIDE, :SIDE]
    smooth = 2000 + 1500 * numpy.sin(x / 37) * numpy.cos(y / 41)
    noisy = (smooth + numpy.random.default_rng(1).normal(0, 20, smooth.shape)).clip(0).astype("u2")
    for name, options in {
        "none": {},
        "none_tiles": {},
        "lzw": {"compression": "lzw", "predictor": True},
        "deflate": {"compression": "zlib", "predictor": True},
        "zstd": {"compression": "zstd", "predictor": True},
    }.items():
        tiles = {} if name == "none" else {"tile": (256, 256)}
        tifffile.imwrite(folder / f"{name}.tif", noisy, metadata=None, **{**options, **tiles})
    grey = (noisy // 16).clip(0, 255).astype("u1")
    tifffile.imwrite(folder / "jpeg_u1.tif", grey, compression="jpeg", tile=(256, 256), metadata=None)


def serve(folder, threads):
    for line in sys.stdin:
        start = time.perf_counter()
        tifffile.imread(folder / line.strip(), maxworkers=threads)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    command, folder, threads = sys.argv[1:]
    if command == "make":
        make(pathlib.Path(folder))
    else:
        serve(pathlib.Path(folder), int(threads))
