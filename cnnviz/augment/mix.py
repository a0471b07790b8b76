"""Steps that mix the samples of a batch: MixUp (Zhang et al., 2017) and CutMix (Yun et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz.augment.draw import draw_batch
from cnnviz.errors import RecipeError
from cnnviz.policy import STEPS, Policy

__all__ = ["mix_batch", "partners"]


def mix_batch(
    images: np.ndarray,
    labels: dict[str, np.ndarray],
    policy: Policy,
    *,
    seed: int,
    epoch: int,
    samples: Sequence[int] | np.ndarray,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns images and labels after the policy's batch steps, as new arrays where something was mixed.

    Every sample is mixed with the one that a permutation of the batch gives it, which may be itself. Labels are mixed
    by the share of the other image; for CutMix, of the pixels that were really pasted.

    Args:
        images: uint8 (n, height, width, channels).
        labels: For each head float32 (n, classes) or (n, 1), one-hot or shares.
        samples: The n images' numbers in their dataset. The result is a function of policy, seed, epoch and these.

    Raises:
        RecipeError: numbers of images, labels and samples that differ, or as `draw`.
    """
    counts = [len(images), len(samples), *(len(label) for label in labels.values())]
    if len(set(counts)) > 1:
        raise RecipeError(
            f"A batch has {counts[0]} images, {counts[1]} samples, {counts[2:]} labels: expected as many."
        )
    if not policy.mixes or not len(images):
        return images, labels
    drawn = draw_batch(policy, seed=seed, epoch=epoch, samples=samples)
    labels = {head: np.asarray(label, np.float32) for head, label in labels.items()}
    for position, step in enumerate(policy.steps):
        mix = STEPS[step.type].mix
        if mix is None:
            continue
        others, made = partners(len(images), seed=seed, epoch=epoch, samples=samples, nth=position), images.copy()
        share = np.zeros(len(images), np.float32)
        for row, other in enumerate(others):
            one = drawn[row][position]
            if one.applied and other != row:
                share[row] = mix(made[row], images[row], images[other], one.values)
        weight = share[:, None]
        images = made
        labels = {head: (1 - weight) * label + weight * label[others] for head, label in labels.items()}
    return images, labels


def partners(count: int, *, seed: int, epoch: int, samples: Sequence[int] | np.ndarray, nth: int = 0) -> np.ndarray:
    """Returns whom each sample of a batch is mixed with, int64 (count,): a permutation, keyed by all its samples."""
    key = [seed, epoch, nth, *(int(sample) for sample in samples)]
    return np.random.default_rng(key).permutation(count)
