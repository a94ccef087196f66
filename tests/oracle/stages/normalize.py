"""Percentiles, bounds, inversion: transforms.normalize_img as CellposeModel.eval calls it, on [1, H, W, 2]."""

import numpy as np
from cellpose import transforms

DEFAULTS = {"normalize": True, "invert": False, "percentile": None, "lowhigh": None, "norm3D": True,
            "sharpen_radius": 0, "smooth_radius": 0, "tile_norm_blocksize": 0, "tile_norm_smooth3D": 1}


def normalized(planes, p):
    """Planes [2, H, W] or [2, Z, H, W] after normalize_img, which eval skips without normalize."""
    if not p["normalize"]:
        return planes.copy()
    stack = planes if planes.ndim == 4 else planes[:, None]
    x = np.ascontiguousarray(stack.transpose(1, 2, 3, 0))
    y = transforms.normalize_img(x.copy(), **p)
    return np.ascontiguousarray(y.transpose(3, 0, 1, 2)).reshape(planes.shape)


def bounds_of(planes, p):
    """The bounds by which normalize99 subtracts and divides, computed with its own lines."""
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
    """Checks that the written bounds are those of the reference."""
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


# options of normalize_img beside percentiles of the whole channel
OPTIONS = (
    {"sharpen_radius": 4}, {"smooth_radius": 2}, {"smooth_radius": 1.5, "sharpen_radius": 6, "invert": True},
    {"sharpen_radius": 40}, {"tile_norm_blocksize": 16}, {"tile_norm_blocksize": 16, "tile_norm_smooth3D": 3, "invert": True},
    {"tile_norm_blocksize": 12, "tile_norm_smooth3D": 0, "percentile": [3.0, 97.0]},
    {"tile_norm_blocksize": 11, "norm3D": False}, {"tile_norm_blocksize": 500},
    {"tile_norm_blocksize": 20, "smooth_radius": 1, "sharpen_radius": 5},
    {"lowhigh": [10.0, 900.0], "sharpen_radius": 4, "tile_norm_blocksize": 16},
)
# one channel: with two, the reference fails for norm3D=False with tiles
STACK_OPTIONS = (
    {}, {"norm3D": False}, {"norm3D": False, "invert": True}, {"percentile": [5.0, 95.0], "invert": True},
    {"sharpen_radius": 3}, {"smooth_radius": 1, "norm3D": False}, {"tile_norm_blocksize": 10},
    {"tile_norm_blocksize": 10, "tile_norm_smooth3D": 2}, {"tile_norm_blocksize": 10, "norm3D": False},
    {"lowhigh": [100.0, 2000.0]},
)


def named(changes):
    words = "_".join(k + ("" if v is True else "_" + str(v).replace(" ", "")) for k, v in changes.items())
    return (words or "default").translate(str.maketrans("[],", "((_")).replace("(", "")


def uneven(rng, *shape):
    """Spots under a light that falls off to one side, and an empty corner; a second channel of few bright pixels."""
    *layers, height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    light = 40 + 2000 * np.exp(-x / width * 3) * (1 + 0.3 * np.sin(y / 3) * np.sin(x / 4))
    light = light * (1 + np.arange(np.prod(layers, dtype=int)).reshape(*layers, 1, 1) / 5)
    first = rng.poisson(light).astype(np.float32)
    first[..., : height // 2, : width // 2] = 7
    second = (rng.random(shape) < 0.01).astype(np.float32) * 100
    return np.stack([first, second])


def write_options(stage, rng):
    for name, planes in {"uneven": uneven(rng, 45, 58), "uneven_tall": uneven(rng, 70, 31)}.items():
        file = stage.array(name, planes)
        for changes in OPTIONS if name == "uneven" else OPTIONS[:5]:
            p = {**DEFAULTS, **changes}
            stage.case(f"{name}_{named(changes)}", p, {"planes": file}, {"planes": normalized(planes, p)})
    stack = uneven(rng, 6, 23, 30)[:1]
    file = stage.array("uneven_stack", stack)
    for changes in STACK_OPTIONS:
        p = {**DEFAULTS, **changes}
        stage.case(f"uneven_stack_{named(changes)}", p, {"planes": file}, {"planes": normalized(stack, p)})


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
            stage.case(f"{name}_{named(changes)}", p, {"planes": file},
                       {"planes": result, "bounds": bounds_of(planes, p) if p["normalize"] else [None, None]})

    write_options(stage, rng)

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
