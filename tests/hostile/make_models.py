"""Models that attack the readers: each must end in the error that INDEX.tsv names, quickly and in little memory.

    python make_models.py                   # with the packages of tests/oracle/requirements.txt and `onnx`
    python make_models.py zip onnx          # some classes alone: all but `pickle` and `tensor` do without torch

Runs after make_torch.py and make_onnx.py of crates/cytoshade-model/tests. Nothing here opens what it writes.
"""

import copy
import io
import json
import os
import pickle
import struct
import sys
import warnings
import zipfile

import numpy as np
import onnx
from onnx import numpy_helper

from corpus import ROOT, index, put

FIXTURES = ROOT / "crates/cytoshade-model/tests/fixtures"


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def zipped(program, storages=(), name="m"):
    """An archive as torch writes it; without the time, so that it is the same file every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}/data.pkl"), program)
        for key, data in storages:
            archive.writestr(zipfile.ZipInfo(f"{name}/data/{key}"), data)
    return out.getvalue()


def legacy(program, keys=b"\x80\x02].", rest=b""):
    start = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    return start + pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2) + program + keys + rest


def saved(value, **how):
    import torch

    out = io.BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


def pickles():
    import torch

    for name, call in {
        "os_system": Call(os.system, "echo owned"), "eval": Call(eval, "__import__('os').system('echo owned')"),
        "exec": Call(exec, "import os"), "getattr": Call(getattr, 1, "real"),
        "open": Call(open, "/etc/passwd"), "import": Call(__import__, "os"),
        "nested_call": Call(os.system, Call(eval, "'echo owned'")), "numpy_load": Call(np.load, "x.npy"),
        "torch_load": Call(torch.load, "x.pth"),
    }.items():
        put(f"pickle_{name}.pth", "Global", f"a pickle that calls {name}, in a zip file", zipped(pickle.dumps({"w": call}, 2)))
        put(f"pickle_{name}_legacy.pth", "Global", f"a pickle that calls {name}, in a legacy file", legacy(pickle.dumps(call, 4)))
    put("pickle_whole_module.pth", "Global", "a whole torch module, which would be rebuilt by its class",
        saved(torch.nn.Conv2d(1, 1, 1)))
    put("pickle_subclass.pth", "Opcode", "an object made by NEWOBJ", legacy(b"\x80\x02ccollections\nOrderedDict\n)\x81."))
    put("pickle_inst.pth", "Opcode", "an object made by INST", legacy(b"\x80\x02(icollections\nOrderedDict\n."))
    put("pickle_ext.pth", "Opcode", "a global out of the extension registry", legacy(b"\x80\x02\x82\x01)R."))
    put("pickle_persid.pth", "Opcode", "a persistent reference by text", legacy(b"\x80\x02P0\n."))
    put("pickle_set_state.pth", "Opcode", "state given to a list", legacy(b"\x80\x02]}X\x01\0\0\0aK\x01sb."))
    put("pickle_steps.pth", "Limit values.opcodes", "more opcodes than any model has", legacy(b"\x80\x02" + b"N0" * 300_000 + b"."))
    put("pickle_deep_marks.pth", "Limit values.nesting", "100,000 marks, one inside of the other", legacy(b"\x80\x02" + b"(" * 100_000 + b"."))
    put("pickle_deep_lists.pth", "Damaged", "100,000 lists, one inside of the other", legacy(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."))
    put("pickle_memo.pth", "Limit values.memo_entries", "300,000 entries of the memo", legacy(b"\x80\x04N" + b"\x94" * 300_000 + b"."))
    laughs = b"\x80\x02]q\x00" + b"".join(b"](" + b"h" + bytes([at]) + (b"h" + bytes([at])) * 9 + b"eq" + bytes([at + 1]) for at in range(30)) + b"."
    put("pickle_laughs.pth", "Damaged", "lists of lists of one list, 10^30 of them if they were copied", legacy(laughs))
    put("pickle_own_child.pth", "Limit values.nesting", "a state dict inside of itself", legacy(b"\x80\x02}q\0X\n\0\0\0state_dicth\0s."))
    put("pickle_long_string.pth", "Limit values.string_bytes", "a string of 4 GiB that is not there", legacy(b"\x80\x02X\xff\xff\xff\xffa."))
    put("pickle_long_bytes.pth", "Limit values.string_bytes", "bytes of 2^64 - 1 that are not there", legacy(b"\x80\x04\x8e" + b"\xff" * 8 + b"."))
    put("pickle_long_int.pth", "Damaged", "an int of 255 bytes", legacy(b"\x80\x02\x8a\xff" + b"\x01" * 255 + b"."))
    put("pickle_no_stack.pth", "Damaged", "opcodes that take from an empty stack", legacy(b"\x80\x02R."))
    put("pickle_below_mark.pth", "Damaged", "opcodes that take what is below a mark", legacy(b"\x80\x02}K\x01(K\x02s."))


def tensor(elements=4, offset=0, shape=(4,), strides=(1,), kind=b"FloatStorage", key=b"0"):
    """The opcodes of one tensor."""
    def int_(value):
        return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)
    ints = lambda values: b"(" + b"".join(map(int_, values)) + b"t"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key
            + b"X\x03\0\0\0cpu" + int_(elements) + b"tQ" + int_(offset) + ints(shape) + ints(strides) + b"\x89}tR")


def state(*tensors, names=None):
    """A state dict. Names that are no U-Net's end in an error before the tensors' types are seen."""
    names = names or [b"%05d" % at for at in range(len(tensors))]
    entries = (b"X" + struct.pack("<I", len(name)) + name + made + b"s" for name, made in zip(names, tensors))
    return b"\x80\x02}" + b"".join(entries) + b"."


def tensors():
    import torch

    sys.path.insert(0, str(ROOT / "crates/cytoshade-model/tests"))
    import make_torch

    torch.manual_seed(0)

    def one(name, error, attacks, storage=bytes(16), names=None, **how):
        put(f"tensor_{name}.pth", error, attacks, zipped(state(tensor(**how), names=names), [("0", storage)]))

    one("shape_overflow", "Limit values.elements", "a shape that multiplies past 2^64", shape=(2**33, 2**33), strides=(0, 0))
    one("shape_wraps_to_four", "Limit values.elements", "a shape whose product is 4 modulo 2^64", shape=(2**62 + 1, 4), strides=(0, 1))
    one("shape_past_64_bits", "Damaged", "a dimension past 2^64", shape=(2**65,), strides=(1,))
    one("stride_overflow", "Damaged", "strides that multiply past 2^64", shape=(2, 2), strides=(2**63, 2**63))
    one("stride_negative", "Damaged", "a negative stride", shape=(2,), strides=(-1,))
    one("offset_overflow", "Damaged", "an offset that overflows with the shape", offset=2**64 - 2)
    one("one_value_a_billion_times", "Limit cost.memory_ratio", "one value shown 2^28 times by strides of 0", shape=(2**14, 2**14), strides=(0, 0))
    one("dimensions", "Limit values.dimensions", "a tensor of 1000 dimensions", shape=(1,) * 1000, strides=(1,) * 1000)
    one("storage_too_short", "Damaged", "a storage shorter than it says", storage=bytes(15))
    one("storage_elements", "Damaged", "a storage of 2^63 elements", elements=2**63)
    landmark = [b"downsample.down.res_down_0.conv.conv_0.2.weight"]
    one("integers", "Type", "weights that are integers", kind=b"IntStorage", names=landmark)
    one("other_key", "Damaged", "a storage that is not in the file", key=b"1")
    one("key_traversal", "Damaged", "a storage's key that leaves the folder", key=b"../../../etc/passwd")
    shared = [tensor(elements=10_000, shape=(10_000,)) for _ in range(1500)]
    put("tensor_shared_bomb.pth", "Limit cost.memory_ratio", "1500 tensors that all show one storage", zipped(state(*shared), [("0", bytes(40_000))]))
    put("tensor_two_types.pth", "Damaged", "one storage with two types",
        zipped(state(tensor(), tensor(kind=b"HalfStorage", elements=8)), [("0", bytes(16))]))
    net = make_torch.network().state_dict()
    for name, value in [("nan", float("nan")), ("infinity", float("inf"))]:
        bad = {key: tensor.clone() for key, tensor in net.items()}
        bad["output.2.bias"][1] = value
        put(f"tensor_{name}.pth", "NotFinite", f"a weight that is {name}", saved(bad))
    bad = {key: tensor.clone() for key, tensor in net.items()}
    bad["output.0.running_var"][0] = -1
    put("tensor_negative_variance.pth", "Network", "a BatchNorm whose variance is negative", saved(bad))
    shared = torch.zeros(1)
    put("tensor_surplus.pth", "StateDict", "300 surplus tensors of long names, for a message of 30 kB",
        saved({**net, **{f"output.{at:093}": shared for at in range(300)}}))
    bad = {key: tensor.clone() for key, tensor in net.items()}
    bad["output.2.weight"] = torch.zeros(3, 3, 0, 1)
    put("tensor_without_elements.pth", "StateDict", "a weight without elements", saved(bad))


def legacy_files():
    one = state(tensor())
    keys = pickle.dumps(["0"], 2)
    put("legacy_elements.pth", "Damaged", "a storage with another number of elements than its tensors say", legacy(one, keys, struct.pack("<q", 5) + bytes(20)))
    put("legacy_elements_negative.pth", "Damaged", "a storage of -1 elements", legacy(one, keys, struct.pack("<q", -1) + bytes(20)))
    put("legacy_cut.pth", "Damaged", "a file cut off in its storages", legacy(one, keys, struct.pack("<q", 4) + bytes(15)))
    put("legacy_unknown_key.pth", "Damaged", "a storage that nothing refers to", legacy(one, pickle.dumps(["9"], 2)))
    put("legacy_no_storages.pth", "Damaged", "no storages", legacy(one))
    put("legacy_keys_call.pth", "Global", "a call in the list of storages", legacy(one, pickle.dumps([Call(os.system, "id")], 2)))
    start = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    put("legacy_protocol.pth", "Damaged", "another protocol version", start + pickle.dumps(1002, 2))
    put("legacy_big_endian.pth", "Damaged", "a file of a big-endian machine", start + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": False}, 2))


def archives():
    plain = (FIXTURES / "zip.pth").read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("m/data.pkl"), state(tensor(elements=5_000_000, shape=(5_000_000,))))
        archive.writestr(zipfile.ZipInfo("m/data/0"), bytes(20_000_000), compress_type=zipfile.ZIP_DEFLATED)
    put("zip_bomb.pth", "Limit compression_ratio", "20 MB of zeros deflated to 20 kB", out.getvalue())
    put("zip_bomb_pickle.pth", "Limit compression_ratio", "a pickle that deflates a thousandfold", rezip([("m/data.pkl", b"\x80\x02" + b"N" * 5_000_000)], zipfile.ZIP_DEFLATED))
    small = bytearray(zipped(state(tensor()), [("0", bytes(16))]))
    put("zip_cut.pth", "Damaged", "an archive without its directory", plain[: len(plain) // 2])
    central = small.index(b"PK\x01\x02")
    end = small.rindex(b"PK\x05\x06")
    second = small.rindex(b"PK\x01\x02")

    def changed(name, attacks, at, value, error="Damaged", base=small):
        data = bytearray(base)
        data[at : at + len(value)] = value
        put(f"zip_{name}.pth", error, attacks, data)

    changed("records_overlap", "two records at one place", second + 42, struct.pack("<I", 0))
    changed("offset", "a record past the end", second + 42, struct.pack("<I", 2**31))
    changed("packed_size", "a record of 4 GiB - 2", second + 20, struct.pack("<I", 2**32 - 2))
    changed("real_size", "a stored record of another size than it has", second + 24, struct.pack("<I", 12))
    changed("huge_size", "a record that says it unpacks to 4 GiB", second + 24, struct.pack("<I", 2**32 - 2), "Limit compression_ratio")
    changed("encrypted", "an encrypted record", second + 8, struct.pack("<H", 1))
    changed("method", "an unknown compression", second + 10, struct.pack("<H", 99))
    changed("count", "a directory of fewer records than it says", end + 8, struct.pack("<HH", 3, 3))
    changed("count_less", "a directory of more records than it says", end + 8, struct.pack("<HH", 1, 1))
    changed("directory_offset", "a directory past the end", end + 16, struct.pack("<I", 2**31))
    changed("directory_size", "a directory of 4 GiB", end + 12, struct.pack("<I", 2**32 - 1))
    changed("many", "65,535 records in a directory of two", end + 8, struct.pack("<HH", 65535, 65535), "Limit zip_entries")
    changed("other_name", "a record with another name than in the directory", 30, b"n")
    largest = max(zipfile.ZipFile(FIXTURES / "zip.pth").infolist(), key=lambda entry: entry.file_size)
    values = largest.header_offset + 30 + sum(struct.unpack_from("<HH", plain, largest.header_offset + 26))
    changed("checksum", "a record of weights that is damaged", values, bytes([plain[values] ^ 1]), base=plain)
    local = small.index(b"m/data/0") - 30
    changed("local_encrypted", "a record that is encrypted in its own header alone", local + 6, struct.pack("<H", 1))
    changed("local_method", "a record that is deflated in its own header alone", local + 8, struct.pack("<H", 8))
    changed("local_checksum", "a record with another checksum in its own header", local + 14, bytes(4))
    changed("local_size", "a record of another size in its own header", local + 22, struct.pack("<I", 15))
    changed("local_packed", "a record of another packed size in its own header", local + 18, struct.pack("<I", 15))
    changed("local_descriptor", "a record whose own header announces a descriptor", local + 6, struct.pack("<H", 8))
    descriptor = plain.index(b"PK\x07\x08")
    changed("descriptor", "a descriptor of another checksum than the directory's", descriptor + 4, bytes(4), base=plain)
    hidden = rezip([("m/data.pkl", pickle.dumps(Call(os.system, "id"), 2))], zipfile.ZIP_STORED)
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    moved = bytearray(hidden + small)
    shift = lambda at: struct.pack_into("<I", moved, at, struct.unpack_from("<I", moved, at)[0] + len(hidden))
    for at in [len(hidden) + central + 42, len(hidden) + second + 42, len(hidden) + end + 16]:
        shift(at)
    put("zip_hidden.pth", "Damaged", "a record that the directory does not list, for readers that go by records", moved)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 2**63, 1)
    put("zip_locator.pth", "Damaged", "a zip64 directory past the end", small[:end] + locator + small[end:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        put("zip_twice.pth", "Damaged", "two records of one name, of which readers choose differently",
            rezip([("m/data.pkl", b"\x80\x02}."), ("m/data.pkl", pickle.dumps(Call(os.system, "id"), 2))], zipfile.ZIP_STORED))
    put("zip_traversal.pth", "UnknownFormat", "names that leave the folder", rezip([("../../evil", b"x"), ("/etc/evil", b"x")], zipfile.ZIP_STORED))
    put("zip_other.pth", "UnknownFormat", "an archive of something else", rezip([("word/document.xml", b"<x/>")], zipfile.ZIP_STORED))
    put("zip_empty.pth", "UnknownFormat", "an archive of nothing", b"PK\x05\x06" + bytes(18))


def rezip(records, compression):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in records:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
    return out.getvalue()


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def messages():
    start = b"\x08\x08"
    put("onnx_length.onnx", "Damaged", "a graph of 2^63 bytes that are not there", start + b"\x3a" + varint(2**63))
    put("onnx_varint.onnx", "Damaged", "a number that does not end", start + b"\x3a" + b"\xff" * 20)
    put("onnx_group.onnx", "Damaged", "groups inside of groups, which no ONNX file has", start + b"\xa3\x06" * 50_000)
    put("onnx_nodes.onnx", "Limit nodes", "100,000 empty nodes of two bytes", start + field(7, b"\x0a\x00" * 100_000))
    put("onnx_tensors.onnx", "Limit tensors", "10,000 empty tensors of two bytes", start + field(7, b"\x2a\x00" * 10_000))
    put("onnx_attributes.onnx", "Limit cost.memory_ratio", "100,000 empty attributes of two bytes in one node", start + field(7, field(1, b"\x2a\x00" * 100_000)))
    put("onnx_inputs.onnx", "Damaged", "100,000 empty names of two bytes in one node", start + field(7, field(1, b"\x0a\x00" * 100_000)))
    put("onnx_dims.onnx", "Damaged", "a tensor of 100,000 dimensions", start + field(7, field(5, field(1, b"\x01" * 100_000))))
    nested = b""
    for _ in range(2000):
        nested = field(1, field(5, field(6, nested)))
    put("onnx_recursion.onnx", "Damaged", "graphs in attributes of nodes in graphs, 2000 deep", start + field(7, nested))
    put("onnx_not_text.onnx", "Damaged", "a name that is not UTF-8", start + field(7, field(1, field(4, b"\xff\xfe"))))
    put("onnx_no_graph.onnx", "Damaged", "a model without a graph", start + b"\x10\x00")


def graphs():
    plain = onnx.load(str(FIXTURES / "script_17.onnx"))

    def write(name, error, attacks, change):
        proto = copy.deepcopy(plain)
        change(proto.graph)
        put(f"onnx_{name}.onnx", error, attacks, proto.SerializeToString())

    def weights(graph, ending=".2.weight"):
        return next(tensor for tensor in graph.initializer if tensor.name.endswith(ending))

    def with_values(array):
        def change(graph):
            tensor = weights(graph)
            tensor.CopyFrom(numpy_helper.from_array(array(numpy_helper.to_array(tensor).copy()), tensor.name))
        return change

    def poison(value):
        def change(array):
            array.flat[1] = value
            return array
        return change

    write("nan", "NotFinite", "a weight that is not a number", with_values(poison(np.nan)))
    write("infinity", "NotFinite", "a weight that is infinite", with_values(poison(-np.inf)))
    write("integers", "Type", "weights that are integers", with_values(lambda array: (array * 100).astype(np.int32)))
    write("shape", "Graph", "weights of another shape", with_values(lambda array: array[:, :-1]))

    def dims(values):
        def change(graph):
            weights(graph).dims[:] = values
        return change

    write("dims_negative", "Graph", "a negative dimension", dims([-3, -2, 3, 3]))
    write("dims_overflow", "Network", "dimensions that multiply past 2^64", dims([2**40, 2**40, 3, 3]))
    write("dims_more", "Graph", "more elements than there are values", dims([3, 3, 3, 3]))

    def short(graph):
        weights(graph).raw_data = weights(graph).raw_data[:-1]

    def external(location, offset="0", length="216"):
        def change(graph):
            tensor = weights(graph)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in [("location", location), ("offset", offset), ("length", length)]:
                tensor.external_data.add(key=key, value=value)
        return change

    write("values_missing", "Damaged", "fewer bytes than elements", short)
    write("external_up", "External", "weights in a file outside of the folder", external("../../../etc/passwd"))
    write("external_root", "External", "weights in any file of the machine", external("/etc/passwd"))
    write("external_windows", "External", "weights in a file on another drive", external("c:\\secret"))
    write("external_device", "External", "weights in a device", external("/dev/zero"))

    def cycle(graph):
        first = next(node for node in graph.node if node.op_type == "BatchNormalization")
        last = next(node for node in reversed(graph.node) if node.op_type == "Add")
        first.input[0] = last.output[0]

    def identities(graph):
        graph.node.add(op_type="Identity", input=["loop_b"], output=["loop_a"])
        graph.node.add(op_type="Identity", input=["loop_a"], output=["loop_b"])
        head = next(node for node in reversed(graph.node) if node.op_type == "Conv")
        head.input[0] = "loop_a"

    def up_cycle(graph):
        # the upsampling takes its own result, levels without end
        resize = next(node for node in graph.node if node.op_type == "Resize")
        last = next(node for node in reversed(graph.node) if node.op_type == "Add")
        resize.input[0] = last.output[0]

    def twice(graph):
        graph.initializer.append(graph.initializer[0])

    def made_twice(graph):
        graph.node.append(graph.node[-1])

    def domain(graph):
        for node in graph.node:
            if node.op_type == "Conv":
                node.domain = "evil.corp"

    def second(graph):
        for node in list(graph.node):
            other = copy.deepcopy(node)
            other.output[:] = [name + "_b" for name in other.output]
            made = {name for node in plain.graph.node for name in node.output}
            other.input[:] = [name + "_b" if name in made else name for name in other.input]
            graph.node.append(other)

    def epsilon(graph):
        norm = next(node for node in graph.node if node.op_type == "BatchNormalization")
        next(a for a in norm.attribute if a.name == "epsilon").f = 1e-3

    def swapped(graph):
        # one branch takes its input from another level's map
        conv = [node for node in graph.node if node.op_type == "BatchNormalization"]
        conv[1].input[0] = conv[-1].output[0]

    write("cycle_of_identities", "Graph", "nodes that pass a value on in a circle", identities)
    write("cycle_of_levels", "Graph", "up levels without end", up_cycle)
    write("input_differs", "Graph", "branches that begin at different values", cycle)
    write("branch_differs", "Graph", "a branch that begins elsewhere", swapped)
    write("constant_twice", "Damaged", "two constants of one name", twice)
    write("value_twice", "Damaged", "a value that two nodes make", made_twice)
    write("domain", "Graph", "operators of somebody's own", domain)
    write("two_networks", "Graph", "two networks in one file", second)
    write("epsilon", "Graph", "a BatchNorm with another epsilon", epsilon)


def safetensors():
    def put_header(name, error, attacks, header, data=bytes(16)):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        put(f"safetensors_{name}.safetensors", error, attacks, struct.pack("<Q", len(text)) + text + data)

    entry = lambda shape, at, dtype="F32": {"w": {"dtype": dtype, "shape": shape, "data_offsets": at}}
    put("safetensors_header.safetensors", "Limit header_bytes", "a header of 2^63 bytes", struct.pack("<Q", 2**63) + b"{}")
    put_header("overflow", "Damaged", "a shape that multiplies past 2^64", entry([2**33, 2**33], [0, 16]))
    put_header("range", "Damaged", "values past the end", entry([2**20], [0, 2**22]))
    put_header("backwards", "Damaged", "values that end before they begin", entry([4], [16, 0]))
    put_header("overlap", "Damaged", "two tensors at one place",
               {**entry([4], [0, 16]), "v": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})
    put_header("nested", "Damaged", "JSON 100,000 deep", b'{"w":' + b"[" * 100_000)
    put_header("gap", "Damaged", "bytes that belong to nothing", entry([2], [0, 8]))


def numpy_files():
    header = (FIXTURES / "size_model.npy").read_bytes()[:128]
    put("size_os_system.npy", "Global", "a size model that calls os.system", header + pickle.dumps(np.array(Call(os.system, "id"), dtype=object), 3))
    put("size_eval.npy", "Global", "a size model that calls eval", header + pickle.dumps(Call(eval, "1"), 4))
    put("size_header.npy", "Limit header_bytes", "a header of 4 GiB", b"\x93NUMPY\x02\x00" + b"\xff" * 4)
    good = (FIXTURES / "size_model.npy").read_bytes()
    put("size_lengths.npy", "Damaged", "an array of more elements than it has bytes", good.replace(b"M\x00\x01\x85", b"M\xff\xff\x85", 1))
    put("size_recursive.npy", "Damaged", "an array in itself", header + b"\x80\x03]q\0h\0a.")


CLASSES = {
    "pickle": [pickles], "tensor": [tensors], "legacy": [legacy_files], "zip": [archives], "onnx": [messages, graphs],
    "safetensors": [safetensors], "size": [numpy_files],
}


def main():
    for name in sys.argv[1:] or CLASSES:
        for part in CLASSES[name]:
            part()
    index()


if __name__ == "__main__":
    main()
