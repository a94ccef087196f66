"""Seeds of one level and one channel, the smallest possible network.

    python make_seeds.py                # with the packages of tests/oracle/requirements.txt and `onnx`
    python make_seeds.py --parts        # parts_*.onnx alone, with `onnx` alone

Writes into seeds/, which is in the repository.
"""

import collections
import io
import pathlib
import sys
import zipfile

import onnx

HERE = pathlib.Path(__file__).resolve().parent


def networks(seeds):
    import torch
    from safetensors.torch import save_file

    sys.path.insert(0, str(HERE.parent / "crates/cytoshade-model/tests"))
    import make_torch

    net = make_torch.network(nbase=(1, 1))
    state = collections.OrderedDict((name, value.clone()) for name, value in net.state_dict().items())
    save_file({k: v for k, v in state.items() if v.is_floating_point()}, str(seeds / "small.safetensors"))
    torch.save(state, seeds / "small_legacy.pth", _use_new_zipfile_serialization=False)
    out = io.BytesIO()
    torch.save(state, out)
    (seeds / "small_zip.pth").write_bytes(make_torch.rezipped(out, zipfile.ZIP_STORED, name="m"))
    unchecked(seeds / "small_zip.pth")
    (seeds / "small_pickle.pkl").write_bytes(zipfile.ZipFile(out).read("archive/data.pkl"))
    mode = torch.onnx.TrainingMode
    for name, training in [("small.onnx", mode.PRESERVE), ("small_folded.onnx", mode.EVAL)]:
        torch.onnx.export(net, torch.zeros(1, 1, 4, 4), str(seeds / name), opset_version=17, dynamo=False, training=training)


def unchecked(path):
    """Clears the checksums in an archive's directory and records, so that a changed record is still read."""
    data = bytearray(path.read_bytes())
    for signature, checksum in [(b"PK\x01\x02", 16), (b"PK\x03\x04", 14)]:
        at = data.find(signature)
        while at >= 0:
            data[at + checksum : at + checksum + 4] = bytes(4)
            at = data.find(signature, at + 4)
    path.write_bytes(data)


def parts(seeds):
    """Models whose weights lie in a part: its length in two bytes, the part, the model."""
    for name in ["small", "small_folded"]:
        model = onnx.load(str(seeds / f"{name}.onnx"))
        part = b""
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) > 8:
                place = [("location", "part"), ("offset", str(len(part))), ("length", str(len(tensor.raw_data)))]
                part += tensor.raw_data
                tensor.ClearField("raw_data")
                tensor.data_location = onnx.TensorProto.EXTERNAL
                for key, value in place:
                    tensor.external_data.add(key=key, value=value)
        data = len(part).to_bytes(2, "little") + part + model.SerializeToString()
        (seeds / f"parts_{name}.onnx").write_bytes(data)


if __name__ == "__main__":
    folder = HERE / "seeds"
    folder.mkdir(exist_ok=True)
    if sys.argv[1:] != ["--parts"]:
        networks(folder)
    parts(folder)
