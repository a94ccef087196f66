"""Percentiles, bounds, inversion: transforms.normalize_img as CellposeModel.eval calls it, on [1, H, W, 2]."""

import numpy as np
from cellpose import transforms

DEFAULTS = {"normalize": True, "invert": False, "percentile": None, "lowhigh": None}


def normalized(planes, p):
    """Planes [2, H, W] after normalize_img; eval leaves it out altogether without normalize."""
    if not p["normalize"]:
        return planes.copy()
    x = np.ascontiguousarray(planes.transpose(1, 2, 0)[None])
    y = transforms.normalize_img(x.copy(), normalize=True, norm3D=True, invert=p["invert"],
                                 lowhigh=p["lowhigh"], percentile=p["percentile"])
    return y[0].transpose(2, 0, 1)


def bounds_of(planes, p):
    """What normalize99 subtracts and divides by, computed with its own lines."""
    if p["lowhigh"] is not None:
        pairs = np.tile(p["lowhigh"], (len(planes), 1)) if np.ndim(p["lowhigh"]) == 1 else np.array(p["lowhigh"])
        return [[float(low), float(high)] for low, high in pairs]
    lower, upper = p["percentile"] or (1.0, 99.0)
    bounds = []
    for plane in planes:
        x = plane[None]
        if x.size > 224**3:
            x = x[:, ::max(1, x.shape[1] // 224), ::max(1, x.shape[2] // 224)]
        low, high = np.percentile(x, lower), np.percentile(x, upper)
        bounds.append([float(low), float(high)] if np.ptp(plane) > 0 and high - low > 1e-3 else None)
    return bounds


def check(planes, p, result):
    """The bounds written down must be those that the reference used."""
    for plane, bounds, out in zip(planes, bounds_of(planes, p), result):
        if bounds is not None and p["normalize"]:
            mine = (plane - np.float32(bounds[0])) / np.float32(bounds[1] - bounds[0])
            assert np.allclose(1 - mine if p["invert"] else mine, out, rtol=1e-4, atol=1e-5)


def images(rng):
    height, width = 25, 37
    ramp = np.add.outer(np.arange(height), np.arange(width)).astype(np.float32)
    camera = rng.poisson(200 + 3000 * np.exp(-((ramp - 28) / 12) ** 2)).astype(np.float32)
    noise = rng.normal(0, 1, (height, width)).astype(np.float32)
    zero = np.zeros((height, width), np.float32)
    hot = noise.copy()
    hot[3, 4] = 1e6
    return {
        "camera_u16": np.stack([camera, rng.integers(0, 65536, (height, width)).astype(np.float32)]),
        "grey": np.stack([noise, zero]),
        "constant_and_noise": np.stack([np.full_like(zero, 42), noise * 10]),
        # not constant, yet less than 1e-3 between the percentiles
        "low_contrast": np.stack([hot * 1e-5, 1000 + noise]),
        "hot_pixel": np.stack([hot, noise - 5]),
        "tiny": rng.normal(0, 1, (2, 2, 3)).astype(np.float32),
        "one_pixel": np.array([[[3.0]], [[0.0]]], np.float32),
        "steps": np.stack([np.floor(ramp / 9), ramp % 2]),
    }


VARIATIONS = (
    {}, {"invert": True}, {"percentile": [5.0, 95.0]}, {"percentile": [0.0, 100.0], "invert": True},
    {"percentile": [0.3, 99.7]}, {"lowhigh": [0.0, 1000.0]}, {"lowhigh": [[10.0, 60000.0], [-3.0, 3.5]], "invert": True},
    {"normalize": False}, {"normalize": False, "invert": True},
)


def formula(height, width):
    y, x = np.mgrid[:height, :width].astype(np.uint64)
    return (((y * 73856093) ^ (x * 19349663)) % 4093).astype(np.float32)


def write(stage, rng):
    for name, planes in images(rng).items():
        file = stage.array(name, planes)
        for changes in VARIATIONS if name in ("camera_u16", "grey", "low_contrast") else VARIATIONS[:3]:
            p = {**DEFAULTS, **changes}
            result = normalized(planes, p)
            check(planes, p, result)
            words = "_".join(k + ("" if v is True else "_" + str(v).replace(" ", "")) for k, v in changes.items())
            stage.case(f"{name}_{words or 'default'}".translate(str.maketrans("[],", "((_")).replace("(", ""), p,
                       {"planes": file},
                       {"planes": result, "bounds": bounds_of(planes, p) if p["normalize"] else [None, None]})

    # large planes: below 224^3 pixels every pixel counts towards the percentiles, above it only some do
    for height, width in ((2048, 2048), (3344, 3361), (3400, 3500)):
        planes = np.stack([formula(height, width), np.zeros((height, width), np.float32)])
        p = {**DEFAULTS}
        result = normalized(planes, p)
        check(planes, p, result)
        where = [(int(y), int(x)) for y, x in zip(rng.integers(0, height, 12), rng.integers(0, width, 12))]
        stage.case(f"formula_{height}x{width}", p, {},
                   {"bounds": bounds_of(planes, p), "samples": [[y, x, float(result[0, y, x])] for y, x in where]},
                   formula={"height": height, "width": width})
