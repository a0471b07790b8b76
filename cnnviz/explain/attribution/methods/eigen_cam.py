"""Eigen-CAM (Muhammad & Yeasin 2020, arXiv:2008.00299)."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "maps"]

_REMARK = "Eigen-CAM asks for no class: the map is the same for each of them."


def maps(task: Task) -> Found:
    """ReLU(A v), where A are an image's activations, (positions, channels), and v is their first right singular vector.

    As in the paper, channels are not centred: v is the pattern that explains most of the activations themselves. A
    singular vector has no sign; the one is taken with which the map's sum is positive.
    """
    cut = task.graph.cut(task.layer)
    found, scores = [], []
    for part in task.rounds(len(task.pixels), task.batch):
        given = cut.lower(task.pixels[part])
        found += [_projected(one) for one in given[0].numpy()]
        scores.append((cut.upper(given)[task.head].numpy() * task.weights[part]).sum(axis=1))
    return Found(np.stack(found), np.concatenate(scores), remarks=(_REMARK,))


def _projected(activations: np.ndarray) -> np.ndarray:
    """Float32 (h, w) of float (h, w, channels)."""
    height, width, channels = activations.shape
    values = activations.reshape(-1, channels).astype(np.float64)
    if channels <= len(values):  # the smaller of both products has the same singular values
        along = values @ np.linalg.eigh(values.T @ values)[1][:, -1]
    else:
        squares, vectors = np.linalg.eigh(values @ values.T)
        along = vectors[:, -1] * np.sqrt(max(squares[-1], 0.0))
    along *= -1 if along.sum() < 0 else 1
    found: np.ndarray = np.maximum(along, 0).reshape(height, width).astype(np.float32)
    return found


METHOD = Method(
    id="eigen-cam",
    title="Eigen-CAM",
    description=(
        "Shows how strongly each position follows the layer's main pattern of channels (the first singular "
        "vector of its activations). It asks for no class: the map is the same for all of them."
    ),
    paper="Muhammad & Yeasin 2020, arXiv:2008.00299",
    year=2020,
    family="cam",
    maps=maps,
    of_class=False,
)
