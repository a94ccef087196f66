"""ONNX exports of the network of make_torch.py, by both of torch's exporters and as other tools change them.

    python make_onnx.py

Runs with the packages of tests/oracle/requirements.txt and `onnx onnxscript onnxruntime`, and writes into fixtures/.
What every file must give is `plain.safetensors`: bit by bit, or (fixtures named `folded_`) as the same function.
"""

import copy
import pathlib
import tempfile
import warnings

import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper

import make_torch

HERE = make_torch.HERE
PRESERVE, EVAL = torch.onnx.TrainingMode.PRESERVE, torch.onnx.TrainingMode.EVAL


class Outputs(torch.nn.Module):
    """The network with some of its outputs."""

    def __init__(self, net, style=True, levels=False):
        super().__init__()
        self.net, self.style, self.levels = net, style, levels

    def forward(self, x):
        y, style, down = self.net(x)
        return (y,) + ((style,) if self.style else ()) + (tuple(down) if self.levels else ())


class Average(torch.nn.Module):
    """make_style with another way to write the average over the plane, and another to write the length."""

    def __init__(self, average, length):
        super().__init__()
        self.average, self.length = average, length

    def forward(self, x):
        style = self.average(x)
        return style / self.length(style)


class Product(torch.nn.Module):
    """A Linear as a product and an addition."""

    def __init__(self, linear):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(linear.weight.t().contiguous()), linear.bias

    def forward(self, x):
        return torch.matmul(x, self.weight) + self.bias


class Pipeline(torch.nn.Module):
    """The network among what people export along with it: normalisation, another convolution, a sigmoid, a maximum."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.smooth = torch.nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        y, style, _ = self.net((x - low) / (high - low + 1e-3))
        probability = torch.sigmoid(self.smooth(y[:, 2:]))
        return y[:, :2] * 5, probability, torch.nn.functional.max_pool2d(probability, 5, 1, 2), style


def script(model, name, opset, size=16, training=PRESERVE, dtype=torch.float32, batch=False):
    """The TorchScript exporter."""
    model = model.eval()
    axes = {"x": {0: "n"}} if batch else None
    torch.onnx.export(model, (torch.rand(1, 2, size, size, dtype=dtype),), str(HERE / name), dynamo=False,
                      input_names=["x"], opset_version=opset, training=training, dynamic_axes=axes,
                      do_constant_folding=training == EVAL)


def dynamo(model, name, opset, size=16, external=False, dtype=torch.float32, **how):
    """The dynamo exporter; the stack traces that it puts into every node are taken out, for their size."""
    model = model.eval()
    program = torch.onnx.export(model, (torch.rand(2, 2, size, size, dtype=dtype),), dynamo=True, opset_version=opset, **how)
    with tempfile.TemporaryDirectory() as folder:
        program.save(str(pathlib.Path(folder) / name), external_data=external)
        proto = onnx.load(str(pathlib.Path(folder) / name), load_external_data=False)
        for part in pathlib.Path(folder).glob("*.data"):
            (HERE / part.name).write_bytes(part.read_bytes())
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        del value.metadata_props[:]
    del proto.graph.value_info[:]
    (HERE / name).write_bytes(proto.SerializeToString())


def renamed(source, name, typed=True, constants=True):
    """Every name replaced, values as typed numbers instead of raw bytes, initializers as Constant nodes, no node names."""
    proto = onnx.load(str(HERE / source))
    names = {}
    new = lambda old: names.setdefault(old, f"v{len(names)}") if old else ""
    for node in proto.graph.node:
        node.name = ""
        node.input[:] = [new(value) for value in node.input]
        node.output[:] = [new(value) for value in node.output]
    for value in [*proto.graph.input, *proto.graph.output]:
        value.name = new(value.name)
    tensors = [(new(tensor.name), numpy_helper.to_array(tensor)) for tensor in proto.graph.initializer]
    del proto.graph.initializer[:]
    del proto.graph.value_info[:]
    nodes = []
    for at, (value, array) in enumerate(tensors):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = helper.make_tensor(value, kind, array.shape, array.flatten().tolist()) if typed else numpy_helper.from_array(array, value)
        if constants and at % 2 == 0:
            nodes.append(helper.make_node("Constant", [], [value], value=tensor))
        else:
            proto.graph.initializer.append(tensor)
    kept = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes + kept)
    onnx.checker.check_model(proto)
    (HERE / name).write_bytes(proto.SerializeToString())


def simplified(source, name, level):
    """What ONNX Runtime makes of a model when it is asked to write its optimized graph."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(HERE / name)
    onnxruntime.InferenceSession(str(HERE / source), options, providers=["CPUExecutionProvider"])


def fused_projections(net):
    """BatchNorm of every `proj` folded into its convolution, as graph simplifiers do."""
    net = copy.deepcopy(net)
    for block in [*net.downsample.down, *net.upsample.up]:
        norm, conv = block.proj
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        conv.bias.data = conv.bias + (conv.weight[:, :, 0, 0] @ (norm.bias - norm.running_mean * scale))
        conv.weight.data = conv.weight * scale[None, :, None, None]
        block.proj = torch.nn.Sequential(conv)
    return net


def with_style(net, average, length):
    net = copy.deepcopy(net)
    net.make_style = Average(average, length)
    return net


def with_products(net):
    net = copy.deepcopy(net)
    for up in net.upsample.up:
        for block in list(up.conv)[1:]:
            block.full = Product(block.full)
    return net


def main():
    warnings.filterwarnings("ignore")
    net = make_torch.network()
    norm = lambda s: (s * s).sum(1, keepdim=True).sqrt()
    script(Outputs(net), "script_11.onnx", 11)
    script(Outputs(net, style=False), "script_14_no_style.onnx", 14)
    script(Outputs(net, levels=True), "script_17.onnx", 17, size=32)
    script(Outputs(copy.deepcopy(net).half()), "script_13_f16.onnx", 13, dtype=torch.float16)
    script(Outputs(net), "folded_script_17.onnx", 17, training=EVAL)
    dynamo(Outputs(net), "dynamo_18.onnx", 18, external=True, optimize=False)
    dynamo(Outputs(net), "dynamo_20_inline.onnx", 20, optimize=False, dynamic_shapes=({0: "n"},))
    dynamo(Outputs(copy.deepcopy(net).half()), "dynamo_18_f16.onnx", 18, dtype=torch.float16, optimize=False)
    dynamo(Outputs(net), "folded_dynamo_18.onnx", 18, optimize=True)
    pooled = lambda x: torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
    script(Outputs(with_style(net, pooled, norm)), "style_global_average_pool.onnx", 13, batch=True)
    script(Outputs(with_style(net, lambda x: x.mean((2, 3)), norm)), "style_reduce_mean_13.onnx", 13, batch=True)
    dynamo(Outputs(with_style(net, lambda x: x.mean((2, 3)), norm)), "style_reduce_mean_18.onnx", 18, optimize=False)
    length = lambda s: torch.linalg.vector_norm(s, dim=1, keepdim=True)
    script(Outputs(with_style(net, pooled, length)), "style_reduce_l2.onnx", 17)
    script(Outputs(with_products(net)), "products.onnx", 17)
    script(Pipeline(net), "pipeline.onnx", 17)
    script(Outputs(fused_projections(net)), "folded_projections.onnx", 17, training=EVAL)
    renamed("script_17.onnx", "renamed_typed.onnx")
    renamed("script_13_f16.onnx", "renamed_typed_f16.onnx")
    simplified("script_17.onnx", "folded_simplified.onnx", onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC)
    # Networks that are not ours: the sources of refusals.
    script(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(3, 3, 1)), "other.onnx", 17)
    script(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.Sigmoid()), "other_no_head.onnx", 17)
    average = copy.deepcopy(net)
    average.downsample.maxpool = torch.nn.AvgPool2d(2, stride=2)
    script(Outputs(average), "other_average_pool.onnx", 17)
    bilinear = copy.deepcopy(net)
    bilinear.upsample.upsampling = torch.nn.Upsample(scale_factor=2, mode="bilinear")
    script(Outputs(bilinear), "other_bilinear.onnx", 17)
    for path in HERE.glob("*.onnx"):
        path.chmod(0o644)


if __name__ == "__main__":
    main()
