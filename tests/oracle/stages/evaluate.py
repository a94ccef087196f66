"""cellpose.metrics on pairs of label images without gaps."""

import numpy as np
from cellpose import metrics
from PIL import Image
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from stages import measure, pictures

THRESHOLDS = [0.05, 0.25, 0.5, 0.55, 0.6, 0.75, 0.9, 1.0]
SCALES = [0.02, 0.1, 0.25, 0.5]


def near(outlines, disk):
    """The reference's convolution of outlines; its 8-bit counts overflow, so that 256 neighbors become none."""
    return ndimage.convolve(outlines.astype(np.int64), disk.astype(np.int64)) > 0


metrics.convolve = near


def scores(truth, predicted):
    average, tp, fp, fn = metrics.average_precision(truth, predicted, threshold=THRESHOLDS)
    with np.errstate(invalid="ignore"):
        average = tp.astype(np.float64) / (tp + fp + fn)
    expected = {"true_positives": tp.astype(int), "false_positives": fp.astype(int), "false_negatives": fn.astype(int),
                "average_precision": average}
    if truth.max() > 0 and predicted.max() > 0:
        ious, partners = metrics.mask_ious(truth, predicted)
        expected["mask_ious"] = ious
        expected["partners"] = np.where(ious > 0, partners, 0)
        expected["aggregated_jaccard_index"] = metrics.aggregated_jaccard_index([truth], [predicted])[0]
        if truth.ndim == 2:
            found = metrics.boundary_scores([truth], [predicted], SCALES)
            expected |= {name: values[:, 0] for name, values in zip(("precision", "recall", "f_score"), found)}
    return {name: [None if np.isnan(value) else value for value in np.asarray(values).tolist()]
            if np.ndim(values) else values for name, values in expected.items()}


def case(stage, name, truth, predicted, inputs=None, **params):
    truth, predicted = (relabel_sequential(labels)[0].astype(np.int64) for labels in (truth, predicted))
    inputs = inputs or {"truth": truth.astype(np.uint16), "predicted": predicted.astype(np.uint16)}
    stage.case(name, {"thresholds": THRESHOLDS, "scales": SCALES, **params}, inputs, scores(truth, predicted))


def changed(labels, rng):
    """Another segmentation of the same cells: some are lost, merged, split, moved or new."""
    moved = np.roll(labels, rng.integers(-2, 3, labels.ndim), range(labels.ndim))
    for cell in rng.permutation(np.unique(moved)[1:])[:6]:
        kind = rng.integers(4)
        if kind == 0:
            moved[moved == cell] = 0
        elif kind == 1:
            moved[moved == cell] = rng.choice(np.unique(moved)[1:])
        elif kind == 2:
            half = (moved == cell) & (np.arange(labels.shape[-1]) % 9 < 4)
            moved[half] = moved.max() + 1
        else:
            moved = np.where((moved == 0) & ndimage.binary_dilation(moved == cell, iterations=2), cell, moved)
    return moved


def write(stage, rng):
    for name, labels in {**pictures.label_images(), "blobs": measure.blobs(rng, (64, 72), 25)}.items():
        labels = labels.astype(np.int64)
        if labels.max() > 0:
            case(stage, name, labels, changed(labels, rng))
    empty, cell = np.zeros((12, 13), int), np.zeros((12, 13), int)
    cell[3:7, 4:9] = 1
    case(stage, "both_empty", empty, empty)
    case(stage, "no_truth", empty, cell)
    case(stage, "none_found", cell, empty)
    case(stage, "equal", cell, cell)
    two = cell.copy()
    two[:, 6:][two[:, 6:] > 0] = 2
    case(stage, "split", cell, two)
    case(stage, "merged", two, cell)
    stack = measure.blobs(rng, (8, 20, 22), 12).astype(np.int64)
    case(stage, "volume", stack, changed(stack, rng))
    for name in measure.LARGE:
        file = f"images/{name}_label.png"
        truth = np.array(Image.open(stage.data / file)).astype(np.int64)
        # The same cells, moved by rows and columns: some match, the others overlap.
        case(stage, name.replace("/", "_"), truth, np.roll(truth, (3, 4), (0, 1)),
             {"truth": f"$CYTOSHADE_TEST_DATA/{file}"}, shift=[3, 4])
