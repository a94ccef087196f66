"""Checks that a converted model equals its source, with the packages' own readers.

    target/oracle/bin/python tests/oracle/check_converted.py SOURCE CONVERTED.safetensors whole|half

Every tensor is compared, and the converted ones are put into the reference's network, strictly: none may be missing or
left over.
"""
import sys
import torch
from cellpose.resnet_torch import CPnet
from safetensors import safe_open
from safetensors.torch import load_file

source, converted, half = sys.argv[1], sys.argv[2], sys.argv[3] == "half"
expected = torch.load(source, map_location="cpu", weights_only=True)
expected = {k: v for k, v in expected.items() if not k.endswith("num_batches_tracked")}
found = load_file(converted)
assert sorted(found) == sorted(expected), set(found) ^ set(expected)
for name, tensor in found.items():
    other = expected[name].to(torch.float32)
    if half and tensor.dim() > 1:
        assert tensor.dtype == torch.float16, name
        other = other.half()
    else:
        assert tensor.dtype == torch.float32, name
    assert torch.equal(tensor, other.reshape(tensor.shape)), name

down = [found[f"downsample.down.res_down_{n}.conv.conv_0.2.weight"] for n in range(8)
        if f"downsample.down.res_down_{n}.conv.conv_0.2.weight" in found]
network = CPnet([down[0].shape[1]] + [w.shape[0] for w in down], found["output.2.weight"].shape[0], sz=3)
counts = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
network.load_state_dict({**found, **counts}, strict=True)
with safe_open(converted, "pt") as file:
    says = file.metadata()
assert float(says["diam_mean"]) == network.diam_mean.item(), says
assert len(says["source_sha256"]) == 64 and says["source_name"] == source.rsplit("/", 1)[-1], says
print(len(found), "tensors")
