"""Torch files of one small network, in every form that torch.save and people's scripts write.

    python make_torch.py

Runs with the packages of tests/oracle/requirements.txt and writes into fixtures/. `plain.safetensors` holds the same
tensors: a second reader's word for what is in the others.
"""

import collections
import io
import pathlib
import pickle
import zipfile

import numpy as np
import torch
from cellpose import resnet_torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent / "fixtures"


def network(seed=3, nbase=(2, 3, 4)):
    """A network whose every tensor matters: BatchNorm statistics and affine parameters far from 0 and 1."""
    torch.manual_seed(seed)
    net = resnet_torch.CPnet(list(nbase), 3, sz=3, mkldnn=False, max_pool=True, diam_mean=17.0)
    net.diam_labels.data[:] = 21.5
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            torch.nn.init.normal_(module.running_mean, 0, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.3, 2.0)
            module.weight.data[0] *= -1
    return net.eval()


def cast(state, dtype):
    return collections.OrderedDict((k, v.to(dtype) if v.is_floating_point() else v) for k, v in state.items())


def strided(state):
    """The same values behind transposed views, offsets into one shared storage, and parameters."""
    out = collections.OrderedDict()
    shared = torch.cat([v.flatten() for v in state.values() if v.is_floating_point()])
    at = 0
    for index, (name, value) in enumerate(state.items()):
        if not value.is_floating_point():
            out[name] = value
            continue
        view = shared[at : at + value.numel()].view(value.shape)
        at += value.numel()
        if index % 3 == 0 and value.dim() == 4:
            view = value.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
        if index % 5 == 0:
            view = torch.nn.Parameter(view)
        out[name] = view
    return out


def rezipped(source, compression, name="archive"):
    """The same records in another archive: deflated, unaligned, under another folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", compression) as new:
        for entry in old.infolist():
            inside = entry.filename.split("/", 1)[1]
            new.writestr(zipfile.ZipInfo(f"{name}/{inside}"), old.read(entry), compress_type=compression)
    return out.getvalue()


def main():
    HERE.mkdir(exist_ok=True)
    net = network()
    state = net.state_dict()
    bare = collections.OrderedDict((k, v.clone()) for k, v in state.items())
    save_file({k: v.clone() for k, v in bare.items() if v.is_floating_point()}, str(HERE / "plain.safetensors"))

    def write(name, value, **how):
        torch.save(value, HERE / name, **how)

    write("zip.pth", state)
    write("legacy.pth", state, _use_new_zipfile_serialization=False)
    write("zip_f16.pth", cast(bare, torch.float16))
    write("zip_bf16.pth", cast(bare, torch.bfloat16))
    write("zip_f64.pth", cast(bare, torch.float64))
    write("legacy_f16.pth", cast(bare, torch.float16), _use_new_zipfile_serialization=False)
    write("zip_strided.pth", strided(bare))
    write("legacy_strided.pth", strided(bare), _use_new_zipfile_serialization=False)
    write("zip_protocol_4.pth", state, pickle_protocol=4)
    write("nested_state_dict.pth", {"epoch": 7, "loss": 0.25, "state_dict": dict(state), "args": ["a", (1, None, True)]})
    write("nested_model.pth", {"model": bare, "shape": torch.Size([1, 2])}, _use_new_zipfile_serialization=False)
    old = collections.OrderedDict((k, v) for k, v in bare.items() if not k.startswith("diam_"))
    write("no_diameters.pth", old)
    (HERE / "zip_deflated.pth").write_bytes(rezipped(HERE / "zip.pth", zipfile.ZIP_DEFLATED))
    (HERE / "zip_unaligned.pth").write_bytes(rezipped(HERE / "zip.pth", zipfile.ZIP_STORED, name="m"))
    torch.serialization.set_crc32_options(False)
    write("zip_no_crc.pth", state)
    torch.serialization.set_crc32_options(True)
    write_wrapped(net)
    write_size_models()


def write_wrapped(net):
    """A checkpoint of somebody's training script, and of another network."""
    parallel = torch.nn.DataParallel(net)
    optimizer = torch.optim.SGD(parallel.parameters(), lr=0.1, momentum=0.9)
    state = dict(parallel.state_dict(), other_head=torch.ones(2, 3), step=torch.tensor(5))
    out = io.BytesIO()
    torch.save({"epoch": 7, "model_state_dict": state, "optimizer": optimizer.state_dict()}, out)
    (HERE / "data_parallel.pth").write_bytes(rezipped(out, zipfile.ZIP_DEFLATED))
    torch.save(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).state_dict(), HERE / "other.pth")


def write_size_models():
    """A size model as this numpy writes it (an array of one object, which is a dictionary), and as older ones did."""
    generator = np.random.default_rng(5)
    size = {"A": generator.normal(size=256).astype(np.float32) / 20, "smean": generator.normal(size=256).astype(np.float32),
            "diam_mean": 17.0, "ymean": 3.25}
    np.save(HERE / "size_model.npy", size, allow_pickle=True)
    # f64 factors, numpy's scalars, protocol 3, and the module's name before numpy 2
    older = {"A": size["A"].astype(np.float64), "smean": size["smean"], "diam_mean": np.float32(17.0),
             "ymean": np.float64(3.25)}
    header = (HERE / "size_model.npy").read_bytes()[:128]
    body = pickle.dumps(np.array(older, dtype=object), protocol=3).replace(b"numpy._core", b"numpy.core")
    (HERE / "size_model_numpy1.npy").write_bytes(header + body)
    np.save(HERE / "size_model_no_smean.npy", {"A": size["A"], "diam_mean": 17.0, "ymean": 3.25}, allow_pickle=True)
    style = generator.normal(size=256).astype(np.float32)
    np.save(HERE / "size_style.npy", style)
    # SizeModel._size_estimation
    expected = np.exp(size["A"].astype(np.float64) @ (style.astype(np.float64) - size["smean"]) + np.log(17.0) + 3.25)
    (HERE / "size_expected.txt").write_text(f"{expected}\n")


if __name__ == "__main__":
    main()
