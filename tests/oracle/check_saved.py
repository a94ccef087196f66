"""Checks that Cellpose and the programs around it open the files that Cytoshade saves.

    python check_saved.py FOLDER

FOLDER holds STEM_seg.npy, STEM_rois.zip, STEM.geojson, STEM.csv, STEM_inner.npy and, for an image, STEM.txt of the same
cells. Each is opened as its own program opens it (the `_seg.npy` by Cellpose's graphical program, without a screen) and
compared with the reference's result for the same masks. Ends with 1 and names the difference if there is one.
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
    """The file has the content that `io.masks_flows_to_seg` writes for the same masks and flows."""
    ours = np.load(path, allow_pickle=True).item()
    masks, output = ours["masks"], ours["flows"][-1]
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "a.png")
        from cellpose import plot

        flows = [plot.dx_to_circ(output[:-1]), output[:-1], output[-1]]
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

    masks, image = ours["masks"], ours["img"]
    is_stack = masks.ndim == 3
    planes = masks if is_stack else masks[None]
    parent = mock.MagicMock(load_3D=is_stack, restore=None, saturation=[[[0, 255]] * len(planes)] * 3, spec=None)
    parent.autobtn.isChecked.return_value = False
    parent.colormap = np.zeros((1000, 4), np.uint8)
    del parent.stack_filtered
    with mock.patch("builtins.print"):
        gui_io._load_seg(parent, filename=str(path), load_3D=is_stack)
    assert parent.loaded is True, "not loaded"
    assert parent.stack.shape[:3] == planes.shape, parent.stack.shape
    assert parent.NZ == len(planes)
    assert np.array_equal(parent.cellpix, planes) and parent.ncells == masks.max()
    assert np.array_equal(parent.outpix, ours["outlines"].reshape(planes.shape))
    assert np.array_equal(parent.cellcolors[1:], ours["colors"])
    assert parent.diameter == ours["est_diam"] and parent.recompute_masks is not is_stack
    assert len(parent.ismanual) == parent.ncells
    if not is_stack:
        shape = image.shape if image.ndim == 2 else image.shape[1:]
        flows = parent.flows
        again = dynamics.resize_and_compute_masks(flows[4][:-1], flows[4][-1], niter=200, resize=shape, min_size=15)
        assert again.shape == shape


def rois(path, masks):
    """Fiji's regions cover exactly the masks, plane by plane."""
    planes = masks if masks.ndim == 3 else masks[None]
    filled = np.zeros_like(planes)
    if masks.max() > 0:
        for roi in roifile.roiread(path):
            label, _, plane = roi.name.partition("-")
            assert roi.position == (int(plane) if masks.ndim == 3 else 0), (roi.name, roi.position)
            inside = rasterize(roi, planes[0].shape)
            target = filled[int(plane or 1) - 1]
            assert not target[inside].any(), f"{roi.name} overlaps another"
            target[inside] = int(label)
    assert np.array_equal(filled, planes)


def rasterize(roi, shape):
    """The pixels whose centers lie in a region, by the even-odd rule."""
    inside = np.zeros(shape, bool)
    for ring in roi.coordinates(multi=True):
        ring = np.asarray(ring, int)
        for (x, y), (next_x, next_y) in zip(ring, np.roll(ring, -1, 0)):
            assert x == next_x or y == next_y, "an edge of a pixel"
            inside[min(y, next_y) : max(y, next_y), x:] ^= True
    assert inside.any()
    return inside


def outlines(path, masks):
    """The text is the reference's."""
    with tempfile.TemporaryDirectory() as folder:
        io.outlines_to_text(os.path.join(folder, "a"), utils.outlines_list(masks, multiprocessing=False))
        assert path.read_text() == pathlib.Path(folder, "a_cp_outlines.txt").read_text()


def inner(path, masks):
    """The cells that do not touch the border."""
    assert np.array_equal(np.load(path), utils.remove_edge_masks(masks.astype(np.int64)))


def geojson(path, masks):
    """The polygons' areas are the cells' numbers of pixels."""
    features = json.loads(path.read_text())["features"]
    planes = masks if masks.ndim == 3 else masks[None]
    expected = {(z, label): np.sum(plane == label) for z, plane in enumerate(planes) for label in np.unique(plane) if label}
    areas = {}
    for feature in features:
        kind, coordinates = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        polygons = [coordinates] if kind == "Polygon" else coordinates
        plane = feature["geometry"].get("plane")
        assert (plane is None) == (masks.ndim == 2)
        place = (plane["z"] if plane else 0, feature["properties"]["label"])
        areas[place] = sum(area(ring) for rings in polygons for ring in rings)
        for exterior, *holes in polygons:
            assert area(exterior) > 0 and all(area(hole) < 0 for hole in holes)
    assert areas == expected


def area(ring):
    assert ring[0] == ring[-1]
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(ring, ring[1:])) / 2


def csv(path, masks):
    table = np.genfromtxt(path, delimiter=",", names=True, ndmin=1)
    numbers = np.unique(masks)
    assert np.array_equal(table["label"], numbers[numbers > 0])
    for row in table:
        axes = np.nonzero(masks == row["label"])
        size = axes[0].size
        centers, starts, ends = zip(*((axis.mean(), axis.min(), axis.max() + 1) for axis in axes))
        diameter = np.cbrt(6 * size / np.pi) if masks.ndim == 3 else 2 * np.sqrt(size / np.pi)
        expected = [size, *centers, *starts, *ends, diameter]
        assert np.allclose(list(row)[1:], expected, atol=6e-4), (list(row), expected)


def main(folder):
    stems = sorted(path.name.removesuffix("_seg.npy") for path in folder.glob("*_seg.npy"))
    assert stems, "no files"
    for stem in stems:
        print(stem, file=sys.stderr)
        masks = seg(folder / f"{stem}_seg.npy")
        rois(folder / f"{stem}_rois.zip", masks)
        geojson(folder / f"{stem}.geojson", masks)
        csv(folder / f"{stem}.csv", masks)
        inner(folder / f"{stem}_inner.npy", masks)
        if masks.ndim == 2:
            outlines(folder / f"{stem}.txt", masks)
    print(f"{len(stems)} images agree")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
