"""The images that tifffile (with imagecodecs) and Pillow find in files, for the test `images`.

    check_images.py make FOLDER            writes files of every kind into a folder
    check_images.py read FOLDER FILE...    prints a JSON object a line for each file: its series with axes, shape and type;
                                           FOLDER/N_S.npy are the pages of series S of the Nth file [page, sample, Y, X]
"""

import json
import logging
import pathlib
import sys

import numpy
import tifffile
from PIL import Image

logging.disable(logging.ERROR)
PICTURES = {".png", ".jpg", ".bmp", ".pbm", ".pgm", ".ppm", ".webp", ".jp2"}


def pattern(shape, dtype, smooth=False):
    """Values that differ from plane to plane, without noise where a lossy compression must keep them."""
    count = int(numpy.prod(shape))
    if smooth:
        y, x = numpy.mgrid[0 : shape[-2], 0 : shape[-1]]
        plane = 100 + 60 * numpy.sin(x / 9) * numpy.cos(y / 11)
        planes = numpy.stack([numpy.roll(plane, 5 * n, 1) for n in range(count // plane.size)])
        return planes.reshape(shape).astype(dtype)
    values = (numpy.arange(count, dtype="u8") * 2654435761 >> 7) ^ numpy.arange(count, dtype="u8") // 5
    if numpy.dtype(dtype).kind == "f":
        return (values % 1021 / 8 - 30).astype(dtype).reshape(shape)
    return (values % 60013).astype(dtype).reshape(shape)


def compressions(folder):
    """Every compression on strips and tiles."""
    for name in ["none", "lzw", "zlib", "packbits", "zstd", "lzma", "png", "jpeg2000", "jpegxl", "lerc"]:
        for dtype in ["u1", "u2"]:
            for tile in [None, (32, 48)]:
                end = "tiles" if tile else "strips"
                data = pattern((50, 70), dtype)
                options = {} if name == "none" else {"compression": name}
                # `level=0` asks these codecs for no loss.
                if name == "jpegxl":
                    options["compressionargs"] = {"lossless": True}
                tifffile.imwrite(folder / f"{name}_{dtype}_{end}.tif", data, tile=tile, metadata=None, **options)
    for name in ["lzw", "zlib", "zstd", "lzma"]:
        for dtype in ["u1", "u2", "u4", "i2", "f4", "f8"]:
            for order in "<>":
                data = pattern((50, 70), dtype)
                out = folder / f"{name}_predictor_{dtype}_{'le' if order == '<' else 'be'}.tif"
                tifffile.imwrite(out, data, compression=name, predictor=True, byteorder=order, rowsperstrip=7)
        rgb = pattern((50, 70, 3), "u1")
        tifffile.imwrite(folder / f"{name}_rgb.tif", rgb, compression=name, predictor=True, photometric="rgb")
        planes = pattern((3, 50, 70), "u2")
        tifffile.imwrite(
            folder / f"{name}_planar.tif", planes, compression=name, predictor=True, photometric="rgb", tile=(16, 16)
        )
    for dtype in ["f4", "u4", "i2"]:
        tifffile.imwrite(folder / f"lerc_{dtype}.tif", pattern((50, 70), dtype), compression="lerc", metadata=None)


def lossy(folder):
    """Lossy compressions: what their name says after `lossy`."""
    grey = pattern((96, 112), "u1", smooth=True)
    color = numpy.moveaxis(pattern((3, 96, 112), "u1", smooth=True), 0, -1)
    for tile in [None, (32, 48)]:
        end = "tiles" if tile else "strips"
        tifffile.imwrite(folder / f"lossy_jpeg_{end}.tif", grey, compression="jpeg", tile=tile)
        tifffile.imwrite(folder / f"lossy_jpeg_rgb_{end}.tif", color, compression="jpeg", tile=tile, photometric="rgb")
        for sampling in [(1, 1), (2, 1), (2, 2)]:
            tifffile.imwrite(
                folder / f"lossy_jpeg_ycbcr{sampling[0]}{sampling[1]}_{end}.tif",
                color,
                compression="jpeg",
                tile=tile,
                photometric="ycbcr",
                subsampling=sampling,
            )
        tifffile.imwrite(folder / f"lossy_webp_{end}.tif", color, compression="webp", tile=tile, photometric="rgb")
        tifffile.imwrite(
            folder / f"lossy_jpegxl_{end}.tif", color, compression="jpegxl", compressionargs={"distance": 0.5}, tile=tile
        )
        tifffile.imwrite(
            folder / f"lossy_jpeg2000_{end}.tif", color, compression="jpeg2000", compressionargs={"level": 60}, tile=tile
        )
    planes = pattern((3, 96, 112), "u1", smooth=True)
    tifffile.imwrite(folder / "lossy_jpeg_planar.tif", planes, compression="jpeg", photometric="rgb", planarconfig="separate")
    Image.fromarray(color).save(folder / "lossy_jpeg_tables.tif", compression="jpeg")


def pillow(folder):
    """Kinds that Pillow writes: fax, bits, pictures."""
    bits = Image.fromarray(pattern((50, 70), "u1") > 120)
    for name in ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "raw"]:
        bits.save(folder / f"bits_{name}.tif", compression=name)
    grey, rgb = Image.fromarray(pattern((50, 70), "u1")), Image.fromarray(pattern((50, 70, 3), "u1"))
    bits.save(folder / "bits.pbm")
    bits.save(folder / "bits.bmp")
    for name in ["pgm", "bmp", "png", "jp2"]:
        grey.save(folder / f"grey.{name}")
    for name in ["ppm", "bmp", "png", "jp2"]:
        rgb.save(folder / f"rgb.{name}")
    Image.fromarray(pattern((50, 70), "u2")).save(folder / "grey16.pgm")
    rgb.save(folder / "lossless.webp", lossless=True)
    smooth = Image.fromarray(numpy.moveaxis(pattern((3, 96, 112), "u1", smooth=True), 0, -1))
    smooth.save(folder / "lossy.webp", quality=90)
    smooth.save(folder / "lossy.jpg", quality=95, subsampling=0)
    grey.convert("P").save(folder / "palette.bmp")


def layouts(folder):
    """Axes, as each writer states them."""
    imwrite = tifffile.imwrite
    for axes, shape in {
        "YX": (40, 50), "ZYX": (7, 40, 50), "CYX": (3, 40, 50), "TYX": (4, 40, 50), "TZCYX": (2, 3, 2, 40, 50),
        "CZYX": (2, 3, 40, 50), "TCYX": (3, 2, 40, 50), "ZCYX": (6, 2, 40, 50), "TZYX": (2, 6, 40, 50),
    }.items():  # fmt: skip
        data = pattern(shape, "u2")
        imwrite(folder / f"shaped_{axes}.tif", data, metadata={"axes": axes}, photometric="minisblack")
        imwrite(folder / f"shaped_none_{axes}.tif", data, photometric="minisblack")
        imwrite(folder / f"ome_{axes}.ome.tif", data, metadata={"axes": axes}, photometric="minisblack")
        imwrite(folder / f"ome_big_{axes}.ome.tif", data, bigtiff=True, metadata={"axes": axes}, photometric="minisblack")
        order = "TZCYX"
        full = data[tuple(slice(None) if a in axes else None for a in order if a in axes)]
        by = [axes.index(a) for a in order if a in axes]
        imwrite(folder / f"imagej_{axes}.tif", full.transpose(by), imagej=True, metadata={"axes": "".join(axes[i] for i in by)})
        imwrite(folder / f"plain_{axes}.tif", data.reshape(-1, 40, 50), metadata=None, photometric="minisblack")
    imwrite(folder / "imagej_rgb.tif", pattern((4, 40, 50, 3), "u1"), imagej=True, metadata={"axes": "ZYXS"})
    imwrite(folder / "ome_rgb.ome.tif", pattern((4, 40, 50, 3), "u1"), photometric="rgb", metadata={"axes": "ZYXS"})
    imwrite(folder / "ome_planar.ome.tif", pattern((4, 3, 40, 50), "u1"), photometric="rgb", planarconfig="separate", metadata={"axes": "ZSYX"})
    imwrite(folder / "shaped_rgb.tif", pattern((40, 50, 3), "u1"))
    imwrite(folder / "shaped_planar.tif", pattern((3, 40, 50), "u1"))
    imwrite(folder / "shaped_truncated.tif", pattern((5, 40, 50), "u1"), truncate=True, photometric="minisblack")
    imwrite(folder / "shaped_axes_truncated.tif", pattern((5, 40, 50), "u1"), truncate=True, photometric="minisblack", metadata={"axes": "ZYX"})
    imwrite(folder / "imagej_truncated.tif", pattern((5, 40, 50), "u2"), imagej=True, truncate=True, metadata={"axes": "ZYX"})
    imwrite(folder / "shaped_last.tif", pattern((30, 20, 2), "u1"), photometric="minisblack")
    imwrite(folder / "ones.tif", pattern((1, 1, 40, 50), "u1"), photometric="minisblack")
    with tifffile.TiffWriter(folder / "ome_series.ome.tif") as out:
        for n, shape in enumerate([(40, 50), (2, 30, 20), (25, 35)]):
            out.write(pattern(shape, "u2"), metadata={"axes": "CYX"[-len(shape) :], "Name": f"position {n}"}, photometric="minisblack")
    with tifffile.TiffWriter(folder / "shaped_series.tif") as out:
        for shape in [(40, 50), (2, 30, 20), (25, 35)]:
            out.write(pattern(shape, "u2"), photometric="minisblack")
    with tifffile.TiffWriter(folder / "ome_pyramid.ome.tif", bigtiff=True) as out:
        data = pattern((2, 64, 80), "u1")
        out.write(data, subifds=2, tile=(16, 16), metadata={"axes": "CYX"}, photometric="minisblack")
        for level in 2, 4:
            out.write(data[:, ::level, ::level], subfiletype=1, tile=(16, 16), photometric="minisblack")
    with tifffile.TiffWriter(folder / "pages_mixed.tif") as out:
        for _ in range(3):
            out.write(pattern((40, 50), "u1"), metadata=None, photometric="minisblack", contiguous=False)
        out.write(pattern((13, 17), "u1"), metadata=None, photometric="minisblack")
    imwrite(folder / "sparse.tif", numpy.zeros((64, 80), "u2"), tile=(16, 16), compression="zlib")
    for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?"]:
        for order in "<>":
            name = f"type_{dtype.replace('?', 'bool')}_{'le' if order == '<' else 'be'}.tif"
            imwrite(folder / name, pattern((40, 50), dtype), byteorder=order, photometric="minisblack")
            imwrite(folder / f"tiles_{name}", pattern((40, 50), dtype), byteorder=order, photometric="minisblack", tile=(16, 16))


def described(folder, name, count, text):
    """Pages with a description, as other programs than tifffile write it."""
    with tifffile.TiffWriter(folder / name) as out:
        for page in pattern((count, 40, 50), "u1"):
            out.write(page, description=text, metadata=None, contiguous=False, photometric="minisblack")
            text = None


def ome(folder, name, count, data, order="XYCZT", z=3, c=2, t=1, prefix="", after=""):
    pixels = f'DimensionOrder="{order}" Type="uint8" SizeX="50" SizeY="40" SizeZ="{z}" SizeC="{c}" SizeT="{t}"'
    data = data.replace("<", f"<{prefix}").replace(f"<{prefix}/", f"</{prefix}")
    schema = f'xmlns{":" * bool(prefix)}{prefix[:-1]}="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    text = f'<{prefix}OME {schema} UUID="urn:uuid:1"><{prefix}Image Name="a"><{prefix}Pixels {pixels}>{data}</{prefix}Pixels></{prefix}Image>{after}</{prefix}OME>'
    described(folder, f"ome_{name}.ome.tif", count, '<?xml version="1.0"?>' + text)


def quirks(folder):
    """What programs leave out of their descriptions, and what they add."""
    planes = [(n % 2, n // 2) for n in range(6)]
    each = lambda ifd, more="": "".join(f'<TiffData IFD="{ifd(n)}" FirstC="{c}" FirstZ="{z}"{more}' for n, (c, z) in enumerate(planes))
    ome(folder, "no_attributes", 6, "<TiffData/>")
    ome(folder, "no_count", 6, each(lambda n: n, "/>"))
    ome(folder, "backwards", 6, each(lambda n: 5 - n, "/>"))
    ome(folder, "one_ifd", 6, '<TiffData IFD="0"/>')
    ome(folder, "count", 6, '<TiffData PlaneCount="6"/>')
    ome(folder, "later", 8, '<TiffData IFD="2" PlaneCount="6"/>')
    ome(folder, "two_runs", 6, '<TiffData IFD="0" PlaneCount="2"/><TiffData FirstZ="1" IFD="2" PlaneCount="4"/>')
    ome(folder, "time_first", 12, "<TiffData/>", order="XYTCZ", t=2)
    ome(folder, "short", 4, "<TiffData/>")
    ome(folder, "surplus", 9, "<TiffData/>")
    ome(folder, "no_data", 6, "<Channel/><Channel/>")
    ome(folder, "prefixed", 6, "<TiffData/>", prefix="ome:")
    ome(folder, "renamed", 6, each(lambda n: n, ' PlaneCount="1"><UUID FileName="before.tif">urn:uuid:1</UUID></TiffData>'))
    other = "<Value><Image><Pixels SizeX='9'/></Image><![CDATA[<Image>]]></Value>"
    ome(folder, "annotations", 6, "<TiffData/>", after=f"<StructuredAnnotations><XMLAnnotation>{other}</XMLAnnotation></StructuredAnnotations>")
    for name, lengths in {
        "frames": "images=6\nframes=6", "slices": "images=6\nslices=6", "channels": "images=6\nchannels=6", "images": "images=6",
        "nothing": "min=0", "hyperstack": "images=6\nchannels=2\nslices=3", "slices_frames": "images=6\nslices=3\nframes=2",
        "contradicts": "images=6\nslices=2\nframes=4",
    }.items():  # fmt: skip
        described(folder, f"imagej_says_{name}.tif", 6, f"ImageJ=1.53t\n{lengths}\nloop=false\n")
    for name, text in {
        "axes": '{"axes": "CZYX", "shape": [2, 3, 40, 50]}', "no_axes": '{"shape": [2, 3, 40, 50]}', "old": "shape=(2, 3, 40, 50)",
        "other": '{"exposure": 3}',
    }.items():  # fmt: skip
        described(folder, f"shaped_says_{name}.tif", 6, text)
    for axes, shape in {"PTCYX": (2, 2, 2, 40, 50), "YXZ": (40, 50, 3), "CYXZ": (2, 40, 50, 3), "ZYXC": (3, 40, 50, 2)}.items():
        tifffile.imwrite(folder / f"shaped_{axes}.tif", pattern(shape, "u1"), metadata={"axes": axes}, photometric="minisblack")


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for kind in [compressions, lossy, pillow, layouts, quirks]:
        kind(folder)


def pages(array, axes):
    """[page, sample, Y, X]"""
    if "S" in axes:
        array = numpy.moveaxis(array, axes.index("S"), -3)
    samples = array.shape[-3] if "S" in axes else 1
    return array.reshape(-1, samples, *array.shape[-2:])


def tiff_series(path):
    with tifffile.TiffFile(path) as file:
        for series in file.series:
            axes = series.axes
            # A Zeiss LSM has the samples of its pages as channels.
            array = series.asarray()
            yield axes, list(series.shape), array.dtype, array


def picture_series(path):
    image = Image.open(path)
    if image.mode in ("1", "P"):
        # A palette is applied; one of greys gives grey, as other programs read it.
        rgb = numpy.asarray(image.convert("RGB"))
        is_grey = (rgb[..., :1] == rgb).all()
        array = rgb[..., 0] if is_grey or image.mode == "1" else rgb
    else:
        array = numpy.asarray(image)
    if array.dtype == numpy.int32:
        array = array.astype("u2")
    yield "YXS"[: array.ndim], list(array.shape), array.dtype, array


def read(folder, paths):
    for number, path in enumerate(paths):
        found = []
        try:
            each = picture_series if pathlib.Path(path).suffix in PICTURES else tiff_series
            for index, (axes, shape, dtype, array) in enumerate(each(path)):
                found.append({"axes": axes, "shape": shape, "type": str(dtype)})
                if axes.rstrip("S").endswith("YX"):
                    array = pages(array, axes)
                    numpy.save(folder / f"{number}_{index}.npy", array.astype({"?": "u1", "e": "f4"}.get(array.dtype.char, array.dtype)))
        except Exception as error:
            print(json.dumps({"error": repr(error)}))
            continue
        print(json.dumps({"series": found}))


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    if command == "make":
        make(pathlib.Path(folder))
    else:
        read(pathlib.Path(folder), rest)
