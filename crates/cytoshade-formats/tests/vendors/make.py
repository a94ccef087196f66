"""Writes Zeiss LSM files and what tifffile reads from them.

Usage: tests/oracle/setup.sh, then target/oracle/bin/python make.py. No library writes LSM, so the structure is built here,
after the layout in tifffile; tifffile then reads each file, which checks it.
"""

import json
import struct
from pathlib import Path

import numpy as np
import tifffile

HERE = Path(__file__).parent
HEIGHT, WIDTH = 5, 7


def lsm_info(shape, scan):
    z, t, c = shape
    magic, size = 0x0400494C, 500
    info = struct.pack("<IiiiiiiiII", magic, size, WIDTH, HEIGHT, z, c, t, 2, 3, 2)
    info = info[:40] + struct.pack("<dddddd", 2e-7, 2.5e-7, 1e-6, 0, 0, 0) + struct.pack("<HH", scan, 0)
    return info.ljust(size, b"\0")


def write(path, values, shape, scan):
    """One page of planar channels for each plane, with a thumbnail of 8-bit RGB after it."""
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    channels = values.shape[1]
    thumbnail = np.full((3, 2, 3), 200, np.uint8)
    for index, plane in enumerate(values):
        for kind, samples in ((0, plane), (1, thumbnail)):
            offsets = []
            for channel in samples:
                offsets.append(len(out))
                out += channel.tobytes()
            height, width = samples.shape[1:]
            bits = [samples.dtype.itemsize * 8] * len(samples)
            lengths = [samples[0].nbytes] * len(samples)
            tags = [
                (254, 4, [kind]), (256, 4, [width]), (257, 4, [height]), (258, 3, bits), (259, 3, [1]),
                (262, 3, [2 if kind else 1]), (273, 4, offsets), (277, 3, [len(samples)]), (279, 4, lengths), (284, 3, [2]),
            ]
            entries = [(tag, type_, len(v), struct.pack("<" + "HI"[type_ == 4] * len(v), *v)) for tag, type_, v in tags]
            if index == 0 and kind == 0:
                info = lsm_info(shape, scan)
                entries.append((34412, 1, len(info), info))
            records = bytearray()
            for tag, type_, count, data in entries:
                # tifffile expects two numbers of bits elsewhere, as old writers store them.
                if len(data) > 4 or (tag == 258 and count == 2):
                    place = len(out)
                    out += data
                    data = struct.pack("<I", place)
                records += struct.pack("<HHI", tag, type_, count) + data.ljust(4, b"\0")
            out[link : link + 4] = struct.pack("<I", len(out))
            out += struct.pack("<H", len(entries)) + records
            link = len(out)
            out += b"\0\0\0\0"
    path.write_bytes(out)


random = np.random.default_rng(7)
expected = {}
# The lengths of Z, time and channels, and Zeiss's number of the scan.
for name, (z, t, c), scan in (
    ("z", (3, 1, 2), 0),
    ("time", (1, 4, 2), 3),
    ("time_z", (2, 3, 2), 6),
    ("time_one_channel", (1, 3, 1), 3),
    ("z_three_channels", (2, 1, 3), 0),
):
    values = random.integers(0, 60000, (z * t, c, HEIGHT, WIDTH), dtype=np.uint16)
    path = HERE / f"{name}.lsm"
    write(path, values, (z, t, c), scan)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        read = series.asarray()
        print(name, series.axes, series.shape, file.is_lsm)
        assert file.is_lsm and np.array_equal(read.ravel(), values.ravel())
        expected[name] = {"axes": series.axes, "shape": series.shape, "values": read.ravel().tolist()}
(HERE / "expected.json").write_text(json.dumps(expected) + "\n")
