"""CPnet in f64: outputs and style of random narrow networks, of the bundled one and of the full-width one."""

import cv2
import numpy as np
import torch
from cellpose import resnet_torch, transforms
from safetensors.torch import save_file

import reference
from fixture_folder import MODELS

import weights


def random_network(nbase, nout, diam_mean, diam_labels):
    """A network in which every tensor matters: BatchNorm statistics and affine parameters far from 0 and 1."""
    net = resnet_torch.CPnet(list(nbase), nout, sz=3, mkldnn=False, max_pool=True, diam_mean=diam_mean)
    net.diam_labels.data[:] = diam_labels
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            torch.nn.init.normal_(module.running_mean, 0, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.3, 2.0)
            # a BatchNorm that negates one channel
            module.weight.data[0] *= -1
    return net


def save(net, path, dtype, counters):
    state = {name: tensor.detach().to(dtype).contiguous() if tensor.is_floating_point() else tensor
             for name, tensor in net.state_dict().items() if counters or not name.endswith("num_batches_tracked")}
    save_file(state, str(path))
    path.chmod(0o644)


def run(path, x):
    net = weights.network(path, torch.float64)
    with torch.no_grad():
        y, style, _ = net(torch.from_numpy(x.astype(np.float64)))
    return y.numpy().astype(np.float32), style.numpy().astype(np.float32)


def add(stage, name, model, path, x):
    state = weights.read_state(path)
    nbase, nout = weights.widths(state)
    y, style = run(path, x)
    stage.case(name, {"nbase": nbase, "nout": nout,
                      "diam_mean": float(state["diam_mean"][0]), "diam_labels": float(state["diam_labels"][0]),
                      "tensors": sum(t.is_floating_point() for t in state.values())},
               {"model": model, "x": x}, {"y": y, "style": style})


def normalized_crop(stage, image, window):
    """Planes [1, 2, H, W], normalized as at test time."""
    grey = cv2.imread(str(stage.data / "images" / image), cv2.IMREAD_UNCHANGED)[..., 0].astype(np.float32)
    planes = np.stack([grey, np.zeros_like(grey)], -1)[None]
    return np.ascontiguousarray(transforms.normalize_img(planes)[:, window[0], window[1]].transpose(0, 3, 1, 2))


def write(stage, rng):
    narrow = (
        ("three_levels", [2, 4, 8, 16], 3, 30.0, 27.5, torch.float32, True, [(1, 24, 40), (3, 32, 16)]),
        ("four_levels_f16", [2, 4, 8, 16, 32], 3, 17.0, 17.0, torch.float16, False, [(2, 16, 48)]),
        ("odd_widths", [1, 5, 7, 9], 3, 30.0, 30.0, torch.float32, False, [(1, 8, 12), (3, 32, 40)]),
        ("five_outputs", [3, 6, 10], 5, 12.0, 9.5, torch.float32, False, [(1, 20, 34)]),
        ("one_level", [2, 6], 3, 30.0, 30.0, torch.float32, False, [(2, 9, 7)]),
    )
    for name, nbase, nout, diam_mean, diam_labels, dtype, counters, shapes in narrow:
        model = f"{name}.safetensors"
        save(random_network(nbase, nout, diam_mean, diam_labels), stage.path / model, dtype, counters)
        for n, height, width in shapes:
            x = rng.normal(0.3, 0.6, (n, nbase[0], height, width)).astype(np.float32)
            add(stage, f"{name}_{n}x{height}x{width}", model, stage.path / model, x)

    bundled = MODELS / "cytoshade-demo.safetensors"
    if bundled.exists():
        x = normalized_crop(stage, "dsb2018/777f7c426927_img.png", (slice(100, 212), slice(60, 188)))
        add(stage, "bundled_tile", "../../../models/cytoshade-demo.safetensors", bundled, x)
    full = stage.data / "models" / "cpnet_full.safetensors"
    if full.exists():
        x = normalized_crop(stage, "dsb2018/777f7c426927_img.png", (slice(150, 214), slice(180, 260)))
        add(stage, "full_width", "$CYTOSHADE_TEST_DATA/models/cpnet_full.safetensors", full, x)
