"""The score's gradient with respect to the pixels (Simonyan et al. 2014, arXiv:1312.6034)."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.attribution.method import Found, Method, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task) -> Found:
    """The greatest magnitude over a pixel's channels; `signed` is their sum."""
    from cnnviz.explain.attribution._gradient_base import mixed_gradients, strongest  # brings TensorFlow

    compiled = mixed_gradients(task)
    found, scores = [], []
    for part in task.rounds(len(task.pixels), task.batch):
        count = len(task.pixels[part])
        gradients, score = compiled(task.pixels[part], task.weights[part], np.eye(count, dtype=np.float32))
        found.append(gradients.numpy())
        scores.append(score.numpy())
    gradients = np.concatenate(found)
    return Found(strongest(gradients), np.concatenate(scores), gradients.sum(axis=-1))


METHOD = Method(
    id="gradient",
    title="Gradient",
    description=(
        "Shows for every pixel how fast the class's score changes with it. It is the oldest method, exact for "
        "tiny changes and noisy to look at."
    ),
    paper="Simonyan et al. 2014, arXiv:1312.6034",
    year=2014,
    family="pixel",
    maps=maps,
)
