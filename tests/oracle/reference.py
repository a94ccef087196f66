"""The reference, made to run networks of any width on the plain CPU path."""

import logging
import pathlib
import sys

import cv2
import numpy as np
import torch
from cellpose import models

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
import weights  # noqa: E402

STYLE_CHANNELS = 256  # core.run_net allocates styles of this many channels, whatever the network has

# Where OpenCV has Intel's library, it resizes planes of 1, 3 and 4 channels (not of 2) with coordinates in f32: up to
# 5e-5 off its own formula, on x86 machines only. Without it every machine computes the same.
if hasattr(cv2, "ipp"):
    cv2.ipp.setUseIPP(False)

logging.getLogger("cellpose").setLevel(logging.ERROR)


class PaddedStyle(torch.nn.Module):
    """A network whose style is followed by zeros up to 256 channels, which is what run_net expects."""

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
        y, style, levels = self.net(x)
        return y, torch.nn.functional.pad(style, (0, STYLE_CHANNELS - style.shape[1])), levels


def segmenter(path):
    """A CellposeModel around the weights of `path`.

    The constructor is bypassed: it knows one width only, and it downloads a model when it is given none.
    """
    net = weights.network(path)
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
    # CellposeModel takes both as numpy f32 from the file; the arithmetic of `rescale` depends on it
    model.diam_mean = net.diam_mean.data.cpu().numpy()[0]
    model.diam_labels = net.diam_labels.data.cpu().numpy()[0]
    return model


DEFAULTS = {
    "channel_axis": None, "chan": 0, "chan2": 0, "diameter": None,
    "normalize": True, "percentile": None, "lowhigh": None, "invert": False,
    "resample": True, "augment": False, "tile_overlap": 0.1, "bsize": 224, "interp": True, "niter": None,
    "flow_threshold": 0.4, "cellprob_threshold": 0.0, "min_size": 15, "max_size_fraction": 0.4,
}


def evaluate(model, image, **changes):
    """CellposeModel.eval with the parameters named as in DEFAULTS: (labels, flows [2,H,W], cellprob, style)."""
    unknown = set(changes) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"unknown parameters {sorted(unknown)}")
    p = {**DEFAULTS, **changes}
    # always a dictionary: with a bool, eval writes into its module's defaults and the next call inherits them
    normalize = {"normalize": p["normalize"], "invert": p["invert"],
                 "percentile": p["percentile"], "lowhigh": p["lowhigh"]}
    labels, flows, style = model.eval(
        image, channels=[p["chan"], p["chan2"]], channel_axis=p["channel_axis"], normalize=normalize,
        diameter=p["diameter"], resample=p["resample"], augment=p["augment"], tile_overlap=p["tile_overlap"],
        bsize=p["bsize"], interp=p["interp"], niter=p["niter"], flow_threshold=p["flow_threshold"],
        cellprob_threshold=p["cellprob_threshold"], min_size=p["min_size"],
        max_size_fraction=p["max_size_fraction"], batch_size=8)
    return labels, np.ascontiguousarray(flows[1]), np.ascontiguousarray(flows[2]), style[: model.nbase[-1]]
