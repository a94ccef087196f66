#!/usr/bin/env python3
"""Write tests/oracle/grid.json and grid_stacks.json: combinations of options in which every pair of values meets (needs
PyPI's allpairspy).

    python tests/oracle/grid_table.py
"""

import json
import pathlib
from collections import OrderedDict

from allpairspy import AllPairs

# file -> crop [y0, y1, x0, x1], diameters, channels of the file
IMAGES = {
    "dsb2018/20468e8779c4_img.png": ([59, 171, 59, 171], [22.0, 40.0], 3),
    "dsb2018/06c779330d6d_img.png": ([94, 206, 139, 251], [20.0, 33.0], 3),
    "dsb2018/4ae4f936a9ad_img.png": ([69, 181, 89, 201], [18.0, 30.0], 3),
    "dsb2018/777f7c426927_img.png": ([139, 251, 89, 201], [25.0, 43.0], 3),
    "dsb2018/9586e48a9a43_img.png": ([29, 141, 112, 224], [17.0, 30.0], 3),
    "dsb2018/df53d0b6c2c4_img.png": ([89, 201, 119, 231], [12.0, 16.0], 3),
    "dsb2018/f4c4db3df4ff_img.png": ([234, 346, 439, 551], [20.0, 45.0], 3),
    "serialcellpose_2ch/tile_0_0.tif": ([59, 171, 74, 186], [40.0, 60.0], 2),
    "stardist/tests_data_img2d.tif": ([69, 181, 84, 196], [9.0, 14.0], 1),
}
NORMALIZE = [
    {}, {"percentile": [3.0, 97.5]}, {"lowhigh": [5.0, 120.0]}, {"normalize": False}, {"sharpen_radius": 5},
    {"smooth_radius": 2, "sharpen_radius": 9}, {"tile_norm_blocksize": 64, "tile_norm_smooth3D": 2},
]
PLANE = OrderedDict(
    image=list(IMAGES), normalize=list(range(len(NORMALIZE))), diameter=["first", "second", None, "auto"],
    network=["demo", "full"], channels=[[0, 0], [1, 2], [2, 0]], invert=[False, True], resample=[True, False],
    tiles=[{}, {"augment": True}, {"bsize": 96, "tile_overlap": 0.3}, {"augment": True, "bsize": 128}],
    dynamics=[{}, {"interp": False}, {"niter": 40}],
    masks=[{}, {"flow_threshold": 0.0, "min_size": -1}, {"cellprob_threshold": -1.0, "flow_threshold": 0.25},
           {"cellprob_threshold": 1.0, "min_size": 60}, {"max_size_fraction": 0.02}],
)


# file -> crop [z0, z1, y0, y1, x0, x1], diameters, channels of the file, a range of intensities
STACKS = {
    "qcanet_3d/8_cell_raw.tif": ([2, 18, 52, 102, 16, 72], [26.0, 40.0], 1, [100.0, 450.0]),
    "stardist/stardist_data_images_img3d.tif": ([8, 20, 17, 57, 9, 53], [14.0, 20.0], 1, [120.0, 300.0]),
    "plantseg_3d/rgb_3D_c_raw.tif": ([40, 54, 10, 58, 12, 60], [24.0, 36.0], 2, [85.0, 40000.0]),
}
NORMALIZE_STACK = [
    {}, {"percentile": [3.0, 97.5]}, "range", {"sharpen_radius": 4, "smooth_radius": 1},
    {"tile_norm_blocksize": 32, "tile_norm_smooth3D": 2}, {"tile_norm_blocksize": 20, "tile_norm_smooth3D": 0},
]
STACK = OrderedDict(
    image=list(STACKS), normalize=list(range(len(NORMALIZE_STACK))), diameter=["first", "second", None],
    channels=[[0, 0], [1, 2], [2, 1]], invert=[False, True], resample=[True, False],
    norm3D=[True, False], dynamics=[{}, {"interp": False}, {"niter": 40}],
)
VOLUME = OrderedDict(
    **STACK, anisotropy=[None, 0.7, 1.6], flow3D_smooth=[0, 1, 2.5],
    # in 3-D tiles have a side of 224 for any bsize, and four of them for each small plane take minutes at the full width
    tiles=[{"network": "demo"}, {"network": "demo", "augment": True}, {"network": "full"}],
    masks=[{}, {"min_size": -1}, {"cellprob_threshold": -1.0, "min_size": 200},
           {"cellprob_threshold": 1.0, "max_size_fraction": 0.02}],
)
LAYERS = OrderedDict(
    **STACK, network=[{"network": "demo"}, {"network": "full"}], stitch_threshold=[0.0, 0.15, 0.4, 0.7],
    tiles=[{}, {"augment": True, "bsize": 64}, {"bsize": 48, "tile_overlap": 0.3}],
    masks=[{}, {"flow_threshold": 0.0, "min_size": -1}, {"cellprob_threshold": -1.0, "flow_threshold": 0.25},
           {"cellprob_threshold": 1.0, "min_size": 200}],
)


def every_pair(rows, factors):
    """Whether every two values of two factors meet in a row."""
    lengths = [len(values) for values in factors.values()]
    return all(len({(row[i], row[j]) for row in rows}) == lengths[i] * lengths[j]
               for i in range(len(lengths)) for j in range(i))


def rows(factors, quick=()):
    """Combinations in which every two values of two factors meet. The first value of the factors in `quick` is the
    fastest; it is used unless another one is needed."""
    names = list(factors)
    indices = [list(range(len(values))) for values in factors.values()]
    found = [list(row) for row in AllPairs(indices)]
    assert every_pair(found, factors)
    for row in reversed(found):
        for at in (names.index(name) for name in quick if name in names):
            value, row[at] = row[at], 0
            if not every_pair(found, factors):
                row[at] = value
    return [{name: factors[name][at] for name, at in zip(names, row)} for row in found]


def case(row):
    crop, diameters, channels = IMAGES[row["image"]]
    diameter = {"first": diameters[0], "second": diameters[1]}.get(row["diameter"])
    normalize = NORMALIZE[row["normalize"]]
    # the reference refuses to invert without normalization
    invert = row["invert"] and normalize.get("normalize", True)
    changes = {"diameter": diameter, "invert": invert, "resample": row["resample"], **normalize}
    if channels > 1:
        changes |= {"chan": row["channels"][0], "chan2": row["channels"][1]}
    for key in ("tiles", "dynamics", "masks"):
        changes |= row[key]
    return {"file": row["image"], "crop": crop, "network": row["network"], "auto": row["diameter"] == "auto", "changes": changes}


def stack_case(row):
    crop, diameters, channels, intensities = STACKS[row["image"]]
    diameter = {"first": diameters[0], "second": diameters[1]}.get(row["diameter"])
    normalize = NORMALIZE_STACK[row["normalize"]]
    normalize = {"lowhigh": intensities} if normalize == "range" else normalize
    stitch = row.get("stitch_threshold")
    # the reference takes percentiles of tiles of stacks only with norm3D, and norm3D only with do_3D or stitching
    tiled = "tile_norm_blocksize" in normalize
    if tiled and stitch == 0.0:
        normalize, tiled = {}, False
    changes = {"diameter": diameter, "invert": row["invert"], "resample": row["resample"],
               "norm3D": row["norm3D"] or tiled, **normalize}
    if channels > 1:
        changes |= {"chan": row["channels"][0], "chan2": row["channels"][1]}
    if stitch is None:
        changes |= {"do_3D": True, "anisotropy": row["anisotropy"], "flow3D_smooth": row["flow3D_smooth"]}
    else:
        changes |= {"stitch_threshold": stitch}
    for key in ("network", "tiles", "dynamics", "masks"):
        changes |= row.get(key, {})
    return {"file": row["image"], "crop": crop, "network": changes.pop("network"), "changes": changes}


def write(file, cases):
    print(len(cases), "combinations in", file)
    text = "[\n " + ",\n ".join(map(json.dumps, cases)) + "\n]\n"
    (pathlib.Path(__file__).parent / file).write_text(text)


def main():
    write("grid.json", [case(row) for row in rows(PLANE)])
    write("grid_stacks.json", [stack_case(row) for factors in (VOLUME, LAYERS)
                               for row in rows(factors, quick=("tiles", "network", "diameter", "anisotropy"))])


if __name__ == "__main__":
    main()
