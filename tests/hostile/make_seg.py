"""`_seg.npy` files that attack their reader: each must end in the error that INDEX.tsv names, quickly and in little memory.

    python make_seg.py

Runs with the packages of tests/oracle/requirements.txt. Nothing here opens what it writes.
"""

import os
import pickle
import struct

import numpy as np

import corpus


def put(name, error, attacks, data):
    corpus.put(f"seg_{name}.npy", error, attacks, data)


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def header(text="{'descr': '|O', 'fortran_order': False, 'shape': (), }"):
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def saved(value, protocol=4):
    """A file of one object, as np.save writes it."""
    array = np.empty((), object)
    array[()] = value
    return header() + pickle.dumps(array, protocol)


def masks(**more):
    return {"masks": np.ones((8, 8), np.uint16), "outlines": np.ones((8, 8), np.uint16), **more}


def object_array(program):
    """An array of one object, which `program` makes."""
    return (header() + b"\x80\x03cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01bt" b"R(K\x01)"
            + dtype("O8", b"|") + b"\x89](" + program + b"etb.")


def dtype(name, order=b"<"):
    name = name.encode()
    return (b"cnumpy\ndtype\n(X" + struct.pack("<I", len(name)) + name + b"\x89\x88tR(K\x03X\x01\0\0\0" + order
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb")


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    data = value.to_bytes(9 if value >= 0 else 16, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def array(shape, type_, data, module=b"numpy.core.multiarray"):
    """The opcodes of an array that may lie about itself; `data` are opcodes."""
    shape = b"(" + b"".join(map(number, shape)) + b"t"
    return (b"c" + module + b"\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01" + shape + type_ + b"\x89" + data
            + b"tb")


def as_masks(program):
    return object_array(b"}(" + text("masks") + program + b"u")


def byte_string(length, real=None):
    return b"B" + struct.pack("<I", length) + b"\x01" * (length if real is None else real)


def calls():
    for name, call in {
        "os_system": Call(os.system, "echo owned"), "eval": Call(eval, "__import__('os').system('echo owned')"),
        "exec": Call(exec, "import os"), "getattr": Call(getattr, 1, "real"), "open": Call(open, "/etc/passwd"),
        "import": Call(__import__, "os"), "nested_call": Call(os.system, Call(eval, "'echo owned'")),
        "numpy_load": Call(np.load, "x.npy"), "numpy_fromfile": Call(np.fromfile, "/etc/passwd"),
        "pickle_loads": Call(pickle.loads, b"N."),
    }.items():
        put(f"calls_{name}", "Global", f"a value that calls {name}", saved(masks(note=call)))
    put("calls_os_system_instead", "Global", "a call in place of the dictionary", header() + pickle.dumps(Call(os.system, "id"), 4))
    put("calls_in_objects", "Global", "a call in an array of objects",
        saved(masks(note=np.array([Call(os.system, "id")], object))))
    put("calls_as_key", "Global", "a call in place of a key", saved(masks(**{"note": {Call(os.system, "id"): 1}})))
    put("calls_protocol_2", "Global", "a call in protocol 2", saved(masks(note=Call(os.system, "id")), 2))
    put("calls_module", "Unsupported", "masks of a class of the writer's own", saved({"masks": corpus.index}))
    put("calls_other_module", "Unsupported", "a name of numpy's in a module of the writer's own", as_masks(
        array([2, 2], dtype("u1"), byte_string(4), module=b"numpy.core.multiarray.evil")))
    put("calls_other_type", "Unsupported", "a type of the writer's own", as_masks(
        array([2, 2], dtype("u1").replace(b"cnumpy\n", b"cevil\n"), byte_string(4))))
    put("calls_memmap", "Unsupported", "an array that maps a file", as_masks(b"cnumpy\nmemmap\n(" + text("/etc/passwd") + b"tR"))
    put("calls_newobj", "Opcode", "an object made by NEWOBJ", as_masks(b"cnumpy\nndarray\n)\x81"))
    put("calls_inst", "Opcode", "an object made by INST", as_masks(b"(inumpy\nndarray\n"))
    put("calls_obj", "Opcode", "an object made by OBJ", as_masks(b"(cnumpy\nndarray\no"))
    put("calls_extension", "Opcode", "an extension code", as_masks(b"\x82\x01"))
    put("calls_persistent", "Unsupported", "a reference out of the file", as_masks(text("key") + b"Q"))
    put("calls_codec", "Damaged", "a codec that unpacks", as_masks(array([8, 8], dtype("u1"), b"c_codecs\nencode\n("
        + text("xxxx") + text("zlib") + b"tR")))
    put("calls_bytes", "Damaged", "bytes() of a large number",
        as_masks(array([8, 8], dtype("u1"), b"c__builtin__\nbytes\n(J\xff\xff\xff\x7ftR")))
    put("calls_path", "Unsupported", "a path made of a number", as_masks(b"cpathlib\nPosixPath\n(K\x01tR"))
    put("calls_system_of_path", "Global", "what else pathlib has", as_masks(b"cpathlib\nos.system\n(" + text("id") + b"tR"))


def bombs():
    deep = []
    for _ in range(200):
        deep = [deep]
    put("deep_lists", "Limit values.nesting", "lists in lists", saved(masks(note=deep)))
    put("deep_marks", "Limit values.nesting", "marks in marks", as_masks(b"(" * 100_000))
    put("deep_tuples", "Limit values.nesting", "tuples in tuples, a hundred thousand deep", as_masks(b"N" + b"\x85" * 100_000))
    put("own_child", "Limit values.nesting", "a list in itself", as_masks(b"]q\x00h\x00a"))
    put("own_parent", "Limit values.nesting", "the dictionary in itself", object_array(b"}q\x00(" + text("masks") + b"h\x00u"))
    laughs = b"]q\x00"
    for at in range(30):
        laughs += b"](" + b"".join(b"h" + bytes([at]) for _ in range(10)) + b"eq" + bytes([at + 1])
    put("laughs", "Limit cost.memory_ratio", "ten lists of ten lists of ten lists, thirty times", as_masks(laughs))
    put("laughs_of_arrays", "Limit cost.memory_ratio", "arrays of objects of arrays of objects",
        as_masks(b"".join([b"Nq\x00"] + [array([10], dtype("O8", b"|"), b"](" + b"".join(
            b"h" + bytes([at]) for _ in range(10)) + b"e") + b"q" + bytes([at + 1]) for at in range(20)])))
    latin = text("x" * 100_000) + b"q\x00" + text("latin1") + b"q\x01"
    copies = b"](" + b"c_codecs\nencode\n(h\x00h\x01tR" * 2_000 + b"e"
    put("copies", "Limit cost.memory_ratio", "a string that is decoded two thousand times", as_masks(latin + b"00" + copies))
    put("steps", "Limit values.opcodes", "half a million opcodes and some", as_masks(b"N0" * 300_000))
    put("memo", "Limit values.memo_entries", "a memo without end", as_masks(b"N" + b"\x94" * 300_000))
    put("values", "Limit values.opcodes", "half a million lists", as_masks(b"(" + b"]" * 600_000 + b"l"))
    put("keys", "Limit cost.memory_ratio", "a hundred thousand keys, and none is masks",
        object_array(b"}(" + b"".join(b"J" + struct.pack("<i", at) + b"N" for at in range(100_000)) + b"u"))


def lengths():
    put("string_length", "Damaged", "a string of 2 GB in a small file", as_masks(b"X\xff\xff\xff\x7fab"))
    put("string_length_64_bits", "Limit values.string_bytes", "a string of 2^63 bytes", as_masks(b"\x8e" + b"\xff" * 7 + b"\x7f"))
    put("frame", "Damaged", "a frame of 2^63 bytes around nothing", header() + b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f")
    put("long_int", "Damaged", "an int of 2 GB", as_masks(b"\x8b\xff\xff\xff\x7f"))
    put("wide_int", "Unsupported", "an int of 255 bytes", as_masks(b"\x8a\xff" + b"\x01" * 255))
    put("shape_lies", "Damaged", "a shape larger than the data", as_masks(array([100, 100], dtype("u2"), byte_string(200))))
    put("shape_lies_small", "Damaged", "data larger than the shape", as_masks(array([2, 2], dtype("u2"), byte_string(200))))
    put("shape_huge", "Limit values.elements", "2^60 elements", as_masks(array([2**30, 2**30], dtype("u1"), byte_string(4))))
    put("shape_overflow", "Limit values.elements", "a shape past 2^64",
        as_masks(array([2**63 - 1, 2**63 - 1, 4], dtype("u1"), byte_string(4))))
    put("shape_wraps", "Limit values.elements", "a shape whose product is 4 where 64 bits wrap",
        as_masks(array([2**33, 2**31, 4], dtype("u1"), byte_string(4))))
    put("shape_zero", "Limit values.elements", "a huge shape with no elements", as_masks(array([2**62, 2**62, 0], dtype("u1"), b"C\0")))
    put("shape_zero_narrow", "Damaged", "masks of no columns", as_masks(array([2**31, 0], dtype("u1"), b"C\0")))
    put("shape_negative", "Damaged", "an axis of -1", as_masks(array([-1, 4], dtype("u1"), byte_string(4))))
    put("shape_past_64_bits", "Damaged", "an axis of 2^70", as_masks(array([1], dtype("u1"), byte_string(1))
        .replace(number(1), b"\x8a\x0a" + (2**70).to_bytes(10, "little"))))
    put("shape_of_text", "Damaged", "a shape of strings", as_masks(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
        b"(K\x00tC\x01btR(K\x01(" + text("8") + text("8") + b"t" + dtype("u1") + b"\x89" + byte_string(64) + b"tb"))
    put("dimensions", "Limit values.dimensions", "two hundred axes", as_masks(array([1] * 200, dtype("u1"), byte_string(1))))
    put("planes", "Limit pages", "a stack of 100,000 planes", as_masks(array([100_000, 2, 2], dtype("u1"), byte_string(400_000))))
    put("objects_few", "Damaged", "an array of 2^20 objects that holds one", as_masks(array([1 << 20], dtype("O8", b"|"), b"](Ne")))
    put("objects_huge", "Limit values.elements", "an array of 2^62 objects", as_masks(array([1 << 62], dtype("O8", b"|"), b"](Ne")))
    put("objects_of_bytes", "Damaged", "an array of objects made of bytes, as pointers would lie",
        as_masks(array([1], dtype("O8", b"|"), byte_string(8))))
    put("numbers_of_objects", "Damaged", "an array of numbers made of a list", as_masks(array([1], dtype("u8"), b"](Ne")))
    put("file_objects_none", "Damaged", "a file of no object", header() + b"\x80\x03" + array([0], dtype("O8", b"|"), b"]") + b".")
    put("file_objects_two", "Damaged", "a file of two objects", header() + b"\x80\x03" + array([2], dtype("O8", b"|"), b"](NNe") + b".")
    put("scalar_short", "Damaged", "a scalar of too few bytes", as_masks(b"cnumpy.core.multiarray\nscalar\n(" + dtype("f8")
        + byte_string(4) + b"tR"))
    put("scalar_of_object", "Damaged", "a scalar that is a pointer", as_masks(b"cnumpy.core.multiarray\nscalar\n("
        + dtype("O8", b"|") + byte_string(8) + b"tR"))


def types():
    for name, type_, order in [
        ("name", "evil", b"<"), ("empty", "", b"<"), ("size", "u3", b"<"), ("size_zero", "f0", b"<"),
        ("size_huge", "U4294967295", b"<"), ("size_negative", "u-1", b"<"), ("order", "u1", b"x"), ("void", "V8", b"|"),
        ("date", "M8", b"<"), ("pointer", "O", b"<"), ("letter", "\u00e9", b"<"), ("control", "u1\n\x1b[2J", b"<"),
    ]:
        put(f"dtype_{name}", "Unsupported", f"an array of type {type_!r}, order {order!r}",
            as_masks(array([2, 2], dtype(type_, order) if name != "letter" else dtype("u1").replace(text("u1"),
                b"X\x02\0\0\0\xc3\xa9"), byte_string(4))))
    put("dtype_fields", "Unsupported", "masks of a type with fields", saved({"masks": np.zeros((2, 2), [("a", "<f4"), ("b", "O")])}))
    put("dtype_is_none", "Damaged", "None in place of a type", as_masks(array([2, 2], b"N", byte_string(4))))
    put("dtype_is_array", "Damaged", "an array in place of a type",
        as_masks(array([2, 2], array([1], dtype("u1"), byte_string(1)), byte_string(4))))
    put("dtype_call", "Unsupported", "a type made of no arguments", as_masks(array([2, 2], b"cnumpy\ndtype\n)R", byte_string(4))))
    put("array_without_state", "Damaged", "an array that never gets its data",
        as_masks(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR"))
    put("array_state_short", "Damaged", "an array's state of four parts",
        as_masks(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01)" + dtype("u1") + b"\x89tb"))
    put("array_is_class", "Unsupported", "ndarray itself in place of an array", as_masks(b"cnumpy\nndarray\n"))
    put("array_from_buffer_short", "Damaged", "_frombuffer of three parts",
        as_masks(b"cnumpy._core.numeric\n_frombuffer\n(" + byte_string(4) + dtype("u1") + b")tR"))
    put("array_buffer_outside", "Opcode", "a buffer that lies outside of the file", as_masks(b"\x97"))


def masks_and_files():
    put("masks_missing", "Unsupported", "no masks", saved({"outlines": np.zeros((2, 2))}))
    put("masks_points", "Unsupported", "outlines as lists of points, which Cellpose before 0.1 saved",
        saved({"outlines": [np.zeros((4, 2))], "colors": []}))
    put("masks_number", "Unsupported", "masks that are a number", saved({"masks": 3}))
    put("masks_objects", "Unsupported", "masks of Python's numbers", saved({"masks": np.array([[1, 2], [3, 4]], object)}))
    put("masks_axes", "Shape", "masks of four axes", saved({"masks": np.ones((6, 6, 6, 6), np.uint8)}))
    put("masks_axis", "Shape", "masks of one axis", saved({"masks": np.ones(64, np.uint8)}))
    put("masks_text", "Unsupported", "masks of text", saved({"masks": np.array([["a", "b"], ["c", "d"]])}))
    put("masks_complex", "Unsupported", "masks of complex numbers", saved({"masks": np.ones((4, 4), complex)}))
    put("masks_nan", "Damaged", "a mask's number is NaN", saved({"masks": np.full((4, 4), np.nan)}))
    put("masks_half", "Damaged", "a mask's number is 0.5", saved({"masks": np.full((4, 4), 0.5)}))
    put("masks_large", "Damaged", "a mask's number is past 32 bits", saved({"masks": np.full((4, 4), 2**40)}))
    put("masks_largest", "Damaged", "a mask's number is past 53 bits", saved({"masks": np.full((4, 4), 2**64 - 1, np.uint64)}))
    put("masks_wraps", "Damaged", "a mask's number is 2^32 - 1, and another -1",
        saved({"masks": np.array([[-1, 2**32 - 1], [0, 0]])}))
    put("no_dictionary", "Unsupported", "a list", saved([1, 2]))
    put("no_array", "Damaged", "a dictionary without its array", header() + pickle.dumps(masks(), 4))
    put("no_pickle", "Damaged", "nothing behind the header", header())
    put("no_stop", "Damaged", "a pickle without its end", saved(masks())[:-1])
    put("no_stack", "Damaged", "an opcode without its operands", header() + b"\x80\x04R.")
    put("no_mark", "Damaged", "items without a mark", header() + b"\x80\x04}u.")
    put("below_mark", "Damaged", "a value from below the mark", as_masks(b"N(0"))
    put("protocol", "Damaged", "protocol 200", header() + b"\x80\xc8N.")
    put("memo_missing", "Damaged", "a memo's entry that is not there", as_masks(b"h\x63"))
    put("text_not_utf8", "Damaged", "a string that is no UTF-8", as_masks(b"X\x02\0\0\0\xff\xfe"))
    put("header_shape", "Damaged", "a header that announces more objects than one",
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1000000000,), }") + b"\x80\x04N.")
    put("header_length", "Damaged", "a header longer than the file", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}")
    put("header_version", "Unsupported", "a header of version 9", b"\x93NUMPY\x09\x00\x04\x00{}  ")
    put("header_code", "Damaged", "an expression in the header",
        header("{'descr': __import__('os').system('id'), 'shape': ()}"))
    put("numbers", "Unsupported", "an array of numbers", header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }")
        + bytes(16))
    put("zip", "Unsupported", "an archive of arrays", b"PK\x03\x04" + bytes(60))


if __name__ == "__main__":
    for make in [calls, bombs, lengths, types, masks_and_files]:
        make()
    corpus.index()
