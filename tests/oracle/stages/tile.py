"""Padding and tiles: transforms.get_pad_yx and make_tiles."""

import numpy as np
from cellpose import transforms


def starts(ysub, xsub, nx):
    """Start of each row and column of tiles (augmenting a plane of the tile's own size gives two equal ones)."""
    return [int(y[0]) for y in ysub[::nx]], [int(x[0]) for x in xsub[:nx]]


def tiles(planes, bsize, tile_overlap, augment):
    image, ysub, xsub, height, width = transforms.make_tiles(planes, bsize=bsize, augment=augment,
                                                             tile_overlap=tile_overlap)
    ystart, xstart = starts(ysub, xsub, image.shape[1])
    return image.reshape(-1, *image.shape[2:]), [int(height), int(width)], ystart, xstart


def write(stage, rng):
    sizes = [*range(1, 50), 63, 64, 65, 100, 207, 208, 209, 223, 224, 225, 255, 256, 511, 513, 1000, 2048]
    stage.table("pads.json", [[height, width, *map(int, transforms.get_pad_yx(height, width))]
                              for height, width in zip(sizes, reversed(sizes))])

    rows = []
    for height, width in ((32, 32), (224, 224), (240, 224), (256, 448), (1040, 528), (2064, 1040), (48, 640), (720, 976)):
        for bsize in (224, 128, 256, 96):
            for tile_overlap, augment in ((0.1, False), (0.05, False), (0.25, False), (0.5, False), (0.1, True)):
                found = tiles(np.zeros((1, height, width), np.float32), bsize, tile_overlap, augment)
                rows.append({"height": height, "width": width, "bsize": bsize, "tile_overlap": tile_overlap,
                             "augment": augment, "padded": found[1], "tile": list(found[0].shape[-2:]),
                             "ystart": found[2], "xstart": found[3]})
    stage.table("positions.json", rows)

    for height, width, bsize, tile_overlap, augment in (
            (32, 48, 24, 0.1, False), (32, 48, 24, 0.4, False), (16, 48, 24, 0.1, False), (32, 48, 24, 0.1, True),
            (16, 32, 24, 0.1, True), (16, 16, 24, 0.1, True), (16, 16, 224, 0.1, False)):
        planes = rng.normal(0, 1, (2, height, width)).astype(np.float32)
        image, padded, ystart, xstart = tiles(planes, bsize, tile_overlap, augment)
        stage.case(f"{height}x{width}_bsize_{bsize}_overlap_{tile_overlap}" + ("_augment" if augment else ""),
                   {"bsize": bsize, "tile_overlap": tile_overlap, "augment": augment}, {"planes": planes},
                   {"tiles": image, "padded": padded, "ystart": ystart, "xstart": xstart})
