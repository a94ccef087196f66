"""`_seg.npy` files as versions 0.6 to 4 of Cellpose write them, and forms that numpy and people's scripts give them.

    for v in 0.6.5 1.0.2 2.3.2 3.1.1.2 4.0.8; do pip download --no-deps --dest wheels cellpose==$v; done
    python make.py wheels                  # with the packages of tests/oracle/requirements.txt
    python make.py --numpy1                # with numpy==1.26.4 alone, after that
    python make.py --beside                # with numpy alone

The functions that save are taken out of each version's own source (`io.masks_flows_to_seg`, `gui/io.py` `_save_sets`)
and run on one small picture. expected.json says what is in each file.
"""

import argparse
import ast
import collections
import datetime
import decimal
import fractions
import json
import math
import os
import pathlib
import pickle
import re
import sys
import tarfile
import types
import uuid
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).parent
HEIGHT, WIDTH = 16, 20


def source(folder, version, path):
    """The text of a file of a version."""
    for archive in pathlib.Path(folder).glob(f"cellpose-{version}[-.]*"):
        if archive.suffix == ".whl":
            return zipfile.ZipFile(archive).read(path).decode()
        with tarfile.open(archive) as tar:
            return tar.extractfile(f"cellpose-{version}/{path}").read().decode()
    raise SystemExit(f"cellpose {version} is not in {folder}")


def function(folder, version, path, name):
    """A function of a version, with what it calls taken from the installed one."""
    import cv2
    from cellpose import transforms, utils

    text = source(folder, version, path)
    node = next(node for node in ast.parse(text).body if getattr(node, "name", None) == name)
    # numpy's old name of bool is gone.
    code = ast.get_source_segment(text, node).replace("np.bool)", "bool)")
    scope = {"np": np, "os": os, "cv2": cv2, "transforms": transforms, "utils": utils, "print": lambda *_: None}
    exec(code, scope)
    return scope[name]


def picture():
    """Masks of five cells, of which two touch and one has a hole; an image; flows and cell probability."""
    masks = np.zeros((HEIGHT, WIDTH), np.int32)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for number, (cy, cx, radius) in enumerate([(4, 4, 3.2), (4, 10, 2.9), (11, 6, 3.6), (11, 15, 3.3), (3, 17, 2)], 1):
        masks[((y - cy) ** 2 + (x - cx) ** 2 <= radius**2) & (masks == 0)] = number
    masks[11, 6] = 0
    random = np.random.default_rng(1)
    image = random.integers(0, 60000, (HEIGHT, WIDTH)).astype(np.uint16)
    flow = random.normal(0, 2, (2, HEIGHT, WIDTH)).astype(np.float32)
    return masks, image, flow, random.normal(0, 3, (HEIGHT, WIDTH)).astype(np.float32)


def parent(masks, flows, stack=False, **more):
    """What `_save_sets` asks the graphical program for."""
    from cellpose import utils

    masks = masks.astype(np.uint16)
    outlines = np.stack([utils.masks_to_outlines(plane) for plane in masks]) * masks
    combo = types.SimpleNamespace(currentIndex=lambda: 1, currentText=lambda: "red")
    colors = np.random.default_rng(2).integers(0, 255, (masks.max() + 1, 3)).astype(np.uint8)
    return types.SimpleNamespace(**{
        "filename": str(HERE / "gui.png"), "NZ": len(masks), "is_stack": stack, "outpix": outlines, "cellpix": masks,
        "cellcolors": colors, "ChannelChoose": [combo, combo], "flows": flows, "color": 0, "currentZ": 0,
        "stack": np.zeros((len(masks), HEIGHT, WIDTH, 3), np.float32), "chanchoose": lambda image: image[..., 0],
        "ismanual": np.array([True, False, False, True, False]), "X2": 0, "zdraw": [None, 1, [0, 2], None, -1],
        "track_changes": [["2024-05-01 10:20:30", "removed mask", [3]], ["11:00", "added mask", [np.int64(5)]]],
        "current_model_path": "/home/somebody/.cellpose/models/cyto3", "ncells": 5, "restore": None, "ratio": 1.0,
        "diameter": 30.0, "get_thresholds": lambda: (0.4, 0.0),
        "get_normalize_params": lambda: {
            "lowhigh": None, "percentile": [1.0, 99.0], "normalize": True, "norm3D": True, "sharpen_radius": 0,
            "smooth_radius": 0, "tile_norm_blocksize": 0, "tile_norm_smooth3D": 1, "invert": False},
        "segmentation_settings": types.SimpleNamespace(flow_threshold=0.4, cellprob_threshold=0.0, diameter=None),
        **more})


EXPECTED = {}


def expect(name, **values):
    """Notes what a file holds, from the file itself, as Python opens it; `values` are what it was made of."""
    saved = np.load(HERE / name, allow_pickle=True).item()

    def form(value):
        return f"{value.dtype.str}{list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__

    EXPECTED[name] = {
        "keys": list(saved), "masks": form(saved["masks"]),
        "flows": [form(flow) for flow in saved.get("flows", []) if isinstance(flow, np.ndarray)], **values}


def versions(folder):
    masks, image, flow, cellprob = picture()
    rgb = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    end_points = np.zeros((2, HEIGHT, WIDTH), np.float32)
    here = os.getcwd()
    os.chdir(HERE)
    for version in ["0.6.5", "1.0.2", "2.3.2"]:
        save = function(folder, version, "cellpose/io.py", "masks_flows_to_seg")
        save(image, masks, [rgb, flow, cellprob, end_points], 17.25, f"v{version}.png", channels=[2, 1])
        expect(f"v{version}_seg.npy", filename=f"v{version}.png", diameter=17.25, channels=[2, 1], manual=[0] * 5)
    for version in ["3.1.1.2", "4.0.8"]:
        save = function(folder, version, "cellpose/io.py", "masks_flows_to_seg")
        diameter = {"diams": 17.25} if version.startswith("3") else {}
        save(image, masks, [rgb, flow, cellprob], f"v{version}.png", channels=[0, 0], **diameter)
        expect(f"v{version}_seg.npy", filename=f"v{version}.png", diameter=diameter.get("diams"), channels=[0, 0],
               manual=[0] * 5)
    save = function(folder, "3.1.1.2", "cellpose/io.py", "masks_flows_to_seg")
    save(image, masks, [rgb, flow, cellprob], "restored.png", diams=np.float32(17.25), channels=[0, 0],
         imgs_restore=image.astype(np.float32)[..., None] / 7, restore_type="denoise_cyto3")
    expect("restored_seg.npy", filename="restored.png", diameter=17.25, channels=[0, 0], manual=[0] * 5)

    flows = [rgb[None], np.zeros((1, HEIGHT, WIDTH), np.uint8), np.zeros((1, HEIGHT, WIDTH), np.uint8), [],
             np.concatenate((flow, cellprob[None]))]
    planes = np.stack([masks, np.zeros_like(masks), np.where(masks > 2, masks, 0)])
    for version in ["0.6.5", "1.0.2", "2.3.2", "3.1.1.2", "4.0.8"]:
        save = function(folder, version, "cellpose/gui/io.py", "_save_sets")
        known = {"channels": [1, 1]} if version[0] in "0123" else {}
        count = types.SimpleNamespace(get=lambda: 5)
        more = {"ncells": count} if version[0] == "4" else {}
        diameter = 30.0 if version[0] == "3" else None
        for name, stack in ("gui", masks[None]), ("stack", planes):
            path = HERE / f"{name}{version}.png"
            save(parent(stack, flows, stack=name == "stack", filename=str(path.name), **more))
            about = dict(known, manual=[1, 0, 0, 1, 0]) if name == "gui" else {}
            expect(f"{name}{version}_seg.npy", filename=path.name, diameter=diameter, **about)
    os.chdir(here)


def small():
    """A dictionary of the least."""
    masks = picture()[0]
    return {"masks": masks.astype(np.uint16), "outlines": masks.astype(np.uint16), "filename": "a.png"}


def with_protocol(name, value, protocol, **about):
    with open(HERE / name, "wb") as out:
        np.lib.format.write_array_header_1_0(out, {"descr": "|O", "fortran_order": False, "shape": ()})
        array = np.empty((), object)
        array[()] = value
        pickle.dump(array, out, protocol=protocol)
    expect(name, **about)


def forms():
    for protocol in [2, 3, 4, 5]:
        with_protocol(f"protocol{protocol}_seg.npy", small(), protocol, filename="a.png")
    masks = picture()[0]
    dtypes = ["u1", "i1", "i2", "<i4", "<i8", "<u4", "<u8", ">u2", ">i4", ">i8", "<f2", "<f4", ">f8"]
    for dtype in dtypes:
        value = dict(small(), masks=masks.astype(dtype))
        with_protocol(f"masks_{dtype.strip('<').replace('>', 'big_')}_seg.npy", value, 4)
    with_protocol("masks_fortran_seg.npy", dict(small(), masks=np.asfortranarray(masks)), 4)
    with_protocol("masks_fortran_protocol5_seg.npy", dict(small(), masks=np.asfortranarray(masks)), 5)
    with_protocol("masks_strided_seg.npy", dict(small(), masks=np.repeat(masks, 2, 1)[:, ::2]), 4)
    with_protocol("masks_from_minus_one_seg.npy", dict(small(), masks=masks - 1), 4)
    with_protocol("masks_of_one_plane_seg.npy", dict(small(), masks=masks[None]), 4)
    planes = np.stack([masks, 0 * masks, np.where(masks > 2, masks, 0)])
    with_protocol("masks_fortran_stack_seg.npy", dict(small(), masks=np.asfortranarray(planes)), 4)
    objects = np.empty((2, 1), object)
    objects[:, 0] = [{"deep": [1, (2.5, None)]}, np.arange(6, dtype=">i4").reshape(2, 3)]
    strange = {
        "my_notes": "größer", "my_bytes": b"\x00\xff", "my_objects": objects, "my_complex": np.array([1 + 2j]),
        "my_text": np.array(["a", "bcd"]), "my_number": 2**100, "my_dates": [1, -1, 2**31, -(2**63)],
        "my_nothing": None, "my_scalar": np.float16(0.5), 7: ("a key that is no text", True)}
    for protocol in [2, 4]:
        with_protocol(f"strange{protocol}_seg.npy", {**small(), **strange}, protocol,
                      unknown=[str(key) for key in strange])
    path = pathlib.PurePosixPath("/data/a b.png")
    for protocol in [2, 4]:
        with_protocol(f"path{protocol}_seg.npy", dict(small(), filename=path), protocol, filename="/data/a b.png")
    with_protocol("text_scalar_seg.npy", dict(small(), filename=np.str_("é.png")), 4, filename="é.png")
    odd = dict(small(), diameter=np.float32(12.5), chan_choose=np.array([3, 1]), ismanual=[True, 0, 1, False, True])
    with_protocol("odd_values_seg.npy", odd, 4, diameter=12.5, channels=[3, 1], manual=[1, 0, 1, 0, 1])
    with_protocol("nan_diameter_seg.npy", dict(small(), diameter=math.nan), 4)
    np.save(HERE / "masks.npy", masks.astype(np.uint16))


class Cell(list):
    """A class of the writer's own, with items, a state and a subclass of a container."""

    def __init__(self):
        super().__init__([1, 2])
        self.note = {"a": 1}


Point = collections.namedtuple("Point", "y x")


def beside():
    """Good masks beside values of every kind that people put there: plain data, and objects, which are left out."""
    counts = collections.defaultdict(int, a=1)
    plain = {
        "sets": {(1, 2), (3, 4)}, "frozen": frozenset([1]), "counts": counts, "ordered": collections.OrderedDict(a=1),
        "complex": 1 - 2j, "numpy_complex": np.complex64(1j), "args": argparse.Namespace(lr=0.1, names=["a"]),
        "config": types.SimpleNamespace(lr=0.1), "bytes": bytearray(b"ab"), "matrix": np.matrix([[1, 2]]),
    }
    random = np.random.default_rng(1)
    objects = {
        "when": datetime.datetime(2024, 1, 2), "slice": slice(1, 2), "range": range(3), "ellipsis": ..., "type": int,
        "point": Point(1, 2), "cell": Cell(), "decimal": decimal.Decimal("1.5"), "fraction": fractions.Fraction(1, 3),
        "id": uuid.UUID(int=1), "counter": collections.Counter("ab"), "deque": collections.deque([1]),
        "records": np.zeros(3, [("a", "<f4"), ("b", "O")]), "record": np.zeros(1, [("a", "<i2")])[0],
        "recarray": np.rec.array([(1, 2.0)], names="a,b"), "dates": np.array(["2024-01-02"], "M8[D]"),
        "date": np.datetime64("2024-01-02"), "long": np.zeros(2, np.longdouble), "void": np.zeros(2, "V3"),
        "masked": np.ma.masked_array([1, 2], [0, 1]), "state": random.bit_generator.state["state"]["state"] | 1 << 127,
        "generator": random, "dtype": np.dtype("f4"), "function": math.sqrt, "pattern": re.compile("a"),
        "huge": 1 << 4000, "nested": [1, {"deep": (slice(1), 2)}],
    }
    for protocol in [2, 3, 4, 5]:
        with_protocol(f"beside{protocol}_seg.npy", {**small(), **plain, **objects}, protocol,
                      unknown=[*plain, *objects], left_out=[*objects])


def edges():
    """Labels with parts, holes, islands and dots, and what the reference takes for their outlines."""
    from cellpose import utils

    labels = np.random.default_rng(4).integers(0, 4, (30, 40)).astype(np.uint16)
    labels[:, 20:] = np.repeat(np.repeat(labels[:15, 20:30], 2, 0), 2, 1) * 7
    # Two parts with edges of one length: the reference takes one of them.
    labels[2:6, 2:6] = labels[20:24, 10:14] = 99
    np.save(HERE / "edges.npy", labels)
    np.save(HERE / "edges_expected.npy", (labels * utils.masks_to_outlines(labels)).astype(np.uint16))
    found = [outline.astype(int).tolist() for outline in utils.outlines_list(labels)]
    outlines = {str(label): points for label, points in zip(np.unique(labels)[1:], found, strict=True)}
    (HERE / "edges.json").write_text(json.dumps(outlines, separators=(",", ":")) + "\n")


def numpy1():
    """The same, saved again by numpy 1, whose parts have other names."""
    assert np.__version__ < "2"
    for name in ["v3.1.1.2_seg.npy", "stack3.1.1.2_seg.npy", "strange4_seg.npy"]:
        again = "numpy1_" + name
        np.save(HERE / again, np.load(HERE / name, allow_pickle=True).item())
        EXPECTED[again] = EXPECTED[name]


if __name__ == "__main__":
    alone = {"--numpy1": numpy1, "--beside": beside}.get(sys.argv[1])
    if alone:
        EXPECTED = json.loads((HERE / "expected.json").read_text())
        alone()
    else:
        versions(sys.argv[1])
        forms()
        beside()
        edges()
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(EXPECTED[name])}" for name in sorted(EXPECTED))
    (HERE / "expected.json").write_text("{\n" + lines + "\n}\n")
