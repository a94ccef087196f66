"""The reference's answers to a case whose outcome depends on how the network rounds.

Two sinks make one cell or two as a chain of bins, each of more than two end points, joins them or does not; and a pixel
whose path does not come to rest ends in one bin or another at the least change of the flows. So there are cases of
several right answers: those of which noise below the reference's own rounding changes the answer. `of` refuses all others.
"""

import numpy as np
import tifffile

import reference
from compare_masks import agreement, agrees

# Noise, relative to the root mean square of the network's outputs. The reference's network in f32 differs from itself in
# f64 by 2e-7; the measure of agreement allows ten times that.
ROUNDING = 1e-7
ALLOWED = 2e-6
RUNS = 24


def of(model, array, **params):
    """The reference's own answer, and its further answers with noise on the network's outputs."""
    run_net, said, rng = model._run_net, [], np.random.default_rng(0)

    def noisy(*args, **kwargs):
        if not said:
            said.append(run_net(*args, **kwargs))
        flows, cellprob, styles = said[0]
        squares, count = np.sum(np.square(flows)) + np.sum(np.square(cellprob)), flows.size + cellprob.size

        def with_noise(values):
            return values + np.float32(noise * np.sqrt(squares / count)) * rng.standard_normal(values.shape, np.float32)

        return with_noise(flows), with_noise(cellprob), styles

    answers = []
    model._run_net = noisy
    try:
        for noise, runs in ((0.0, 1), (ROUNDING, RUNS), (ALLOWED, RUNS)):
            if noise == ALLOWED and len(answers) == 1:
                raise ValueError(f"noise of {ROUNDING} never changes the answer: the case is to be held to it alone")
            for _ in range(runs):
                labels, *_ = reference.evaluate(model, array, **params)
                if not any(agrees(agreement(answer, labels)) for answer in answers):
                    answers.append(labels)
    finally:
        del model._run_net
    return answers


def save(stage, name, model, array, params):
    """Writes all answers but the reference's own as the pages of a 16-bit TIFF, and returns the file's name."""
    file = f"{name}.answers.tif"
    pages = [np.reshape(answer, (-1, *answer.shape[-2:])) for answer in of(model, array, **params)[1:]]
    tifffile.imwrite(stage.path / file, np.concatenate(pages).astype(np.uint16), compression="zlib")
    return file
