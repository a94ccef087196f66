"""The reference's stages as a peer, with the protocol of protocol/src/lib.rs.

    python stages.py FOLDER

FOLDER holds scenes as benches/src/scenes.rs writes them. `run SCENE STAGE` answers the seconds that one run takes on its
plain CPU path, `cells SCENE` the number of cells, `covered SCENE` how many pixels they cover.
"""

import json
import logging
import os
import pathlib
import sys
import time
import warnings

import cv2
import numpy as np
import torch
from cellpose import dynamics, transforms, utils

CPU = torch.device("cpu")
SHRINK, BSIZE, OVERLAP = 0.75, 224, 0.1
NITER, CELLPROB_THRESHOLD, FLOW_THRESHOLD, MIN_SIZE, MAX_SIZE_FRACTION = 200, 0.0, 0.4, 15, 0.4
NORMALIZE = {"norm3D": True}


class Scene:
    """The outputs of a network, and the inputs of every stage, each computed at its first use."""

    def __init__(self, folder, name):
        about = json.loads((folder / f"{name}.json").read_text())
        self.size = tuple(side for side in about["size"] if side > 1)
        self.axes = len(self.size)

        def read(what, channels):
            return np.fromfile(folder / f"{name}.{what}.f32", dtype="<f4").reshape(channels, *self.size).squeeze()

        self.flows, self.cellprob = read("flows", self.axes), read("cellprob", 1)
        self.image = np.ascontiguousarray(np.moveaxis(read("image", 2), 0, -1))
        self.made = {}

    def get(self, what):
        if what not in self.made:
            self.made[what] = getattr(self, what)()
        return self.made[what]

    # inputs of later stages
    def inside(self):
        return np.nonzero(self.cellprob > CELLPROB_THRESHOLD)

    def points(self):
        points = dynamics.follow_flows(self.flows * (self.cellprob > CELLPROB_THRESHOLD) / 5., inds=self.get("inside"),
                                       niter=NITER, interp=True, device=CPU)
        return torch.as_tensor(points).int()

    def masks(self):
        return dynamics.get_masks_torch(self.get("points").clone(), self.get("inside"), self.size,
                                        max_size_fraction=MAX_SIZE_FRACTION)

    def checked(self):
        masks = self.get("masks").copy()
        if self.axes == 2:
            masks = dynamics.remove_bad_flow_masks(masks, self.flows, threshold=FLOW_THRESHOLD, device=CPU)
        return masks

    def final(self):
        return self.whole()

    def small(self):
        return transforms.resize_image(self.image, *(int(side * SHRINK) for side in self.size))

    def outputs(self):
        small = self.get("small")
        return np.ascontiguousarray(np.concatenate([small, small[..., :1]], -1))

    def tiles(self):
        height, width = self.size
        top, bottom, left, right = transforms.get_pad_yx(height, width)
        padded = np.pad(self.image.transpose(2, 0, 1), ((0, 0), (top, bottom), (left, right)), mode="constant")
        tiles, ysub, xsub, padded_height, padded_width = transforms.make_tiles(padded, bsize=BSIZE, tile_overlap=OVERLAP)
        return tiles.reshape(-1, *tiles.shape[-3:]), ysub, xsub, padded_height, padded_width, (top, left)

    def network_outputs(self):
        tiles = self.get("tiles")[0]
        return np.ones((len(tiles), 3, *tiles.shape[-2:]), np.float32)

    def whole(self):
        return dynamics.compute_masks(self.flows, self.cellprob, niter=NITER, cellprob_threshold=CELLPROB_THRESHOLD,
                                      flow_threshold=FLOW_THRESHOLD, interp=True, do_3D=self.axes == 3,
                                      min_size=MIN_SIZE, max_size_fraction=MAX_SIZE_FRACTION, device=CPU)


def blended(outputs, ysub, xsub, height, width, corner, size):
    planes = transforms.average_tiles(outputs, ysub, xsub, height, width)
    return np.ascontiguousarray(planes[:, corner[0]: corner[0] + size[0], corner[1]: corner[1] + size[1]])


# stage -> its preparation, and the timed work
def prepared(scene, stage):
    if stage == "normalize":
        image = scene.image.copy()
        return lambda: transforms.normalize_img(image, **NORMALIZE)
    if stage == "resize":
        outputs = scene.get("outputs")
        return lambda: (scene.small(), transforms.resize_image(outputs, *scene.size))
    if stage == "tile":
        return scene.tiles
    if stage == "blend":
        (_, *places), outputs = scene.get("tiles"), scene.get("network_outputs").copy()
        return lambda: blended(outputs, *places, scene.size)
    if stage == "follow_flows":
        scene.get("inside")
        return scene.points
    if stage == "masks":
        scene.get("points")
        return scene.masks
    if stage == "flow_error":
        scene.get("masks")
        return scene.checked
    if stage == "fill_holes":
        masks = scene.get("checked").copy()
        return lambda: utils.fill_holes_and_remove_small_masks(masks, min_size=MIN_SIZE)
    if stage == "flows to masks":
        return scene.whole
    raise ValueError(f"no stage {stage}")


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    folder = pathlib.Path(sys.argv[1])
    threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    # Output of libraries must not be read as an answer.
    out, sys.stdout = sys.stdout, sys.stderr
    open_scene = {}
    for line in sys.stdin:
        command, name, *rest = line.rstrip("\n").split("\t")
        try:
            if name not in open_scene:
                open_scene = {name: Scene(folder, name)}
            scene = open_scene[name]
            if command == "run":
                reply = seconds(prepared(scene, *rest))
            elif command == "cells":
                reply = len(np.unique(scene.get("final"))) - 1
            else:
                reply = int((scene.get("final") > 0).sum())
        except Exception as error:
            reply = "error " + " ".join(str(error).split())
        print(reply, file=out, flush=True)


if __name__ == "__main__":
    main()
