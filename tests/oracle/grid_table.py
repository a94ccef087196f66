#!/usr/bin/env python3
"""Write tests/oracle/grid.json: combinations of options in which every pair of values meets (needs PyPI's allpairspy).

    python tests/oracle/grid_table.py
"""

import json
import pathlib
from collections import OrderedDict

from allpairspy import AllPairs

# file -> crop [y0, y1, x0, x1], diameters to take, the channels that it has
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

def rows(factors):
    """Combinations in which every two values of two factors meet."""
    names = list(factors)
    indices = [list(range(len(values))) for values in factors.values()]
    found = [list(row) for row in AllPairs(indices)]
    for i in range(len(names)):
        for j in range(i):
            met = {(row[i], row[j]) for row in found}
            assert len(met) == len(indices[i]) * len(indices[j]), (names[i], names[j])
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


def main():
    cases = [case(row) for row in rows(PLANE)]
    print(len(cases), "combinations")
    text = "[\n " + ",\n ".join(map(json.dumps, cases)) + "\n]\n"
    (pathlib.Path(__file__).parent / "grid.json").write_text(text)


if __name__ == "__main__":
    main()
