"""Makes the reference run networks of any width on its plain CPU path, with two of its faults mended.

Importing this module replaces two functions of the reference, so that no result depends on chance or on a fault:

- get_masks_torch sorts seeds with torch.Tensor.argsort, whose order of more than 16 equal values is by chance. Here it is stable.
- fill_holes_and_remove_small_masks takes the position of a count for a label. Labels with gaps, as after the flow check, then
  lose other masks than the small ones. Here small masks are removed by their own label, as in cellpose 4.
"""

import logging
import pathlib
import sys

import cv2
import fastremap
import numpy as np
import torch
from cellpose import models, utils

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
import weights  # noqa: E402

STYLE_CHANNELS = 256  # core.run_net allocates styles of this many channels for every network

# With Intel's library OpenCV resizes planes of 1, 3 and 4 channels (not of 2) with coordinates in f32: up to 5e-5 off its
# own formula, on x86 machines only. Without it every machine computes the same.
if hasattr(cv2, "ipp"):
    cv2.ipp.setUseIPP(False)

logging.getLogger("cellpose").setLevel(logging.ERROR)

unstable_argsort = torch.Tensor.argsort
fill_holes_with_fault = utils.fill_holes_and_remove_small_masks


def stable_argsort(tensor):
    return unstable_argsort(tensor, stable=True)


def remove_small_masks(masks, min_size):
    labels, counts = fastremap.unique(masks, return_counts=True)
    masks = fastremap.mask(masks, labels[(labels > 0) & (counts < min_size)])
    fastremap.renumber(masks, in_place=True)  # what it returns has another type
    return masks


def fill_holes_and_remove_small_masks(masks, min_size=15):
    """The reference's function; with a min_size of -1 the original fills holes alone."""
    if min_size > 0:
        masks = remove_small_masks(masks, min_size)
    masks = fill_holes_with_fault(masks, min_size=-1)
    if min_size > 0:
        masks = remove_small_masks(masks, min_size)
    return masks


torch.Tensor.argsort = stable_argsort
utils.fill_holes_and_remove_small_masks = fill_holes_and_remove_small_masks


class PaddedStyle(torch.nn.Module):
    """A network whose style is padded with zeros to 256 channels, as run_net expects."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.nout = net.nout
        self.nbase = net.nbase
        self.mkldnn = False

    @property
    def device(self):
        return self.net.device

    def forward(self, x):
        y, style, levels = self.net(x.to(self.net.diam_mean.dtype))
        return y, torch.nn.functional.pad(style, (0, STYLE_CHANNELS - style.shape[1])), levels


def segmenter(path, dtype=torch.float32):
    """A CellposeModel around the weights of `path`, whose network computes in `dtype`.

    The constructor is bypassed: it knows one width only, and it downloads a model when it is given none.
    """
    net = weights.network(path, dtype)
    model = models.CellposeModel.__new__(models.CellposeModel)
    model.net = PaddedStyle(net)
    model.net_ortho = None
    model.pretrained_model = str(path)
    model.device = torch.device("cpu")
    model.gpu = False
    model.mkldnn = False
    model.nbase = list(net.nbase)
    model.nchan = net.nbase[0]
    model.nclasses = net.nout
    # CellposeModel reads both as numpy f32 from the file; the arithmetic of `rescale` depends on it
    model.diam_mean = net.diam_mean.data.float().cpu().numpy()[0]
    model.diam_labels = net.diam_labels.data.float().cpu().numpy()[0]
    return model


# All parameters of a case, under the names of CellposeModel.eval and transforms.normalize_img. all_channels is the
# command line's name for channels=None.
NORMALIZE = {
    "normalize": True, "percentile": None, "lowhigh": None, "invert": False, "norm3D": True, "sharpen_radius": 0,
    "smooth_radius": 0, "tile_norm_blocksize": 0, "tile_norm_smooth3D": 1,
}
DEFAULTS = {
    "channel_axis": None, "z_axis": None, "chan": 0, "chan2": 0, "all_channels": False, "diameter": None, **NORMALIZE,
    "resample": True, "augment": False, "tile_overlap": 0.1, "bsize": 224, "interp": True, "niter": None,
    "flow_threshold": 0.4, "cellprob_threshold": 0.0, "min_size": 15, "max_size_fraction": 0.4,
    "do_3D": False, "anisotropy": None, "flow3D_smooth": 0, "stitch_threshold": 0.0,
}


def parameters(changes):
    """DEFAULTS with changes; an unknown name is an error."""
    unknown = set(changes) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"unknown parameters {sorted(unknown)}")
    return {**DEFAULTS, **changes}


def normalization(p):
    """A dictionary in every case: with a bool, eval writes into its module's defaults and the next call inherits them."""
    return {name: p[name] for name in NORMALIZE}


def channels(p):
    return None if p["all_channels"] else [p["chan"], p["chan2"]]


def evaluate(model, image, **changes):
    """CellposeModel.eval with the parameters named as in DEFAULTS: (labels, flows [2,H,W], cellprob, style)."""
    p = parameters(changes)
    labels, flows, style = model.eval(
        image, channels=channels(p), channel_axis=p["channel_axis"], z_axis=p["z_axis"], normalize=normalization(p),
        diameter=p["diameter"], resample=p["resample"], augment=p["augment"], tile_overlap=p["tile_overlap"],
        bsize=p["bsize"], interp=p["interp"], niter=p["niter"], flow_threshold=p["flow_threshold"],
        cellprob_threshold=p["cellprob_threshold"], min_size=p["min_size"],
        max_size_fraction=p["max_size_fraction"], do_3D=p["do_3D"], anisotropy=p["anisotropy"],
        flow3D_smooth=p["flow3D_smooth"], stitch_threshold=p["stitch_threshold"], batch_size=8)
    flows, cellprob = np.ascontiguousarray(flows[1]), np.ascontiguousarray(flows[2])
    return labels, flows, cellprob, style[..., : model.nbase[-1]]


def size_estimate(model, size, image, **changes):
    """SizeModel.eval with the parameters of a size model: (diameter, diameter from the style alone)."""
    p = parameters(changes)
    sizes = models.SizeModel.__new__(models.SizeModel)
    pad = STYLE_CHANNELS - len(size["A"])
    sizes.params = {**size, "A": np.pad(size["A"], (0, pad)), "smean": np.pad(size["smean"], (0, pad))}
    sizes.cp, sizes.device, sizes.diam_mean = model, model.device, size["diam_mean"]
    return sizes.eval(image, channels=channels(p), channel_axis=p["channel_axis"], normalize=normalization(p),
                      batch_size=8)
