"""Noise. Each value gets its own, whatever the image's size."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.robustness.corruptions.corruption import Corruption

__all__ = ["CORRUPTIONS"]

_DEVIATIONS = (0.08, 0.12, 0.18, 0.26, 0.38)
_PHOTONS = (60, 25, 12, 5, 3)
_SHARES = (0.03, 0.06, 0.09, 0.17, 0.27)


def _gaussian(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    found: np.ndarray = image + _DEVIATIONS[severity - 1] * random.standard_normal(image.shape, np.float32)
    return found


def _shot(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    photons = _PHOTONS[severity - 1]
    return random.poisson(image * photons) / photons


def _impulse(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    from skimage.util import random_noise

    found: np.ndarray = random_noise(image, mode="s&p", rng=random, amount=_SHARES[severity - 1])
    return found


CORRUPTIONS = (
    Corruption("gaussian-noise", "Gaussian noise", "noise", 1, "As in low light: normal noise is added.", _gaussian),
    Corruption("shot-noise", "Shot noise", "noise", 2, "Light comes in photons: Poisson noise of few of them.", _shot),
    Corruption("impulse-noise", "Impulse noise", "noise", 3, "Salt and pepper: some values become 0 or 255.", _impulse),
)
