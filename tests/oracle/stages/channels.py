"""Images of any layout to two planes: transforms.convert_image."""

import warnings

import numpy as np
from cellpose import transforms


def images(rng):
    """name -> (image, channel_axis, list of (chan, chan2))."""
    height, width = 11, 14
    pairs = [(0, 0), (1, 0), (2, 0), (3, 0), (2, 3), (3, 1), (1, 1), (0, 2)]
    return {
        "grey_u8": (rng.integers(0, 256, (height, width)).astype(np.uint8), None, [(0, 0), (1, 2)]),
        "grey_i16": (rng.integers(-300, 300, (height, width)).astype(np.int16), None, [(0, 0)]),
        "one_channel_last_u16": (rng.integers(0, 65536, (height, width, 1)).astype(np.uint16), 2, [(0, 0), (1, 0)]),
        "rgb_u8": (rng.integers(0, 256, (height, width, 3)).astype(np.uint8), 2, pairs),
        "rgb_first_f64": (rng.normal(0, 1, (3, height, width)), 0, [(0, 0), (2, 1)]),
        "two_u16": (rng.integers(0, 65536, (2, height, width)).astype(np.uint16), 0,
                    [(0, 0), (1, 2), (2, 1), (2, 0), (None, None)]),
        "two_unspecified_axis": (rng.integers(0, 256, (2, height, width)).astype(np.uint8), None, [(1, 2), (0, 0)]),
        "four_f32": (rng.normal(100, 50, (4, height, width)).astype(np.float32), 0,
                     [(0, 0), (4, 1), (1, 2), (3, 0), (None, None)]),
        "rgb_flat_green": (np.stack([rng.integers(0, 256, (height, width)), np.full((height, width), 7),
                                     rng.integers(0, 256, (height, width))], -1).astype(np.uint8), 2, [(1, 2), (2, 3)]),
    }


def write(stage, rng):
    warnings.simplefilter("ignore")
    for name, (image, axis, pairs) in images(rng).items():
        file = stage.array(name, image)
        for chan, chan2 in pairs:
            channels = None if chan is None else [chan, chan2]
            planes = transforms.convert_image(image.copy(), channels, channel_axis=axis, nchan=2)
            assert planes.dtype == np.float32 and planes.shape == (11, 14, 2), planes.shape
            stage.case(f"{name}_{chan}_{chan2}", {"channel_axis": axis, "chan": chan, "chan2": chan2},
                       {"image": file}, {"planes": planes.transpose(2, 0, 1)})
