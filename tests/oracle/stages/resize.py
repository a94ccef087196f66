"""cv2.resize as transforms.resize_image calls it, and the arithmetic of the rescaling factor."""

import cv2
import numpy as np
from cellpose import transforms

from stages import pictures

LINEAR = (((2, 20, 30), (40, 60)), ((2, 40, 60), (20, 30)), ((2, 23, 31), (47, 35)), ((3, 50, 41), (17, 29)),
          ((3, 17, 13), (16, 12)), ((2, 1, 7), (5, 3)), ((2, 5, 5), (1, 1)), ((3, 23, 21), (70, 64)),
          ((1, 12, 18), (13, 17)), ((2, 48, 36), (16, 12)))
NEAREST = (("tiny", (96, 120)), ("crowd", (44, 52)), ("tiny", (61, 97)), ("shapes", (63, 77)), ("nested", (90, 31)),
           ("tiny", (1, 1)))


def write(stage, rng):
    for (channels, height, width), (out_height, out_width) in LINEAR:
        image = rng.normal(0, 1, (channels, height, width)).astype(np.float32)
        result = transforms.resize_image(np.ascontiguousarray(image.transpose(1, 2, 0)), out_height, out_width)
        result = result.reshape(out_height, out_width, channels).transpose(2, 0, 1)
        stage.case(f"linear_{channels}x{height}x{width}_to_{out_height}x{out_width}",
                   {"interpolation": "linear", "height": out_height, "width": out_width},
                   {"image": image}, {"image": result})
    for name, (height, width) in NEAREST:
        for dtype in (np.uint16, np.uint32) if width < 100 else (np.uint16,):
            labels = pictures.label_images()[name].astype(dtype)
            labels = labels + (labels > 0).astype(dtype) * dtype(70000 if dtype == np.uint32 else 0)
            result = transforms.resize_image(labels, height, width, no_channels=True, interpolation=cv2.INTER_NEAREST)
            assert result.dtype == dtype
            stage.case(f"nearest_{name}_{np.dtype(dtype).name}_to_{height}x{width}",
                       {"interpolation": "nearest", "height": height, "width": width},
                       {"image": labels}, {"image": result})
    stage.table("rescale.json", rescale_rows())


def rescale_rows():
    """The lines of CellposeModel.eval and core.run_net that turn a diameter into a size and a number of steps."""
    rows = []
    # with diameters 43 and 11, the last three differ by a pixel between f32 and f64
    sizes = ((256, 256), (520, 696), (101, 333), (1000, 7), (999, 1001), (86, 129), (258, 344), (2948, 43))
    for diam_mean, diam_labels in ((30.0, 30.0), (30.0, 27.3), (17.0, 17.0), (30.0, 8.8)):
        # both are numpy f32 in the weights
        mean, labels = np.float32(diam_mean), np.float32(diam_labels)
        for diameter in (None, 30.0, 17.0, 60.0, 15.0, 10.0, 27.0, 43.1, 7.5, 100.0, 12.0, 36.0, 43.0, 11.0, 0.9):
            rescale = mean / diameter if diameter is not None else mean / labels
            for height, width in sizes:
                resized = None if rescale == 1.0 else [int(height * rescale), int(width * rescale)]
                rows.append({"height": height, "width": width, "diam_mean": mean, "diam_labels": labels,
                             "diameter": diameter, "rescale": rescale, "resized": resized,
                             "niter_resample": int(np.uint32(1 / rescale * 200)), "niter_no_resample": 200})
    return rows
