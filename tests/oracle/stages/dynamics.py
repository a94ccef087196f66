"""Flows to labels, step by step, on synthetic flows and on real ones."""

import logging

import fastremap
import numpy as np
import torch
from cellpose import dynamics, metrics, utils
from scipy.ndimage import gaussian_filter

import reference
from fixture_folder import MODELS
from stages import pictures

PAD = 20
DEFAULTS = {"niter": 200, "interp": True, "cellprob_threshold": 0.0, "flow_threshold": 0.4,
            "max_size_fraction": 0.4, "min_size": 15}
CPU = torch.device("cpu")

logging.getLogger("cellpose").setLevel(logging.ERROR)


def grown_seeds(endpoints, inside, shape):
    """dynamics.get_masks_torch up to the labels of the end points: (histogram, seeds, labels [H, W]).

    The lines are the reference's, taken apart so that what lies between can be written down.
    """
    pt = torch.from_numpy(endpoints).int() + PAD
    pt = torch.clamp(pt, min=0)
    for i in range(2):
        pt[i] = torch.clamp(pt[i], max=shape[i] + PAD - 1)
    padded = tuple(np.array(shape) + 2 * PAD)
    h1 = torch.sparse_coo_tensor(pt, torch.ones(pt.shape[1], dtype=torch.int), padded).to_dense()
    hmax = dynamics.max_pool_nd(h1.unsqueeze(0), kernel_size=5).squeeze()
    seeds = torch.nonzero((h1 - hmax > -1e-6) * (h1 > 10))
    if len(seeds) == 0:
        return h1.numpy().astype(np.uint16), np.zeros((0, 3), np.int32), np.zeros(shape, np.uint16)
    seeds = seeds[h1[tuple(seeds.T)].argsort()]
    windows = torch.zeros((len(seeds), 11, 11))
    for k, (y, x) in enumerate(seeds):
        windows[k] = h1[y - 5:y + 6, x - 5:x + 6]
    masks = torch.zeros((len(seeds), 11, 11))
    masks[:, 5, 5] = 1
    for _ in range(5):
        masks = dynamics.max_pool_nd(masks, kernel_size=3)
        masks *= windows > 2
    plane = torch.zeros(padded, dtype=torch.int32)
    for k in range(len(seeds)):
        plane[tuple((torch.nonzero(masks[k]) + seeds[k] - 5).T)] = 1 + k
    labels = np.zeros(shape, np.uint16)
    labels[inside] = plane[tuple(pt)].numpy()
    counts = h1[tuple(seeds.T)]
    return h1.numpy().astype(np.uint16), torch.cat([seeds, counts[:, None]], 1).numpy().astype(np.int32), labels


def step_by_step(flows, cellprob, p):
    """Every intermediate of dynamics.resize_and_compute_masks, checked against the reference's own result."""
    steps = {}
    wanted = dynamics.resize_and_compute_masks(
        flows, cellprob, niter=p["niter"], cellprob_threshold=p["cellprob_threshold"],
        flow_threshold=p["flow_threshold"], interp=p["interp"], max_size_fraction=p["max_size_fraction"],
        min_size=p["min_size"], device=CPU)
    foreground = cellprob > p["cellprob_threshold"]
    inside = np.nonzero(foreground)
    if foreground.any():
        endpoints = dynamics.follow_flows(flows * foreground / 5., inds=inside, niter=p["niter"],
                                          interp=p["interp"], device=CPU)
        steps["endpoints"] = endpoints
        steps["histogram"], steps["seeds"], steps["grown"] = grown_seeds(endpoints, inside, cellprob.shape)
        masks = dynamics.get_masks_torch(torch.from_numpy(endpoints).int(), inside, cellprob.shape,
                                         max_size_fraction=p["max_size_fraction"])
    else:
        masks = np.zeros(cellprob.shape, np.uint16)
    check_grown(steps, masks, p["max_size_fraction"])
    steps["masks"] = masks.copy()
    if masks.max() > 0 and p["flow_threshold"] > 0:
        steps["flow_errors"] = metrics.flow_error(masks, flows, CPU)[0]
        masks = dynamics.remove_bad_flow_masks(masks, flows, threshold=p["flow_threshold"], device=CPU)
        steps["checked"] = masks.copy()
    final = utils.fill_holes_and_remove_small_masks(masks, min_size=p["min_size"])
    assert np.array_equal(final, wanted)
    steps["final"] = final
    return steps


def check_grown(steps, masks, max_size_fraction):
    """The lines copied above, continued with the size limit, must give what get_masks_torch gave."""
    if "grown" not in steps:
        return
    labels = steps["grown"].copy()
    values, counts = fastremap.unique(labels, return_counts=True)
    large = values[counts > labels.size * max_size_fraction]
    labels[np.isin(labels, large)] = 0
    assert np.array_equal(fastremap.renumber(labels)[0], masks)


def noisy(rng, labels, flow_noise=0.6, prob_noise=1.0):
    """Synthetic outputs of a network for `labels`: flows x 5 and logits, with slightly smooth noise."""
    def noise(shape):
        n = gaussian_filter(rng.standard_normal(shape), (0, 0.7, 0.7) if len(shape) == 3 else 0.7)
        return n / n.std()
    unit = dynamics.masks_to_flows(labels) if labels.max() > 0 else np.zeros((2, *labels.shape))
    flows = 5 * unit + flow_noise * noise(unit.shape)
    cellprob = np.where(labels > 0, 4.0, -4.0) + prob_noise * noise(labels.shape)
    return flows.astype(np.float32), cellprob.astype(np.float32)


def drawn_flows(rng):
    """name -> (flows, cellprob) of synthetic cells."""
    drawn = {name: noisy(rng, labels) for name, labels in pictures.label_images().items()}

    # flows of some cells too weak: they end in the right place, but the flow check must reject them
    labels = pictures.label_images()["crowd"]
    flows, cellprob = noisy(rng, labels, 0.3, 0.5)
    for label, strength in ((2, 0.3), (5, 0.45), (8, 0.1), (9, 0.25), (14, 0.3)):
        flows[:, labels == label] *= strength
    drawn["weak_flows"] = (flows, cellprob)

    # only swirls and noise: many seeds, many ends at the border
    shape = (70, 90)
    swirl = np.stack([gaussian_filter(rng.standard_normal(shape), 4) for _ in range(2)])
    drawn["swirls"] = ((swirl / swirl.std() * 6).astype(np.float32),
                       (gaussian_filter(rng.standard_normal(shape), 3) * 20 + 1).astype(np.float32))

    # no background anywhere
    labels = pictures.tessellation((64, 72), 18)
    flows, _ = noisy(rng, labels, 0.2)
    drawn["no_background"] = (flows, np.full(labels.shape, 3.0, np.float32))

    # one cell that covers most of the plane
    labels = np.zeros((60, 60), np.int32)
    labels[4:56, 4:56] = 1
    labels[1:4, 1:9] = 2
    drawn["one_large"] = noisy(rng, labels, 0.3)

    drawn["empty"] = (np.zeros((2, 20, 24), np.float32), np.full((20, 24), -5, np.float32))
    drawn["no_seeds"] = (np.zeros((2, 20, 24), np.float32), np.full((20, 24), 5, np.float32))
    drawn["one_pixel"] = (np.zeros((2, 1, 1), np.float32), np.ones((1, 1), np.float32))
    drawn["one_row"] = noisy(rng, np.repeat([[0, 1, 0, 2, 2]], 12, axis=1).astype(np.int32))
    return drawn


def real_flows(stage):
    """name -> (flows, cellprob) of networks on real crops."""
    real = {}
    for name, model in (("bundled", MODELS / "cytoshade-demo.safetensors"),
                        ("full_width", stage.data / "models" / "cpnet_full.safetensors")):
        if model.exists():
            crop = pictures.dsb2018(stage.data, "e7a3a7c99483")[205:290, 15:110]
            _, flows, cellprob, _ = reference.evaluate(reference.segmenter(model), crop, diameter=27.0)
            real[f"nuclei_{name}"] = (flows, cellprob)
    return real


VARIATIONS = {
    # name of the flows -> parameters that differ from DEFAULTS
    "weak_flows": [{"flow_threshold": 0.0}, {"flow_threshold": 1.0}, {"min_size": -1}, {"min_size": 0},
                   {"min_size": 100}, {"min_size": 60, "flow_threshold": 0.2}],
    "crowd": [{"interp": False}, {"niter": 7}, {"cellprob_threshold": 3.5},
              {"cellprob_threshold": -6.0}, {"min_size": 100}],
    "shapes": [{"flow_threshold": 0.0}, {"interp": False, "flow_threshold": 1.0}],
    "nested": [{"flow_threshold": 0.0}, {"flow_threshold": 0.0, "min_size": -1}],
    "swirls": [{"flow_threshold": 0.0}, {"flow_threshold": 0.0, "interp": False}],
    "one_large": [{"max_size_fraction": 1.0}, {"max_size_fraction": 0.001}],
    "no_background": [{"min_size": 300}, {"flow_threshold": 0.0}],
    "nuclei_bundled": [{"interp": False}, {"cellprob_threshold": -2.0}, {"flow_threshold": 0.0, "min_size": 100}],
}
# The intermediates that a variation keeps, so that the folder stays small.
OF_VARIATIONS = ("masks", "flow_errors", "checked", "final")
INTEGRATION = {"niter", "interp"}


def write(stage, rng):
    for name, (flows, cellprob) in {**drawn_flows(rng), **real_flows(stage)}.items():
        inputs = {"flows": stage.array(f"{name}.flows", flows), "cellprob": stage.array(f"{name}.cellprob", cellprob)}
        for changes in [{}, *VARIATIONS.get(name, [])]:
            p = {**DEFAULTS, **changes}
            steps = step_by_step(flows, cellprob, p)
            if changes:
                kept = OF_VARIATIONS + (("endpoints",) if INTEGRATION & set(changes) else ())
                steps = {key: steps[key] for key in kept if key in steps}
            steps["cells"] = len(np.unique(steps["final"][steps["final"] > 0]))
            suffix = "".join(f"_{key}_{value}" for key, value in changes.items())
            stage.case(name + suffix, p, inputs, steps)

    for name, labels in pictures.awkward_labels().items():
        for min_size in (-1, 0, 1, 15, 100):
            final = utils.fill_holes_and_remove_small_masks(labels.copy(), min_size=min_size)
            stage.case(f"{name}_min_size_{min_size}", {"min_size": min_size},
                       {"labels": stage.array(f"{name}.labels", labels)}, {"final": final}, file="label_cases.json")
    for name in ("shapes", "nested", "tiny", "tessellation"):
        labels = pictures.label_images()[name]
        flows = dynamics.masks_to_flows(labels).astype(np.float32)
        stage.case(f"flows_of_{name}", {}, {"labels": labels.astype(np.uint16)}, {"flows": flows}, file="flow_cases.json")
