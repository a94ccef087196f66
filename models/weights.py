"""Writes a CPnet as f16 safetensors under the names of the published state dict, and reads one of any width."""

import re

import torch
from cellpose import resnet_torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def save_f16(net, path, metadata):
    """Every float tensor as f16. BatchNorm's step counters are left out: no inference reads them."""
    state = {name: tensor.detach().to(torch.float16).contiguous()
             for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} does not fit in f16")
    save_file(state, str(path), metadata={key: str(value) for key, value in metadata.items()})
    path.chmod(0o644)


def read_state(path):
    """State dict of a .safetensors or a torch file."""
    if str(path).endswith((".safetensors", ".partial")):
        return load_file(str(path))
    return torch.load(path, map_location="cpu", weights_only=True)


def read_metadata(path):
    with safe_open(str(path), "pt") as file:
        return file.metadata() or {}


def widths(state):
    """(nbase, outputs) from the shapes of the weights."""
    levels = 1 + max(int(m[1]) for m in (re.match(r"downsample\.down\.res_down_(\d+)\.", n) for n in state) if m)
    first = [state[f"downsample.down.res_down_{n}.conv.conv_0.2.weight"].shape for n in range(levels)]
    return [first[0][1]] + [shape[0] for shape in first], state["output.2.weight"].shape[0]


def network(path, dtype=torch.float32):
    """The reference's CPnet in the file's width, in evaluation mode."""
    state = read_state(path)
    nbase, nout = widths(state)
    net = resnet_torch.CPnet(list(nbase), nout, sz=3, mkldnn=False, max_pool=True)
    missing, surplus = net.load_state_dict({name: t.to(torch.float32) if t.is_floating_point() else t
                                            for name, t in state.items()}, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or surplus:
        raise ValueError(f"{path}: missing {missing}, surplus {surplus}")
    return net.to(dtype).eval()
