"""Writes the inputs of the peers: one network in each format that they read, tiles, and images.

    python prepare.py MODEL FOLDER

MODEL is a torch file or safetensors of any width. Writes network.pth, network.safetensors (f32), network_N.onnx for
batches of N, network_1_S.onnx for one tile of S x S where 224 x 224 is too much (a browser's software adapter), tiles.f32 (f32 [8, C, 224, 224], C as the network has) and image_S.png for sides S: the bundled photograph of
nuclei, continued by reflection.
"""

import pathlib
import sys
import warnings

import cv2
import numpy as np
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
import weights  # noqa: E402

SIDE, SMALL, BATCHES, IMAGES = 224, 96, (1, 8), (512, 2048)


class Output(torch.nn.Module):
    """The network with its outputs alone, without the style and the intermediate maps."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)[0]


def reflected(photograph, height, width):
    down, right = height - photograph.shape[0], width - photograph.shape[1]
    return np.pad(photograph, ((0, max(0, down)), (0, max(0, right))), mode="symmetric")[:height, :width]


def main():
    warnings.simplefilter("ignore")
    model, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    net = weights.network(model)
    torch.save(net.state_dict(), folder / "network.pth")
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, folder / "network.safetensors")
    exports = [(f"network_{n}", n, SIDE) for n in BATCHES] + [(f"network_1_{SMALL}", 1, SMALL)]
    for name, n, side in exports:
        torch.onnx.export(Output(net).eval(), (torch.rand(n, net.nbase[0], side, side),), folder / f"{name}.onnx",
                          dynamo=False, input_names=["x"], opset_version=17)

    photograph = cv2.imread(str(ROOT / "models/demo.png"), cv2.IMREAD_GRAYSCALE)
    for side in IMAGES:
        cv2.imwrite(str(folder / f"image_{side}.png"), reflected(photograph, side, side))
    low, high = np.percentile(photograph, (1, 99))
    planes = (reflected(photograph, 8 * SIDE, net.nbase[0] * SIDE).astype(np.float32) - low) / (high - low)
    tiles = planes.reshape(8, SIDE, net.nbase[0], SIDE).transpose(0, 2, 1, 3)
    np.ascontiguousarray(tiles, dtype="<f4").tofile(folder / "tiles.f32")


if __name__ == "__main__":
    main()
