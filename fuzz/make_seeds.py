"""Seeds of one level and one channel, the smallest possible network.

    python make_seeds.py

Runs with the packages of tests/oracle/requirements.txt and `onnx`, and writes into seeds/, which is in the repository.
"""

import collections
import io
import pathlib
import sys
import zipfile

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crates/cytoshade-model/tests"))

import make_torch  # noqa: E402


def main():
    seeds = HERE / "seeds"
    seeds.mkdir(exist_ok=True)
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
    """Clears the checksums in an archive's directory, so that a changed record is still read."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 16 : at + 20] = bytes(4)
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
