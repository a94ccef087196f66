"""The peers in Python, with the protocol of protocol/src/lib.rs.

    python worker.py torch|cellpose|onnxruntime MODEL TILES SIDE THREADS
    python worker.py pipeline MODEL THREADS

`torch` is the network as a plain module, `cellpose` the same as Cellpose runs it (`core._forward`), `pipeline` is
CellposeModel.eval from an image file to a mask file (`run IMAGE MASKS`).
"""

import pathlib
import resource
import sys
import time
import warnings

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "models"), str(ROOT / "tests/oracle")]


def torch_network(model, threads, as_cellpose):
    import torch
    import weights
    torch.set_num_threads(threads)
    net = weights.network(pathlib.Path(model)).eval()
    if as_cellpose:
        from cellpose import core, models
        net.mkldnn = models.check_mkl(True)
        return lambda tiles: core._forward(net, tiles)[0]

    def run(tiles):
        with torch.inference_mode():
            return net(torch.from_numpy(tiles))[0].numpy()

    return run


def onnx_network(model, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    sessions = {}

    def run(tiles):
        n = len(tiles)
        return sessions[n].run(None, {"x": tiles})[0]

    def prepare(n):
        if n not in sessions:
            file = model.replace("{n}", str(n))
            sessions[n] = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    run.prepare = prepare
    return run


def network(engine, model, file, side, threads):
    side, threads = int(side), int(threads)
    run = onnx_network(model, threads) if engine == "onnxruntime" else torch_network(model, threads, engine == "cellpose")
    tiles = np.fromfile(file, dtype="<f4").reshape(8, -1, side, side)

    def answer(command, n, path=None):
        batch = tiles[: int(n)]
        if hasattr(run, "prepare"):
            run.prepare(len(batch))
        start = time.perf_counter()
        output = run(batch)
        seconds = time.perf_counter() - start
        if command == "save":
            np.ascontiguousarray(output, dtype="<f4").tofile(path)
        return seconds

    return answer


def pipeline(model, threads):
    import torch
    torch.set_num_threads(int(threads))
    from cellpose import io, models
    segmenter = models.CellposeModel(gpu=False, pretrained_model=model)

    def answer(command, image, masks):
        start = time.perf_counter()
        found = segmenter.eval(io.imread(image), channels=[0, 0], diameter=segmenter.diam_labels, batch_size=8)[0]
        io.imsave(masks, found)
        return time.perf_counter() - start

    return answer


def main():
    warnings.simplefilter("ignore")
    engine, *rest = sys.argv[1:]
    # Output of libraries must not be read as an answer.
    out, sys.stdout = sys.stdout, sys.stderr
    answer = pipeline(*rest) if engine == "pipeline" else network(engine, *rest)
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        try:
            if words == ["memory"]:
                reply = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            else:
                reply = answer(*words)
        except Exception as error:
            reply = "error " + " ".join(str(error).split())
        print(reply, file=out, flush=True)


if __name__ == "__main__":
    main()
