"""Normal noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnviz.steps.step_kind import KerasLayer, Size, StepKind, Values

if TYPE_CHECKING:
    from cnnviz.policy import Step

__all__ = ["KIND"]


def _change(image: np.ndarray, values: Values) -> np.ndarray:
    """The image plus normal noise of deviation `value`·255, an own number for every value."""
    if not values["value"]:
        return image
    generator = np.random.Generator(np.random.SFC64(int(values["pattern"] * 2**32)))
    field = generator.standard_normal(image.shape, np.float32) * np.float32(255 * values["value"])
    return np.clip(np.rint(field + image), 0, 255).astype(np.uint8)


def _keras_layer(step: Step, size: Size) -> KerasLayer:
    low, high = step.ends
    deviation = (low + high) / 2
    code = f"Rescaling(1 / 255), keras.layers.GaussianNoise({deviation:.4g}), keras.layers.Rescaling(255.0)"
    return code, f"Keras has one deviation, not {low:g} to {high:g}, and doesn't clip.", 1


KIND = StepKind(
    title="Gaussian noise",
    group="pixel",
    rank=1,
    description="Adds a normal random number of this deviation to every value.",
    keras_layer=_keras_layer,
    unit="of the full range",
    bounds=(0, 0.5),
    default=(0, 0.05),
    identity=0,
    draws=("value", "pattern"),
    caption="noise",
    label="noise",
    change=_change,
)
