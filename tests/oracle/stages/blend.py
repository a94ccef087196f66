"""Weighted mean of overlapping tiles: transforms._taper_mask, unaugment_tiles, average_tiles."""

import numpy as np
from cellpose import transforms

from stages.tile import starts


def write(stage, rng):
    rows = []
    for ly, lx in ((224, 224), (112, 224), (256, 256), (32, 32), (33, 47), (224, 16)):
        mask = transforms._taper_mask(ly=ly, lx=lx)
        assert mask.shape == (ly, lx)
        rows += [{"ly": ly, "lx": lx, "row": row, "values": mask[row]} for row in (7, ly - 1)]
    stage.table("taper.json", rows)

    for height, width, bsize, augment in ((32, 48, 24, False), (400, 8, 224, False), (8, 304, 224, False),
                                          (16, 16, 224, False), (32, 48, 24, True), (16, 40, 16, True)):
        tiles, ysub, xsub, ly, lx = transforms.make_tiles(np.zeros((1, height, width), np.float32), bsize=bsize,
                                                          augment=augment)
        ny, nx = tiles.shape[:2]
        y = rng.normal(0, 2, (ny * nx, 3, *tiles.shape[-2:])).astype(np.float32)
        expected = {}
        given = y.copy()
        if augment:
            given = transforms.unaugment_tiles(given.reshape(ny, nx, *y.shape[1:])).reshape(y.shape)
            expected["unaugmented"] = given.copy()
        expected["planes"] = transforms.average_tiles(given, ysub, xsub, ly, lx)
        ystart, xstart = starts(ysub, xsub, nx)
        stage.case(f"{height}x{width}_bsize_{bsize}" + ("_augment" if augment else ""),
                   {"height": int(ly), "width": int(lx), "ystart": ystart, "xstart": xstart, "augment": augment},
                   {"tiles": y}, expected)
