"""Integrated Gradients (Sundararajan et al. 2017, arXiv:1703.01365)."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.attribution.method import Found, Method, Setting, Task

__all__ = ["METHOD", "maps"]

_MOST = 512
_WANTED = 0.005


def maps(task: Task, *, steps: int = 32) -> Found:
    """(x − x₀) times the mean gradient on the straight way from the baseline x₀ to the image x, summed over channels.

    The map is what of it is positive; `signed` is all of it. Completeness says that all attributions add up to
    score(x) − score(x₀): both are in `sums`. The mean is taken by Gauss-Legendre's rule; where the sum misses the
    difference by over 0.5 % it is taken anew with twice the steps, up to 512.

    Args:
        task: see `Task`; its baseline is 0 by default, in the model's scale.
        steps: points on the way, at first.
    """
    base = np.broadcast_to(np.asarray(0 if task.baseline is None else task.baseline, np.float32), task.pixels.shape[1:])
    starts = (task.graph.model(base[None])[task.head].numpy() * task.weights).sum(axis=1)
    scores = task.scores()
    signed, sums, used = [], [], steps
    for row, wanted in enumerate(scores - starts):
        way, points = task.pixels[row] - base, steps
        while True:
            given = way * _mean_gradient(task, row, base, way, points)
            if abs(given.sum() - wanted) <= _WANTED * abs(wanted) or points * 2 > _MOST:
                break
            points *= 2
        used = max(used, points)
        signed.append(given.sum(axis=-1))
        sums.append((given.sum(), wanted))
    maps, pairs = np.stack(signed).astype(np.float32), np.array(sums, np.float32)
    return Found(np.maximum(maps, 0), scores, maps, pairs, _remarks(task, used, pairs))


def _mean_gradient(task: Task, row: int, base: np.ndarray, way: np.ndarray, points: int) -> np.ndarray:
    """Float64 (h, w, c)."""
    from cnnviz.explain.attribution._gradient_base import mixed_gradients  # brings TensorFlow

    nodes, shares = np.polynomial.legendre.leggauss(points)
    nodes, shares = ((nodes + 1) / 2).astype(np.float32), (shares / 2).astype(np.float32)
    compiled, found = mixed_gradients(task), np.zeros(way.shape, np.float64)
    for part in task.rounds(points, task.batch, before=row * points, whole=len(task.pixels) * points):
        pixels = base + nodes[part, None, None, None] * way
        weights = np.repeat(task.weights[row : row + 1], len(pixels), axis=0)
        found += compiled(pixels, weights, shares[None, part])[0].numpy()[0]
    return found


def _remarks(task: Task, steps: int, sums: np.ndarray) -> tuple[str, ...]:
    base = "0 in the model's scale" if task.baseline is None else "the given baseline"
    remarks = [f"The baseline is {base}; the way from it was taken in {steps} steps."]
    missed = np.abs(sums[:, 0] - sums[:, 1]) / np.maximum(np.abs(sums[:, 1]), np.finfo(np.float32).tiny)
    if missed.max() > 0.01:
        remarks.append(f"The parts miss the difference between both scores by {min(missed.max(), 9.99):.0%}.")
    return tuple(remarks)


METHOD = Method(
    id="integrated-gradients",
    title="Integrated Gradients",
    description=(
        "Follows the score from the baseline to this one and gives every pixel its part of the way. The parts "
        "add up to the difference between both scores."
    ),
    paper="Sundararajan et al. 2017, arXiv:1703.01365",
    year=2017,
    family="pixel",
    maps=maps,
    settings=(Setting("steps", "Steps", "Points on the way from the baseline to the image, at first.", 32, 1, _MOST),),
)
