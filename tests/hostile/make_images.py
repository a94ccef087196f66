"""Images that attack the readers: each must end in the error that INDEX.tsv names, quickly and in little memory.

    python make_images.py

Needs nothing but Python. Nothing here opens what it writes.
"""

import struct
import zlib

from corpus import ROOT, index, put

FIXTURES = ROOT / "crates/cytoshade-formats/tests/fixtures"
MIB = 1 << 20

SHORT, LONG, LONG8 = 3, 4, 16
NUMBERS = {SHORT: "<H", LONG: "<I", LONG8: "<Q"}


class Tiff:
    """A little-endian file that grows: data, then directories, each of which the one before leads to."""

    def __init__(self, big=False):
        self.big = big
        self.link = 8 if big else 4
        self.data = bytearray(b"II\x2b\0\x08\0\0\0" + bytes(8) if big else b"II\x2a\0" + bytes(4))

    def add(self, data):
        self.data += data
        return len(self.data) - len(data)

    def offset(self, value):
        return struct.pack("<Q" if self.big else "<I", value)

    def page(self, entries, count=None, next_page=0):
        """Entries are (tag, type, values) or (tag, type, count, offset)."""
        room = 8 if self.big else 4
        packed = []
        for tag, kind, *rest in entries:
            if len(rest) == 2:
                number, value = rest[0], self.offset(rest[1])
            else:
                values = rest[0] if isinstance(rest[0], (list, tuple)) else [rest[0]]
                number, raw = len(values), b"".join(struct.pack(NUMBERS[kind], v) for v in values)
                value = raw.ljust(room, b"\0") if len(raw) <= room else self.offset(self.add(raw))
            packed.append(struct.pack("<HH", tag, kind) + self.offset(number) + value)
        at = self.add(struct.pack("<Q" if self.big else "<H", len(packed) if count is None else count) + b"".join(packed))
        self.data[self.link : self.link + room] = self.offset(at)
        self.link = self.add(self.offset(next_page))
        return at


def sides(width, height, bits=8, compression=1):
    return [(256, LONG, width), (257, LONG, height), (258, SHORT, bits), (259, SHORT, compression)]


def one_page(*entries, data=bytes(6), big=False, **how):
    """A file of one page; the data lie right behind the header."""
    file = Tiff(big)
    file.add(data)
    file.page(sorted(entries), **how)
    return file.data


def strip(size, data=bytes(6), *more, bits=8, compression=1, big=False):
    where = [(273, LONG, 16 if big else 8), (279, LONG, len(data))]
    return one_page(*sides(*size, bits, compression), *where, *more, data=data, big=big)


def tiff(name, error, attacks, data):
    put(f"tiff_{name}.tif", error, attacks, data)


def tiff_directories():
    tiff("no_page", "Damaged", "no page at all", b"II\x2a\0\0\0\0\0")
    tiff("page_past_end", "Damaged", "a page past the end", b"MM\0\x2a\xff\xff\xff\xff")
    tiff("big_page_past_end", "Damaged", "a page at 2^64 - 1", b"MM\0\x2b\0\x08\0\0" + b"\xff" * 8)
    tiff("crowded", "Damaged", "a page of 65,535 entries", b"II\x2a\0\x08\0\0\0\xff\xff" + bytes(800_000 // 8))
    tiff("big_entries", "Damaged", "a page of 2^60 + 1 entries, whose bytes wrap around to 20",
         one_page(*sides(3, 2), big=True, count=2**60 + 1))
    file = Tiff()
    first = file.page(sides(3, 2))
    tiff("loop", "Damaged", "a page that is followed by itself", one_page(*sides(3, 2), next_page=first + 0))
    file = Tiff()
    for _ in range(3):
        last = file.page([(254, LONG, 1)])
    file.data[file.link : file.link + 4] = struct.pack("<I", 8)
    tiff("loop_of_three", "Damaged", "three pages in a circle", file.data)
    file = Tiff()
    for _ in range(17_000):
        file.page([])
    tiff("many_pages", "Limit pages", "17,000 empty pages of six bytes", file.data)
    # Every directory is followed by one that begins two bytes further on, so that they share their bytes.
    chain = b"II\x2a\0\x08\0\0\0" + b"".join(struct.pack("<HI", 0, 14 + 6 * at) for at in range(16_000))
    tiff("pages_past_end", "Damaged", "16,000 pages, the last of which leads past the end", chain)
    tiff("sub_pages", "Damaged", "a page that lies within itself as a SubIFD, and has no pixels", one_page((330, LONG, 14)))
    deep = Tiff()
    at = 0
    for _ in range(2000):
        at = deep.page([(330, LONG, at)])
    tiff("sub_pages_deep", "Damaged", "pages within pages, 2000 deep", deep.data)
    tiff("no_place", "Damaged", "a page that does not say where its pixels are", one_page(*sides(3, 2)))
    tiff("images_claimed", "Limit pages", "a stack of a billion images in one page",
         strip((3, 2), b"\0" * 6 + b"ImageJ=1.53q\nimages=999999999\n", (270, 2, 30, 14)))


def tiff_pixels():
    tiff("sides", "Limit pixels", "65,536 x 65,536 pixels of six bytes", strip((65_536, 65_536)))
    tiff("width", "Limit width", "2^32 - 1 pixels across", strip((2**32 - 1, 2)))
    tiff("strip_length", "Damaged", "a deflated strip of 4 GiB",
         one_page(*sides(3, 2, compression=8), (273, LONG, 8), (279, LONG, 2**32 - 1)))
    tiff("strip_offset", "Damaged", "a strip that ends past 2^32",
         one_page(*sides(3, 2), (273, LONG, 2**32 - 1), (279, LONG, 6)))
    tiff("big_strip_offset", "Damaged", "a strip that ends past 2^64",
         one_page(*sides(3, 2), (273, LONG8, 2**64 - 2), (279, LONG8, 6), big=True))
    tiff("big_strip_length", "Damaged", "a strip of 2^63 bytes",
         one_page(*sides(3, 2, compression=5), (273, LONG8, 16), (279, LONG8, 2**63), big=True))
    tiff("strip_count", "Damaged", "2^32 - 1 strips that are not listed", one_page(*sides(2, 2**20), (278, LONG, 1),
         (273, LONG, 2**32 - 1, 8), (279, LONG, 2**32 - 1, 8)))
    tiff("big_strip_count", "Damaged", "2^61 + 1 strips, whose list wraps around to eight bytes",
         one_page(*sides(3, 2), (273, LONG8, 2**61 + 1, 16), (279, LONG8, 2**61 + 1, 16), big=True))
    tiff("strips_missing", "Damaged", "a million strips, of which one is listed",
         one_page(*sides(2, 2**20), (278, LONG, 1), (273, LONG, 8), (279, LONG, 6)))
    tiff("strip_rows", "Damaged", "strips of no rows", strip((3, 2), bytes(6), (278, LONG, 0)))

    def tiles(width, height):
        return [(322, LONG, width), (323, LONG, height), (324, LONG, 8), (325, LONG, 6)]
    tiff("tile_count", "Damaged", "2^30 tiles of one pixel, of which one is listed", one_page(*sides(2**15, 2**15), *tiles(1, 1)))
    tiff("tile_sides", "Damaged", "a tile of 2^32 - 1 squared pixels", one_page(*sides(3, 2), *tiles(2**32 - 1, 2**32 - 1)))
    tiff("tile_none", "Damaged", "tiles of no width", one_page(*sides(3, 2), *tiles(0, 16)))
    tiff("tile_height_missing", "Damaged", "tiles of no stated height", one_page(*sides(3, 2), tiles(16, 0)[0]))

    tiff("samples", "Damaged", "65,535 samples a pixel of six bytes", strip((3, 2), bytes(6), (277, SHORT, 65_535)))
    tiff("samples_none", "Damaged", "no samples a pixel", strip((3, 2), bytes(6), (277, SHORT, 0)))
    tiff("planes", "Damaged", "65,535 planes, of which one is listed",
         strip((3, 2), bytes(6), (277, SHORT, 65_535), (284, SHORT, 2)))
    tiff("bits", "Unsupported", "65,535 bits a sample", strip((2, 2), bytes(40_000), bits=65_535))
    tiff("bits_none", "Unsupported", "samples of no bits", strip((3, 2), bits=0))
    tiff("bits_many", "Damaged", "a list of 2^32 - 1 numbers of bits", one_page((256, LONG, 3), (257, LONG, 2),
         (258, SHORT, 2**32 - 1, 8), (273, LONG, 8), (279, LONG, 6)))
    tiff("type_unknown", "Damaged", "a width of a type that does not exist", one_page((256, 99, 1, 3), (257, LONG, 2)))
    tiff("predictor", "Unsupported", "a predictor that does not exist", strip((3, 2), zlib.compress(bytes(6)), (317, SHORT, 9), compression=8))
    tiff("predictor_float", "Unsupported", "the predictor of floats on whole numbers",
         strip((3, 2), zlib.compress(bytes(6)), (317, SHORT, 3), compression=8))
    tiff("predictor_bits", "Unsupported", "the predictor of bytes on 12 bits",
         strip((3, 2), zlib.compress(bytes(10)), (317, SHORT, 2), compression=8, bits=12))
    tiff("compression", "Unsupported", "a compression that does not exist", strip((3, 2), compression=4711))


def tiff_bombs():
    side = 9000
    rows = bytes(side * side)
    tiff("bomb_deflate", "Limit decoded_bytes", "81 MB of zeros deflated to 80 kB", strip((side, side), zlib.compress(rows, 9), compression=8))
    tiff("bomb_pack_bits", "Limit decoded_bytes", "a strip of runs that is too short for what it says", strip((side, side), b"\x81\0" * 40_000, compression=32773))
    tiff("bomb_lzw", "Limit decoded_bytes", "81 MB of zeros that LZW packs into 60 kB", strip((side, side), lzw_zeros(len(rows)), compression=5))
    tiff("bomb_lzw_noise", "Damaged", "LZW codes that name entries which are not there yet", strip((300, 300), b"\xff" * 4000, compression=5))
    tiff("bomb_deflate_noise", "Damaged", "noise where deflated bytes belong", strip((30, 30), bytes(range(256)), compression=8))

    def shared(name, attacks, data, width, rows, count, compression=1, error="Limit reuse"):
        file = Tiff()
        at = file.add(data)
        file.page(sorted([*sides(width, rows * count, compression=compression), (278, LONG, rows),
                          (273, LONG, [at] * count), (279, LONG, [len(data)] * count)]))
        tiff(name, error, attacks, file.data)
    shared("shared_strips", "20,000 strips in one place: 400 MB of pixels in 180 kB", bytes(20_000), 20_000, 1, 20_000, error="Limit decoded_bytes")
    shared("shared_deflate", "2,000 deflated strips in one place", zlib.compress(bytes(200_000), 9), 20_000, 10, 2_000, 8, "Limit decoded_bytes")
    file = Tiff()
    at = file.add(bytes(100_000))
    for _ in range(1_000):
        file.page([*sides(400, 250), (273, LONG, at), (279, LONG, 100_000)])
    tiff("shared_pages", "Limit reuse", "1,000 pages that all show the same pixels", file.data)


def lzw_zeros(count):
    """TIFF's LZW of zeros: each code is the newest entry of the table, one zero longer than the one before."""
    bits = []

    def code(value):
        # Codes grow by a bit one entry early; the table was cleared before it is full.
        bits.append(f"{value:0{9 if entry < 511 else 10 if entry < 1023 else 11 if entry < 2047 else 12}b}")
    entry = 258
    code(256)
    while count > 0:
        code(0)
        count -= 1
        while entry < 4094 and count > 0:
            code(entry)
            count -= entry - 256
            entry += 1
        code(256)
        entry = 258
    code(257)
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def chunk(name, data, crc=None, length=None):
    crc = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + name + data + struct.pack(">I", crc)


def header(width, height, depth=8, color=0, compression=0, filters=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, compression, filters, interlace))


END = chunk(b"IEND", b"")
PIXELS = chunk(b"IDAT", zlib.compress(bytes(8)))


def png(name, error, attacks, *chunks):
    put(f"png_{name}.png", error, attacks, b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def pngs():
    side = 9000
    bomb = zlib.compress(bytes((side + 1) * side), 9)
    png("bomb", "Limit decoded_bytes", "81 MB of zeros deflated to 80 kB", header(side, side), chunk(b"IDAT", bomb), END)
    png("bomb_interlaced", "Limit decoded_bytes", "the same, interlaced", header(side, side, interlace=1), chunk(b"IDAT", bomb), END)
    png("bomb_palette", "Limit decoded_bytes", "one bit a pixel that a palette makes three bytes of", header(side, side, 1, 3),
        chunk(b"PLTE", bytes(6)), chunk(b"IDAT", zlib.compress(bytes((side // 8 + 1) * side), 9)), END)
    png("sides", "Limit pixels", "65,536 x 65,536 pixels of eight bytes", header(65_536, 65_536), PIXELS, END)
    png("width", "Limit width", "2^31 - 1 pixels across", header(2**31 - 1, 2), PIXELS, END)
    png("width_past_31_bits", "Limit width", "2^32 - 1 pixels across, which PNG forbids", header(2**32 - 1, 2), PIXELS, END)
    png("width_none", "Damaged", "no pixels across", header(0, 2), PIXELS, END)
    png("header_crc", "Damaged", "a header with another checksum", header(3, 2)[:-4] + b"\0\0\0\0", PIXELS, END)
    png("pixels_crc", "Damaged", "pixels with another checksum", header(3, 2), PIXELS[:-4] + b"\0\0\0\0", END)
    png("header_twice", "Damaged", "a second header, of another size", header(3, 2), header(65_535, 65_535), PIXELS, END)
    png("header_late", "Damaged", "pixels before the header", PIXELS, header(3, 2), END)
    png("header_short", "Damaged", "a header of four bytes", chunk(b"IHDR", b"\0\0\0\3"), PIXELS, END)
    png("length", "Damaged", "a chunk of 2^31 - 1 bytes that are not there", header(3, 2), chunk(b"IDAT", bytes(8), length=2**31 - 1))
    png("length_past_31_bits", "Damaged", "a chunk of 2^32 - 1 bytes, which PNG forbids", header(3, 2), chunk(b"IDAT", bytes(8), length=2**32 - 1))
    png("length_of_text", "Damaged", "a text of 2^31 - 1 bytes that are not there", header(3, 2), chunk(b"zTXt", bytes(8), length=2**31 - 1))
    png("no_pixels", "Damaged", "no pixels", header(3, 2), END)
    png("pixels_short", "Damaged", "fewer pixels than the header says", header(3, 3), PIXELS, END)
    png("pixels_noise", "Damaged", "noise where deflated bytes belong", header(3, 2), chunk(b"IDAT", bytes(range(200))), END)
    png("filter", "Damaged", "a filter that does not exist", header(3, 2), chunk(b"IDAT", zlib.compress(b"\x09" * 8)), END)
    png("depth", "Damaged", "three bits a sample", header(3, 2, depth=3), PIXELS, END)
    png("color", "Damaged", "a kind of color that does not exist", header(3, 2, color=5), PIXELS, END)
    png("palette_cut", "Damaged", "a palette of 16 colors and a third, on which the decoder panicked (found by fuzzing)",
        header(3, 2, color=3), chunk(b"PLTE", bytes(49)), PIXELS, END)
    png("palette_long", "Damaged", "a palette of 257 colors", header(3, 2, color=3), chunk(b"PLTE", bytes(771)), PIXELS, END)
    png("palette_none", "Damaged", "indices into a palette that is not there", header(3, 2, color=3), PIXELS, END)
    text = zlib.compress(bytes(64 * MIB), 9)
    for name, data in {
        b"zTXt": b"k\0\0" + text, b"iTXt": b"k\0\1\0\0\0" + text, b"iCCP": b"k\0\0" + text,
    }.items():
        png(f"bomb_{name.decode()}", "Damaged", f"64 MiB of zeros in {name.decode()}, and no pixels", header(3, 2), chunk(name, data), END)
    frames = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 2**31 - 1, 2**31 - 1, 0, 0, 0, 0, 0, 0))
    png("frames", "Damaged", "a film of 2^31 - 1 frames, each larger than the picture", header(3, 2), frames, frame, PIXELS, END)


def jpeg(name, error, attacks, data):
    put(f"jpeg_{name}.jpg", error, attacks, data)


# A table of quantization that the file ends in.
LINE_BREAK = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300020101010101020101e8e9eaf1f2f3f4f5f6f7f8f9faffdad8a28affd9"
)


def jpegs():
    grey = (FIXTURES / "grey.jpg").read_bytes()
    progressive = (FIXTURES / "rgb_progressive.jpg").read_bytes()
    frame, scan = grey.index(b"\xff\xc0"), grey.index(b"\xff\xda")

    def changed(at, value, base=grey):
        return base[:at] + value + base[at + len(value) :]

    jpeg("sides", "Limit pixels", "65,535 x 65,535 pixels", changed(frame + 5, b"\xff" * 4))
    jpeg("bomb", "Limit decoded_bytes", "9,000 x 9,000 pixels behind the bytes of 23 x 17", changed(frame + 5, struct.pack(">HH", 9000, 9000)))
    jpeg("width_none", "Damaged", "no pixels across", changed(frame + 7, b"\0\0"))
    jpeg("height_later", "Damaged", "a height that is to be told later", changed(frame + 5, b"\0\0"))
    jpeg("components_none", "Damaged", "no components", changed(frame + 9, b"\0"))
    jpeg("components_many", "Damaged", "255 components", changed(frame + 9, b"\xff"))
    jpeg("sampling_none", "Damaged", "a component of no samples", changed(frame + 11, b"\0"))
    jpeg("sampling", "Damaged", "15 x 15 samples to a block", changed(frame + 11, b"\xff"))
    jpeg("table", "Damaged", "a quantization table that is not there", changed(frame + 12, b"\3"))
    jpeg("huffman", "Damaged", "a Huffman code of 255 symbols of one bit", changed(grey.index(b"\xff\xc4") + 5, b"\xff"))
    jpeg("segment_length", "Damaged", "a segment of no bytes, not even those of its length", changed(frame + 2, b"\0\0"))
    jpeg("segment_past_end", "Damaged", "a segment of 65,535 bytes that are not there", changed(frame + 2, b"\xff\xff"))
    jpeg("arithmetic", "Damaged", "a way of coding that is not read", changed(frame + 1, b"\xc9"))
    jpeg("no_frame", "Damaged", "a scan without a frame", grey[:frame] + grey[scan:])
    jpeg("frame_twice", "Damaged", "a second frame, of another size",
         grey[:scan] + changed(5, b"\x40\0\x40\0", grey[frame:scan]) + grey[scan:])
    jpeg("cut", "Damaged", "a file that is cut in its scan", grey[: scan + 40])
    jpeg("scans_none", "Damaged", "no scan", grey[:scan] + b"\xff\xd9")
    jpeg("line_break", "Damaged", "a file that ends where the decoder's message had a line break (found by fuzzing)",
         LINE_BREAK)
    first = progressive.index(b"\xff\xda")
    scans = progressive[first:-2]
    wide = bytearray(progressive[:first])
    at = wide.index(b"\xff\xc2")
    wide[at + 5 : at + 9] = struct.pack(">HH", 2000, 2000)
    # A scan that says: nothing for the next 32,767 blocks, over and over.
    ac = b"\xff\xda\0\x08\1\1\0\1\x3f\0" + b"\0" * 8
    jpeg("scans", "Damaged", "5,000 scans of one picture", bytes(progressive[:first]) + scans + ac * 5_000 + b"\xff\xd9")
    jpeg("scans_wide", "Damaged", "5,000 scans of four million pixels", bytes(wide) + ac * 5_000 + b"\xff\xd9")


def npy(name, error, attacks, head, data=bytes(24), version=1):
    text = head.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    put(f"npy_{name}.npy", error, attacks, b"\x93NUMPY" + bytes([version, 0]) + length + text + data)


def described(shape, descr="<f4", fortran="False"):
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


def arrays():
    npy("sides", "Damaged", "65,536 x 65,536 pixels of 24 bytes", described("(65536, 65536)"))
    npy("length", "Damaged", "one row more than there is", described("(3, 3)"))
    npy("length_fortran", "Damaged", "the same, column by column", described("(3, 3)", fortran="True"))
    npy("shape_overflow", "Damaged", "a shape that multiplies past 2^64", described("(2, 1048576, 1024, 8589934592)"))
    npy("shape_wraps", "Damaged", "a shape whose product is 4 modulo 2^64", described(f"({2**62 + 1}, 4)"))
    npy("shape_past_64_bits", "Damaged", "a side past 2^64", described(f"({2**70}, 2)"))
    npy("shape_negative", "Damaged", "a side of -1", described("(-1, 2)"))
    npy("shape_nothing", "Damaged", "2^40 images of no bytes", described(f"({2**40}, 7, 7, 0)", "|u1"))
    npy("shape_deep", "Damaged", "60,000 brackets", "{'shape': " + "(" * 60_000)
    npy("shape_long", "Damaged", "20,000 axes of length 2", described("(" + "2," * 20_000 + ")"))
    npy("fields_deep", "Unsupported", "60,000 brackets in the type", "{'descr': " + "[" * 60_000)
    npy("fortran", "Damaged", "an order that is neither true nor false", described("(2, 3)", fortran="1"))
    npy("fortran_call", "Damaged", "an order that is a call", described("(2, 3)", fortran="__import__('os').system('id')"))
    npy("object", "Unsupported", "an image of Python objects, whose pickle calls os.system",
        described("(2, 3)", "|O"), b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.")
    npy("text", "Unsupported", "texts of 4 GiB", described("(2, 3)", "<U1073741823"))
    npy("type_control", "Unsupported", "a type of control characters (found by fuzzing)", described("(2, 3)", "<\x1b[2J\r\n\0f4"))
    npy("type_long", "Unsupported", "a type of 60,000 characters", described("(2, 3)", "<" + "f" * 60_000))
    npy("complex", "Unsupported", "complex numbers", described("(2, 3)", "<c8"))
    npy("wide", "Unsupported", "numbers of 2^64 bytes", described("(2, 3)", f"<f{2**64}"))
    put("npy_header_length.npy", "Damaged", "a header of 4 GiB that is not there", b"\x93NUMPY\x02\0\xff\xff\xff\xff{'descr'")
    npy("header_not_text", "Damaged", "a header that is not UTF-8", "{'\xff\xfe'}", version=3)
    npy("version", "Unsupported", "version 9", described("(2, 3)"), version=9)


def main():
    for part in [tiff_directories, tiff_pixels, tiff_bombs, pngs, jpegs, arrays]:
        part()
    index()


if __name__ == "__main__":
    main()
