"""Makes the files of this folder: the pattern of ../fixtures under every compression and format that the readers'
features are for. Needs numpy, tifffile with imagecodecs, and Pillow, as in tests/oracle/requirements.txt."""

import io
import pathlib
import struct

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent


def pattern(dtype, channels, height=17, width=23):
    """[C, H, W]; as in ../fixtures/make.py."""
    c, y, x = np.meshgrid(np.arange(channels), np.arange(height), np.arange(width), indexing="ij")
    p = (c * 89 + y * 31 + x * 7 + x * y) % 251
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (p / 8 - 3).astype(dtype)
    return (p * 257 ** (dtype.itemsize - 1)).astype(dtype)


def rgb(dtype="u1"):
    return np.moveaxis(pattern(dtype, 3), 0, -1)


def tiff(name, data, **options):
    tifffile.imwrite(HERE / f"{name}.tif", data, metadata=None, software=False, **options)


def page(name, width, height, entries, data):
    """A little-endian TIFF of one page, byte by byte: (tag, type, values); offset 8 is where `data` lies."""
    entries = sorted([(256, 3, [width]), (257, 3, [height]), *entries])
    sizes = {1: 1, 3: 2, 4: 4, 7: 1}
    formats = {1: "B", 3: "H", 4: "I", 7: "B"}
    directory_at = 8 + len(data) + len(data) % 2
    after = directory_at + 2 + 12 * len(entries) + 4
    head, extra = b"", b""
    for tag, kind, values in entries:
        values = [8 if value == "data" else value for value in values]
        packed = struct.pack(f"<{len(values)}{formats[kind]}", *values)
        if len(packed) > 4:
            extra += b"\0" * (len(extra) % 2)
            packed, extra = struct.pack("<I", after + len(extra)), extra + packed
        head += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    assert sizes
    body = data + b"\0" * (len(data) % 2)
    file = b"II*\0" + struct.pack("<I", directory_at) + body + struct.pack("<H", len(entries)) + head + bytes(4) + extra
    (HERE / f"{name}.tif").write_bytes(file)


def segments(jpeg):
    """The segments of a JPEG up to its scan, and the coded data."""
    at, found = 2, []
    while True:
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        found.append((marker, jpeg[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xDA:
            return found, jpeg[at:-2]


def old_jpeg():
    """JPEG as TIFF 6.0 described it first: a whole file, and a strip whose tables lie apart."""
    grey = pattern("u1", 1)[0]
    height, width = grey.shape
    whole = imagecodecs.jpeg8_encode(grey, level=100)
    strip = [(258, 3, [8]), (259, 3, [6]), (262, 3, [1]), (277, 3, [1]), (512, 3, [1])]
    page("old_jpeg_whole", width, height, [*strip, (513, 4, ["data"]), (514, 4, [len(whole)])], whole)
    found, coded = segments(whole)
    quantization = next(data[1:] for marker, data in found if marker == 0xDB)
    tables = b"".join(data for marker, data in found if marker == 0xC4)
    codes = {}
    while tables:
        kind, length = tables[0], 17 + sum(tables[1:17])
        codes[kind], tables = tables[1:length], tables[length:]
    parts = [coded, quantization, codes[0x00], codes[0x10]]
    offsets = [8 + sum(map(len, parts[:n])) for n in range(4)]
    tags = [(273, 4, ["data"]), (278, 3, [height]), (279, 4, [len(coded)])]
    tags += [(519, 4, [offsets[1]]), (520, 4, [offsets[2]]), (521, 4, [offsets[3]])]
    page("old_jpeg_tables", width, height, [*strip, *tags], b"".join(parts))
    np.save(HERE / "old_jpeg.npy", imagecodecs.jpeg8_decode(whole))


def baseline():
    """Rarer kinds of baseline TIFF."""
    grey = pattern("u1", 1)[0]
    height, width = grey.shape
    strip = [(258, 3, [8]), (259, 3, [1]), (262, 3, [1]), (273, 4, ["data"]), (277, 3, [1]), (278, 3, [height])]
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in grey.tobytes())
    page("fill_order", width, height, [*strip, (266, 3, [2]), (279, 4, [len(reverse)])], reverse)
    page("no_byte_counts", width, height, strip, grey.tobytes())
    page("zero_byte_counts", width, height, [*strip, (279, 4, [0])], grey.tobytes())
    page("sample_format_4", width, height, [*strip, (279, 4, [grey.size]), (339, 3, [4])], grey.tobytes())
    packed = imagecodecs.zlib_encode(grey.tobytes())
    deflate = [entry for entry in strip if entry[0] != 259] + [(259, 3, [8])]
    page("deflate_no_byte_counts", width, height, deflate, packed)
    # 24 bits, in the file's order of bytes.
    wide = pattern("u4", 1)[0] & 0xFFFFFF
    triples = wide.astype("<u4").view("u1").reshape(height, width, 4)[..., :3].tobytes()
    bits24 = [entry for entry in strip if entry[0] != 258] + [(258, 3, [24])]
    page("integers_24_bits", width, height, [*bits24, (279, 4, [len(triples)])], triples)
    np.save(HERE / "integers_24_bits.npy", wide)
    # Brightness of 2 x 2 pixels, then the two colors of the block.
    y, cb, cr = pattern("u1", 3)
    blocks = b""
    for top in range(0, height, 2):
        for left in range(0, width, 2):
            for dy in 0, 1:
                for dx in 0, 1:
                    inside = top + dy < height and left + dx < width
                    blocks += bytes([y[top + dy, left + dx] if inside else 0])
            blocks += bytes([cb[top, left], cr[top, left]])
    color = [(258, 3, [8, 8, 8]), (259, 3, [1]), (262, 3, [6]), (273, 4, ["data"]), (277, 3, [3]), (278, 3, [height])]
    page("ycbcr_2x2", width, height, [*color, (279, 4, [len(blocks)]), (530, 3, [2, 2])], blocks)
    block = lambda plane: plane[::2, ::2].repeat(2, 0).repeat(2, 1)[:height, :width]  # noqa: E731
    np.save(HERE / "ycbcr_2x2.npy", np.stack([y, block(cb), block(cr)]))
    # Tiles of zeros that are not stored.
    tiff("sparse_tiles", np.zeros((32, 48), "u2"), tile=(16, 16), compression="zlib")


def pictures():
    grey, color = Image.fromarray(pattern("u1", 1)[0]), Image.fromarray(np.ascontiguousarray(rgb()))
    grey.save(HERE / "bmp.grey.bmp")
    color.save(HERE / "bmp.rgb.bmp")
    grey.save(HERE / "pnm.grey.pgm")
    color.save(HERE / "pnm.rgb.ppm")
    Image.fromarray(pattern("u2", 1)[0]).save(HERE / "pnm.grey16.pgm")
    text = pattern("u1", 1)[0]
    lines = "\n".join(" ".join(map(str, row)) for row in text)
    (HERE / "pnm.text.pgm").write_text(f"P2 # a comment\n{text.shape[1]} {text.shape[0]}\n255\n{lines}\n")
    planes = pattern("u1", 5)
    header = f"P7\nWIDTH {planes.shape[2]}\nHEIGHT {planes.shape[1]}\nDEPTH 5\nMAXVAL 255\nTUPLTYPE ANY\nENDHDR\n"
    (HERE / "pnm.five.pam").write_bytes(header.encode() + np.moveaxis(planes, 0, -1).tobytes())
    color.save(HERE / "webp.rgb.webp", lossless=True)
    (HERE / "jpeg2000.grey16.jp2").write_bytes(imagecodecs.jpeg2k_encode(pattern("u2", 1)[0], level=0, codecformat="jp2"))
    (HERE / "jpeg2000.rgb.j2k").write_bytes(imagecodecs.jpeg2k_encode(np.ascontiguousarray(rgb()), level=0, codecformat="j2k", reversible=True))
    (HERE / "jpegxl.grey16.jxl").write_bytes(imagecodecs.jpegxl_encode(pattern("u2", 1)[0], lossless=True))
    (HERE / "jpegxl.rgb.jxl").write_bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(rgb()), lossless=True))


def compressions():
    grey = pattern("u2", 1)[0]
    for name in ["zstd", "lzma", "png", "jpeg2000", "lerc"]:
        tiff(name, grey, compression=name)
    tiff("jpegxl", grey, compression="jpegxl", compressionargs={"lossless": True})
    tiff("lerc_f4", pattern("f4", 1)[0], compression="lerc", tile=(16, 16))
    tiff("zstd_predictor", grey, compression="zstd", predictor=True, tile=(16, 16))
    tiff("webp", np.ascontiguousarray(rgb()), compression="webp", photometric="rgb", compressionargs={"lossless": True})
    bits = Image.fromarray(pattern("u1", 1)[0] % 3 == 0)
    for name, kind in [("fax3", "group3"), ("fax4", "group4"), ("fax_rle", "tiff_ccitt")]:
        file = io.BytesIO()
        bits.save(file, format="TIFF", compression=kind)
        (HERE / f"{name}.tif").write_bytes(file.getvalue())
    y, x = np.mgrid[0:40, 0:56]
    smooth = np.stack([100 + 60 * np.sin((x + 20 * c) / 9) * np.cos(y / 11) for c in range(3)], -1).astype("u1")
    for sampling in [(1, 1), (2, 1), (2, 2)]:
        name = f"jpeg_ycbcr_{sampling[0]}{sampling[1]}"
        tiff(name, smooth, compression="jpeg", tile=(16, 16), photometric="ycbcr", subsampling=sampling)
        np.save(HERE / f"{name}.npy", np.moveaxis(tifffile.imread(HERE / f"{name}.tif"), -1, 0))
    Image.fromarray(smooth).save(HERE / "jpeg_tables.tif", compression="jpeg")
    np.save(HERE / "jpeg_tables.npy", np.moveaxis(tifffile.imread(HERE / "jpeg_tables.tif"), -1, 0))


if __name__ == "__main__":
    for old in [*HERE.glob("*.*")]:
        if old.suffix != ".py":
            old.unlink()
    old_jpeg()
    baseline()
    pictures()
    compressions()
