"""Times a network of the published layout in PyTorch, on a GPU or the CPU, as gpu_throughput times Cytoshade's.

    python benches/pytorch_throughput.py [--tiles 16] [--rounds 20] [--device cuda]

Needs PyTorch alone: the network is the reference's (cellpose 3.1.1.2, resnet_torch.CPnet), written down once more with
random weights, since speed does not depend on them. f32 runs with TF32 off; f16 runs channels-last with cudnn.benchmark.
"""

import argparse
import time

import torch
from torch import nn

NBASE = [2, 32, 64, 128, 256]
GFLOP = 31.0  # of one tile of 224 x 224


def conv(inputs, outputs, size):
    layers = [nn.BatchNorm2d(inputs, eps=1e-5), nn.ReLU(), nn.Conv2d(inputs, outputs, size, padding=size // 2)]
    return nn.Sequential(*(layers if size == 3 else [layers[0], layers[2]]))


class Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.proj = conv(inputs, outputs, 1)
        self.convs = nn.ModuleList([conv(inputs if t == 0 else outputs, outputs, 3) for t in range(4)])

    def forward(self, x):
        x = self.proj(x) + self.convs[1](self.convs[0](x))
        return x + self.convs[3](self.convs[2](x))


class Up(nn.Module):
    def __init__(self, inputs, outputs, style):
        super().__init__()
        self.proj = conv(inputs, outputs, 1)
        self.convs = nn.ModuleList([conv(inputs if t == 0 else outputs, outputs, 3) for t in range(4)])
        self.full = nn.ModuleList([nn.Linear(style, outputs) for _ in range(3)])

    def styled(self, t, style, x):
        return self.convs[t](x + self.full[t - 1](style)[:, :, None, None])

    def forward(self, x, y, style):
        x = self.proj(x) + self.styled(1, style, self.convs[0](x) + y)
        return x + self.styled(3, style, self.styled(2, style, x))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        outs = NBASE[1:]
        self.down = nn.ModuleList([Down(a, b) for a, b in zip(NBASE, outs)])
        ups = outs + [outs[-1]]
        self.up = nn.ModuleList([Up(ups[n + 1], ups[n], outs[-1]) for n in range(len(outs))])
        self.pool = nn.MaxPool2d(2, 2)
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.output = nn.Sequential(nn.BatchNorm2d(outs[0], eps=1e-5), nn.ReLU(), nn.Conv2d(outs[0], 3, 1))

    def forward(self, x):
        downs = []
        for n, block in enumerate(self.down):
            x = block(x if n == 0 else self.pool(x))
            downs.append(x)
        style = x.mean((2, 3))
        style = style / style.norm(dim=1, keepdim=True)
        for n in reversed(range(len(self.up))):
            if n < len(self.up) - 1:
                x = self.enlarge(x)
            x = self.up[n](x, downs[n], style)
        return self.output(x), style


def measure(name, network, tiles, rounds):
    wait = torch.cuda.synchronize if tiles.is_cuda else lambda: None
    with torch.inference_mode():
        for _ in range(3):
            network(tiles)
        wait()
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            network(tiles)
            wait()
            times.append(time.perf_counter() - begin)
    seconds = sorted(times)[len(times) // 2] / len(tiles)
    print(f"{name}: {seconds * 1e3:.3f} ms a tile = {1 / seconds:.1f} tiles/s, {GFLOP / seconds:.1f} GFLOP/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    network = Network().eval().to(arguments.device)
    tiles = torch.rand(arguments.tiles, NBASE[0], 224, 224, device=arguments.device)
    where = torch.cuda.get_device_name() if tiles.is_cuda else f"CPU, {torch.get_num_threads()} threads"
    print(f"PyTorch {torch.__version__} on {where}, batches of {arguments.tiles} tiles of 224 x 224")
    measure("f32", network, tiles, arguments.rounds)
    if tiles.is_cuda:
        network = network.half().to(memory_format=torch.channels_last)
        tiles = tiles.half().to(memory_format=torch.channels_last)
        measure("f16 channels-last", network, tiles, arguments.rounds)


if __name__ == "__main__":
    main()
