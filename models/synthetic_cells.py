"""Draws synthetic two-channel pictures of cells, with their labels.

Every picture comes from one integer seed. Channel 0 is the stain to segment, channel 1 the nuclear stain
(all zero where the picture has none). The aim is variety, not realism of one microscope: a small network that
sees many shapes, textures, densities and kinds of noise learns what a cell edge is.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

KINDS = ("nuclei", "cyto", "cyto_and_nuclei")


def smooth_noise(rng, shape, sigma):
    """Zero-mean, unit-variance Gaussian noise with a correlation length of about `sigma` pixels."""
    noise = gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    return (noise - noise.mean()) / (noise.std() + 1e-9)


def blob(rng, yy, xx, cy, cx, diameter, elongation, roughness):
    """Boolean mask of one star-convex shape: an ellipse whose radius is modulated by a few harmonics."""
    angle = rng.uniform(0, np.pi)
    dy, dx = yy - cy, xx - cx
    u = (np.cos(angle) * dx + np.sin(angle) * dy) / np.sqrt(elongation)
    v = (-np.sin(angle) * dx + np.cos(angle) * dy) * np.sqrt(elongation)
    theta = np.arctan2(v, u)
    radius = np.ones_like(theta)
    for harmonic in range(2, 6):
        radius += roughness / harmonic * rng.standard_normal() * np.cos(harmonic * theta + rng.uniform(0, 2 * np.pi))
    return np.hypot(u, v) < np.maximum(radius, 0.35) * diameter / 2


def scattered_labels(rng, shape, diameter, density, clustering, elongation, roughness):
    """Blobs placed one after the other; a later one may touch an earlier one but hides little of it."""
    labels = np.zeros(shape, np.int32)
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    wanted = max(1, int(density * shape[0] * shape[1] / (np.pi / 4 * diameter**2)))
    centres, n = [], 0
    for _ in range(wanted * 6):
        if n >= wanted:
            break
        if centres and rng.random() < clustering:
            # next to an existing cell, so that the two touch
            cy, cx, d0 = centres[rng.integers(len(centres))]
            direction = rng.uniform(0, 2 * np.pi)
            step = (d0 + diameter) / 2 * rng.uniform(0.8, 1.05)
            cy, cx = cy + step * np.sin(direction), cx + step * np.cos(direction)
        else:
            cy, cx = rng.uniform(-5, shape[0] + 5), rng.uniform(-5, shape[1] + 5)
        d = diameter * np.clip(rng.normal(1, 0.18), 0.5, 1.6)
        e = 1 + abs(rng.normal(0, elongation))
        shape_mask = blob(rng, yy, xx, cy, cx, d, e, roughness)
        size = shape_mask.sum()
        free = shape_mask & (labels == 0)
        if size < 12 or free.sum() < 0.8 * size:
            continue
        n += 1
        labels[free] = n
        centres.append((cy, cx, d))
    return labels


def confluent_labels(rng, shape, diameter):
    """A sheet of cells without gaps, or with thin ones: the Voronoi cells of a jittered grid, warped."""
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    wobble = diameter * rng.uniform(0.03, 0.1)
    yy = yy + wobble * smooth_noise(rng, shape, diameter / 5)
    xx = xx + wobble * smooth_noise(rng, shape, diameter / 5)
    steps_y = np.arange(-diameter, shape[0] + diameter, diameter)
    steps_x = np.arange(-diameter, shape[1] + diameter, diameter)
    sites = np.stack(np.meshgrid(steps_y, steps_x, indexing="ij"), -1).reshape(-1, 2)
    sites = sites + rng.normal(0, diameter * 0.2, sites.shape)
    nearest = np.full(shape, np.inf)
    second = np.full(shape, np.inf)
    labels = np.zeros(shape, np.int32)
    for k, (cy, cx) in enumerate(sites):
        distance = np.hypot(yy - cy, xx - cx)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        labels[closer] = k + 1
        nearest = np.minimum(nearest, distance)
    labels[second - nearest < rng.choice([0.0, 1.5, 3.0])] = 0
    missing = rng.choice(len(sites), int(len(sites) * rng.uniform(0, 0.35)), replace=False) + 1
    labels[np.isin(labels, missing)] = 0
    return labels


def tidy(labels, smallest):
    """Labels 1..n without gaps and without crumbs."""
    sizes = np.bincount(labels.ravel())
    keep = sizes >= smallest
    keep[0] = False
    lut = np.zeros(len(sizes), np.int32)
    lut[keep] = 1 + np.arange(keep.sum())
    return lut[labels]


def nuclei_of(rng, labels):
    """One nucleus in nearly every cell: the part of the cell that is deepest inside, moved a little."""
    nuclei = np.zeros(labels.shape, bool)
    depth = distance_transform_edt(np.pad(edges_removed(labels), 1))[1:-1, 1:-1]
    yy, xx = np.mgrid[: labels.shape[0], : labels.shape[1]]
    for k in range(1, labels.max() + 1):
        inside = labels == k
        if rng.random() < 0.06:
            continue
        d = 2 * np.sqrt(inside.sum() / np.pi) * rng.uniform(0.4, 0.65)
        candidates = np.flatnonzero(inside & (depth >= 0.75 * depth[inside].max()))
        cy, cx = np.unravel_index(rng.choice(candidates), labels.shape)
        nuclei |= inside & blob(rng, yy, xx, cy, cx, d, 1 + abs(rng.normal(0, 0.25)), 0.05)
    return nuclei


def edges_removed(labels):
    """Foreground less the pixels that touch another label below or to the right."""
    inside = labels > 0
    inside[:-1] &= labels[:-1] == labels[1:]
    inside[:, :-1] &= labels[:, :-1] == labels[:, 1:]
    return inside


def painted(rng, labels, texture_scale):
    """Brightness of each pixel of the cells (0 outside): level per cell, profile, texture, grains, seams."""
    n = labels.max()
    level = np.concatenate([[0], np.exp(rng.normal(0, rng.uniform(0.05, 0.45), n))])
    image = level[labels]
    depth = distance_transform_edt(np.pad(edges_removed(labels), 1))[1:-1, 1:-1]
    profile = rng.choice(["flat", "dome", "rim"], p=[0.5, 0.35, 0.15])
    if profile == "dome":
        image = image * (0.35 + 0.65 * (1 - np.exp(-depth / rng.uniform(2, 7))))
    elif profile == "rim":
        image = image * (rng.uniform(0.3, 0.6) + np.exp(-((depth - 1.5) ** 2) / rng.uniform(3, 10)))
    image = image * np.exp(rng.uniform(0, 0.35) * smooth_noise(rng, labels.shape, texture_scale))
    image = image * np.exp(rng.uniform(0, 0.25) * smooth_noise(rng, labels.shape, texture_scale / 3))
    if rng.random() < 0.35:
        grains = (rng.random(labels.shape) < rng.uniform(0.002, 0.02)) & (labels > 0)
        spots = gaussian_filter(grains.astype(float), rng.uniform(0.7, 1.6))
        image = image + rng.uniform(0.5, 2.0) * spots / (spots.max() + 1e-9)
    # there is less stain at a border of two cells, since cells are thinner at their edge: invisible borders train nothing
    return image * (1 - rng.uniform(0.25, 0.8) * np.exp(-np.maximum(depth - 1, 0) / rng.uniform(0.5, 1.5)) * (labels > 0))


def through_the_microscope(rng, image):
    """Out-of-focus light, background, blur, shot and read noise, as a camera would record them."""
    shape = image.shape
    image = image + rng.uniform(0, 0.35) * gaussian_filter(image, rng.uniform(6, 18))
    background = rng.uniform(0, 0.25) * (1 + 0.5 * smooth_noise(rng, shape, shape[0] / 4))
    image = image + np.maximum(background, 0)
    if rng.random() < 0.3:
        # debris: bright specks that are not cells
        specks = (rng.random(shape) < 0.0006).astype(float)
        image = image + rng.uniform(2, 12) * gaussian_filter(specks, rng.uniform(0.8, 1.8))
    if rng.random() < 0.25:
        # neighbours above and below the focal plane
        image = image + rng.uniform(0.1, 0.35) * np.maximum(smooth_noise(rng, shape, rng.uniform(6, 14)), 0)
    image = gaussian_filter(image, rng.uniform(0.3, 1.6))
    if rng.random() < 0.4:
        image = image * (1 + 0.2 * smooth_noise(rng, shape, shape[0] / 3))
    photons = 10 ** rng.uniform(1.5, 3.2)
    image = rng.poisson(np.maximum(image, 0) * photons) / photons
    return image + rng.normal(0, rng.uniform(0, 0.04), shape)


def draw(seed, size=176, kind=None, smallest=40):
    """One picture: f32 [2, size, size] and int32 labels [size, size] (0 is background, 1..n the cells).

    Cells of which fewer than `smallest` pixels are in view, or free of their neighbours, are not drawn.
    """
    rng = np.random.default_rng(seed)
    kind = kind or KINDS[rng.choice(3, p=[0.45, 0.25, 0.3])]
    shape = (size, size)
    diameter = rng.uniform(20, 42)
    if kind != "nuclei" and rng.random() < 0.35:
        labels = confluent_labels(rng, shape, diameter)
    else:
        labels = scattered_labels(
            rng, shape, diameter, density=rng.uniform(0.12, 0.75), clustering=rng.choice([0, 0.4, 0.8]),
            elongation=rng.choice([0.15, 0.4, 0.7]), roughness=rng.uniform(0.0, 0.16))
    labels = tidy(labels, smallest)
    texture_scale = diameter * rng.uniform(0.06, 0.25)
    stain = painted(rng, labels, texture_scale)
    nuclear = np.zeros(shape)
    if kind != "nuclei" and labels.max() > 0:
        nuclei = nuclei_of(rng, labels)
        # cytoplasmic stains leave the nucleus out, or do not, or stain it more
        stain = stain * np.where(gaussian_filter(nuclei.astype(float), 1) > 0.5, rng.choice([0.3, 0.6, 1.0, 1.4]), 1.0)
        if kind == "cyto_and_nuclei":
            nuclear = through_the_microscope(rng, painted(rng, np.where(nuclei, labels, 0), texture_scale / 2))
    stain = through_the_microscope(rng, stain)
    if kind == "cyto" and rng.random() < 0.12:
        stain = stain.max() - stain
    if kind == "nuclei" and rng.random() < 0.5:
        stain = np.sign(stain) * np.abs(stain) ** rng.uniform(0.6, 1.6)
    # if cells cover a warped grid, a small displacement makes the picture look more natural
    shift = rng.uniform(0.5, 2.0) * np.stack([smooth_noise(rng, shape, 14) for _ in range(2)])
    where = np.mgrid[: shape[0], : shape[1]] + shift
    labels = tidy(map_coordinates(labels, where, order=0, mode="nearest"), smallest)
    picture = np.stack([map_coordinates(c, where, order=1, mode="nearest") for c in (stain, nuclear)])
    return picture.astype(np.float32), labels
