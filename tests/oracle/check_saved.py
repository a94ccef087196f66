"""Checks that Cellpose and the programs around it open the files that Cytoshade saves.

    python check_saved.py FOLDER

FOLDER holds STEM_seg.npy, STEM_rois.zip, STEM.geojson and STEM.csv of the same cells. Each is opened as its own program
opens it (the `_seg.npy` by Cellpose's graphical program, without a screen) and compared with what the reference makes
of the same masks. Ends with 1 and says what differs where something does.
"""

import json
import os
import pathlib
import sys
import tempfile
from unittest import mock

import numpy as np
import roifile
from cellpose import dynamics, io, utils

PICTURES = 0, 1  # entries of `flows` that are rounded to 8 bits


def seg(path):
    """The file holds what `io.masks_flows_to_seg` writes for the same masks and flows."""
    ours = np.load(path, allow_pickle=True).item()
    masks, output = ours["masks"], ours["flows"][-1]
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "a.png")
        from cellpose import plot

        flows = [plot.dx_to_circ(output[:2]), output[:2], output[2]]
        io.masks_flows_to_seg(ours["img"], masks.astype(np.int64), flows, name, diams=ours["diameter"],
                              channels=ours["chan_choose"])
        theirs = np.load(os.path.join(folder, "a_seg.npy"), allow_pickle=True).item()
    assert list(ours)[: len(theirs)] == list(theirs), list(ours)
    for key, expected in theirs.items():
        found = ours[key]
        if key == "filename":
            assert isinstance(found, str)
        elif key == "flows":
            same_flows(found, expected)
        elif isinstance(expected, np.ndarray):
            assert found.dtype == expected.dtype and found.shape == expected.shape, (key, found.dtype, found.shape)
            assert np.array_equal(found, expected), key
        else:
            assert found == expected and type(found) is type(expected), (key, found, expected)
    assert ours["colors"].shape == (masks.max(), 3) and ours["colors"].dtype == np.uint8
    gui(path, ours)
    return masks


def same_flows(found, expected):
    assert len(found) == len(expected)
    for at, (ours, theirs) in enumerate(zip(found, expected)):
        assert type(ours) is type(theirs), at
        if not isinstance(theirs, np.ndarray):
            assert ours == theirs, at
            continue
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), (at, ours.dtype, ours.shape)
        most = 1 if at in PICTURES else 0
        assert np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max(initial=0) <= most, at


def gui(path, ours):
    """The graphical program's loader opens it, and computes masks again with other thresholds, as its button does."""
    for module in ["qtpy", "qtpy.QtWidgets", "qtpy.QtCore", "qtpy.QtGui", "superqt", "pyqtgraph", "PyQt6"]:
        sys.modules.setdefault(module, mock.MagicMock())
    from cellpose.gui import io as gui_io

    parent = mock.MagicMock(load_3D=False, restore=None, saturation=[[[0, 255]]] * 3, spec=None)
    parent.autobtn.isChecked.return_value = False
    parent.colormap = np.zeros((1000, 4), np.uint8)
    del parent.stack_filtered
    with mock.patch("builtins.print"):
        gui_io._load_seg(parent, filename=str(path))
    assert parent.loaded is True, "not loaded"
    image = ours["img"]
    shape = image.shape if image.ndim == 2 else image.shape[1:]
    assert parent.stack.shape[:3] == (1, *shape), parent.stack.shape
    assert np.array_equal(parent.cellpix[0], ours["masks"]) and parent.ncells == ours["masks"].max()
    assert np.array_equal(parent.outpix[0], ours["outlines"])
    assert np.array_equal(parent.cellcolors[1:], ours["colors"])
    assert parent.diameter == ours["est_diam"] and parent.recompute_masks is True
    assert len(parent.ismanual) == parent.ncells
    flows = parent.flows
    again = dynamics.resize_and_compute_masks(flows[4][:-1], flows[4][-1], niter=200, resize=shape, min_size=15)
    assert again.shape == shape


def rois(path, masks):
    """Fiji's regions are the reference's outlines, point by point."""
    if masks.max() == 0:
        return
    found = {int(roi.name): roi.coordinates() for roi in roifile.roiread(path)}
    numbers = np.unique(masks)[1:]
    expected = dict(zip(numbers, utils.outlines_list(masks, multiprocessing=False), strict=True))
    expected = {number: outline for number, outline in expected.items() if len(outline)}
    assert sorted(found) == sorted(expected), (sorted(found), sorted(expected))
    for number, outline in expected.items():
        assert np.array_equal(found[number], outline), number


def geojson(path, masks):
    """The polygons' areas are the cells' numbers of pixels."""
    features = json.loads(path.read_text())["features"]
    numbers, counts = np.unique(masks[masks > 0], return_counts=True)
    areas = {}
    for feature in features:
        kind, coordinates = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        polygons = [coordinates] if kind == "Polygon" else coordinates
        areas[feature["properties"]["label"]] = sum(area(ring) for rings in polygons for ring in rings)
        for exterior, *holes in polygons:
            assert area(exterior) > 0 and all(area(hole) < 0 for hole in holes)
    assert areas == dict(zip(numbers.tolist(), counts.tolist()))


def area(ring):
    assert ring[0] == ring[-1]
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(ring, ring[1:])) / 2


def csv(path, masks):
    table = np.genfromtxt(path, delimiter=",", names=True, ndmin=1)
    numbers = np.unique(masks)
    assert np.array_equal(table["label"], numbers[numbers > 0])
    for row in table:
        y, x = np.nonzero(masks == row["label"])
        expected = [y.size, y.mean(), x.mean(), y.min(), x.min(), y.max() + 1, x.max() + 1, 2 * np.sqrt(y.size / np.pi)]
        assert np.allclose(list(row)[1:], expected, atol=6e-4), (list(row), expected)


def main(folder):
    stems = sorted(path.name.removesuffix("_seg.npy") for path in folder.glob("*_seg.npy"))
    assert stems, "nothing to look at"
    for stem in stems:
        print(stem, file=sys.stderr)
        masks = seg(folder / f"{stem}_seg.npy")
        rois(folder / f"{stem}_rois.zip", masks)
        geojson(folder / f"{stem}.geojson", masks)
        csv(folder / f"{stem}.csv", masks)
    print(f"{len(stems)} images agree")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
