#!/usr/bin/env python3
"""Do two label images show the same cells?

    target/oracle/bin/python tests/oracle/compare_masks.py REFERENCE OTHER

They agree if every cell of the reference has a partner of IoU >= 0.9 in the other, the other has no cell without a
partner, and at least 99.9 % of all pixels lie in the same cell (or in none) in both. Label numbers do not matter.
Prints one JSON line; exit status 0: they agree, 1: they do not, 2: they cannot be compared. Reads TIFF, PNG, NPY.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

IOU = 0.9
SAME_PIXELS = 0.999


def read(path):
    if path.suffix.lower() == ".npy":
        return np.load(path)
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile
        return tifffile.imread(path)
    import cv2
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError(f"cannot read {path}: expected TIFF, PNG or NPY")
    return image


def agreement(reference, other):
    """Counts of matched, missing and extra cells, and the share of pixels in the same cell."""
    if reference.shape != other.shape:
        raise ValueError(f"the reference is {reference.shape}, the other {other.shape}")
    ids_a, a = np.unique(np.concatenate([[0], reference.ravel()]), return_inverse=True)
    ids_b, b = np.unique(np.concatenate([[0], other.ravel()]), return_inverse=True)
    a, b = a[1:], b[1:]
    pairs, counts = np.unique(a.astype(np.int64) * len(ids_b) + b, return_counts=True)
    in_a, in_b = pairs // len(ids_b), pairs % len(ids_b)
    size_a, size_b = np.bincount(a, minlength=len(ids_a)), np.bincount(b, minlength=len(ids_b))
    iou = counts / (size_a[in_a] + size_b[in_b] - counts)
    # two cells of IoU above one half are each other's only partner
    partners = (in_a > 0) & (in_b > 0) & (iou >= IOU)
    same = counts[partners].sum() + counts[(in_a == 0) & (in_b == 0)].sum()
    matched = int(partners.sum())
    return {"reference": len(ids_a) - 1, "other": len(ids_b) - 1, "matched": matched,
            "missing": len(ids_a) - 1 - matched, "extra": len(ids_b) - 1 - matched,
            "same_pixels": float(same / max(1, a.size)),
            "worst_iou": float(iou[partners].min()) if matched else None}


def agrees(found):
    return found["missing"] == 0 and found["extra"] == 0 and found["same_pixels"] >= SAME_PIXELS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    options = parser.parse_args()
    try:
        found = agreement(read(options.reference), read(options.other))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"agrees": agrees(found), **found}))
    return 0 if agrees(found) else 1


if __name__ == "__main__":
    sys.exit(main())
