"""SmoothGrad (Smilkov et al. 2017, arXiv:1706.03825)."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.attribution.method import Found, Method, Setting, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task, *, samples: int = 25, noise: float = 0.15) -> Found:
    """As `gradient`, of the mean gradient over noisy copies.

    Args:
        task: see `Task`.
        samples: how many copies of each image.
        noise: the normal noise's deviation as a share of the image's range (greatest less least value). The noise
            depends on the task's seed and the image's position among those given.
    """
    from cnnviz.explain.attribution._gradient_base import mixed_gradients, strongest  # brings TensorFlow

    compiled, size, count = mixed_gradients(task), task.batch, len(task.pixels)
    found = np.zeros(task.pixels.shape, np.float32)
    randoms = [np.random.default_rng((task.seed, row)) for row in range(count)]
    pieces = [(row, at) for row in range(count) for at in range(0, samples, size)]
    for part in task.rounds(len(pieces), 1):
        row, at = pieces[part.start]
        image = task.pixels[row]
        shape = (min(size, samples - at), *image.shape)
        noisy = image + np.float32(noise * np.ptp(image)) * randoms[row].standard_normal(shape, np.float32)
        mean = np.full((1, len(noisy)), 1 / samples, np.float32)
        found[row] += compiled(noisy, np.repeat(task.weights[row : row + 1], len(noisy), axis=0), mean)[0].numpy()[0]
    remark = f"{samples} noisy copies were used; the noise's deviation was {noise:.0%} of the image's range."
    return Found(strongest(found), task.scores(), found.sum(axis=-1), remarks=(remark,))


METHOD = Method(
    id="smoothgrad",
    title="SmoothGrad",
    description=(
        "Averages the gradient over copies of the image with random noise. What comes and goes with the noise "
        "fades, what stays is clearer than in a single gradient."
    ),
    paper="Smilkov et al. 2017, arXiv:1706.03825",
    year=2017,
    family="pixel",
    maps=maps,
    settings=(
        Setting("samples", "Noisy copies", "How many copies of the image are averaged.", 25, 1, 500),
        Setting(
            "noise",
            "Noise",
            "The noise's standard deviation, as a fraction of the image's range.",
            0.15,
            0,
            10,
            whole=False,
        ),
    ),
)
