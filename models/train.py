#!/usr/bin/env python3
"""Trains the bundled network with the reference's own training code, on CPU, from one seed.

    CYTOSHADE_TEST_DATA=<folder with images/dsb2018> python models/train.py

The network is the reference's CPnet with nbase [2, 8, 16, 32, 64]. Loss, flows of the labels and augmentation are
the reference's (`train._loss_fn_seg`, `dynamics.labels_to_flows`, `transforms.random_rotate_and_resize`); the loop
is ours because `train.train_seg` builds no narrow network and has no cosine schedule.
Writes cytoshade-demo.safetensors (f16) next to this file. Needs tests/oracle/requirements.txt.
"""

import argparse
import json
import os
import pathlib
import time

import cv2
import numpy as np
import torch
from cellpose import dynamics, resnet_torch, train, transforms, utils

import real_images
import synthetic_cells
import weights

NBASE = [2, 8, 16, 32, 64]
DIAM_MEAN = 30.0


def prepared(picture, labels):
    """Normalizes a picture as the reference does before training, and computes the flows of its labels."""
    normal = transforms.normalize_img(np.ascontiguousarray(picture.transpose(1, 2, 0)[None]))[0].transpose(2, 0, 1)
    flows = dynamics.labels_to_flows([labels.astype(np.int32)], device=torch.device("cpu"))[0]
    diameter = utils.diameters(labels)[0]
    # labels_to_flows gives [labels, cell or not, flow Y, flow X]; training wants the last three
    return np.ascontiguousarray(normal, np.float32), flows[1:], max(float(diameter), 5.0)


def training_set(seed, n_synthetic, data):
    """Lists of synthetic and of real (image, flows, diameter)."""
    synthetic = []
    k = seed * 1_000_000
    while len(synthetic) < n_synthetic:
        picture, labels = synthetic_cells.draw(k)
        k += 1
        if labels.max() > 0:
            synthetic.append(prepared(picture, labels))
    real = [prepared(picture, labels) for _, picture, labels in real_images.training(data)]
    return synthetic, real


def spoiled(rng, image):
    """A degraded real image: other gamma, blur, noise. Reduces overfitting to the few images."""
    image = image.copy()
    stain = image[0]
    if rng.random() < 0.5:
        stain = np.sign(stain) * np.abs(stain) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.3:
        stain = cv2.GaussianBlur(stain, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.4:
        stain = stain + rng.normal(0, rng.uniform(0.01, 0.08), stain.shape)
    image[0] = stain
    return image.astype(np.float32)


def batch_of(rng, synthetic, real, real_share, size, crop):
    chosen = []
    for _ in range(size):
        if rng.random() < real_share:
            # weight the real images by their area, so that a large one is not seen as often as a small one per pixel
            areas = np.array([np.prod(r[0].shape[1:]) / r[2] ** 2 for r in real])
            image, flows, diameter = real[rng.choice(len(real), p=np.sqrt(areas) / np.sqrt(areas).sum())]
            chosen.append((spoiled(rng, image), flows, diameter))
        else:
            chosen.append(synthetic[rng.integers(len(synthetic))])
    images, flows, diameters = zip(*chosen)
    return transforms.random_rotate_and_resize(
        list(images), Y=list(flows), rescale=np.array(diameters) / DIAM_MEAN, scale_range=0.6, xy=(crop, crop))[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=112)
    parser.add_argument("--synthetic", type=int, default=600, help="number of drawn pictures")
    parser.add_argument("--real-share", type=float, default=0.35)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=pathlib.Path,
                        default=pathlib.Path(__file__).with_name("cytoshade-demo.safetensors"))
    options = parser.parse_args()

    data = pathlib.Path(os.environ["CYTOSHADE_TEST_DATA"])
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    np.random.seed(options.seed)
    rng = np.random.default_rng(options.seed)
    start = time.time()

    synthetic, real = training_set(options.seed, options.synthetic, data)
    print(f"{len(synthetic)} drawn and {len(real)} real pictures in {time.time() - start:.0f} s", flush=True)

    net = resnet_torch.CPnet(list(NBASE), 3, sz=3, mkldnn=False, max_pool=True, diam_mean=DIAM_MEAN)
    net = net.to(memory_format=torch.channels_last)  # faster here
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad],
                                  lr=options.learning_rate, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=options.learning_rate, total_steps=options.steps, pct_start=0.05, cycle_momentum=False)
    net.train()
    recent = []
    for step in range(options.steps):
        images, labels = batch_of(rng, synthetic, real, options.real_share, options.batch, options.crop)
        loss = train._loss_fn_seg(labels, net(torch.from_numpy(images))[0], torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        recent.append(loss.item())
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} loss {np.mean(recent):.4f} {time.time() - start:.0f} s", flush=True)
            recent = []
            weights.save_f16(net, options.output.with_suffix(".partial"), {})

    minutes = (time.time() - start) / 60
    weights.save_f16(net, options.output, {
        "name": "cytoshade-demo",
        "license": "CC0-1.0",
        "description": "Small CPnet (Cellpose 1-3 architecture) for demonstration and tests, not for science. "
                       "Trained on drawn cells and CC0 nuclei of BBBC038.",
        "training": json.dumps({"seed": options.seed, "steps": options.steps, "batch": options.batch,
                                "crop": options.crop, "synthetic": options.synthetic}),
    })
    options.output.with_suffix(".partial").unlink(missing_ok=True)
    print(f"{minutes:.1f} minutes, {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
