"""What every augmentation step has: its record, what it does to pixels, and the nearest Keras layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    pass

__all__ = ["Affine", "KerasLayer", "Size", "StepKind", "Values", "about_centre", "keras_range", "rectangle", "snapped"]

Affine = tuple[float, float, float, float, float, float]  # a, b, c, d, e, f: x' = ax + by + c, y' = dx + ey + f
Size = tuple[int, int]  # height, width
Values = Mapping[str, float]
KerasLayer = tuple[str, str, float | None]  # the call, a note, and the probability that it has (None: the step's)


@dataclass(frozen=True)
class StepKind:
    """What a kind of step is; the file's name is its `type` in policies.

    Attributes:
        title: what a page calls it.
        group: `geometric` (moves pixels), `colour` (changes values pixel by pixel), `pixel` (needs the neighbours or
            noise) or `batch` (mixes samples).
        rank: where it stands within its group in lists.
        description: one sentence.
        keras_layer: from the step and (height, width) to the Keras layer that comes nearest; more arguments where two
            steps make one layer.
        unit: what its values count.
        bounds: limits of the range; like `default`, a new step's range, and `identity`, the value that changes
            nothing, `None` for a step that only has a probability.
        probability: a new step's.
        draws: what is drawn for one image, of which `ranged` lie in the step's range.
        shown: by what a value is multiplied where it is shown, and the unit then.
        resolution: one notch of a slider, in what is shown.
        caption: the name under an image, and `label` the one on a small tile; the title by default.
        directions: what values below and above 0 are called, such as left and right.
        move: of a geometric step, from values, height and width to the map from an output pixel to where it comes
            from, as Keras's apply_affine_transform does.
        window: of a step that cuts, from height, width, the output's size and values to (top, left, height, width).
        recolour: of a colour step, from the matrix so far, the value and the image's mean to the matrix after it;
            its last column is added. `of_colour` steps leave images of one channel alone, `needs_mean` steps need it.
        change: of a pixel step, from an image and values to the image after it.
        mix: of a batch step: pastes or blends the other image into `made`, and returns the share of that one.
    """

    title: str
    group: Literal["geometric", "colour", "pixel", "batch"]
    rank: int
    description: str
    keras_layer: Callable[..., KerasLayer]
    unit: str = ""
    bounds: tuple[float, float] | None = None
    default: tuple[float, float] | None = None
    identity: float | None = None
    probability: float = 1.0
    draws: tuple[str, ...] = ("value",)
    ranged: tuple[str, ...] = ("value",)
    shown: tuple[float, str] = (100, "%")
    resolution: float = 1.0
    caption: str = ""
    label: str = ""
    directions: tuple[str, str] | None = None
    move: Callable[[Values, int, int], Affine] | None = None
    window: Callable[[int, int, Size, Values], tuple[float, float, float, float]] | None = None
    recolour: Callable[[np.ndarray, float, np.ndarray], np.ndarray] | None = None
    of_colour: bool = False
    needs_mean: bool = False
    change: Callable[[np.ndarray, Values], np.ndarray] | None = None
    mix: Callable[[np.ndarray, np.ndarray, np.ndarray, Values], float] | None = None


def about_centre(a: float, b: float, d: float, e: float, height: int, width: int) -> Affine:
    """Returns a linear map about the image's centre."""
    x, y = (width - 1) / 2, (height - 1) / 2
    return a, b, x - a * x - b * y, d, e, y - d * x - e * y


def snapped(number: float) -> float:
    """Takes the rounding error off numbers meant to be whole: cos 90° is 6e-17, and 0.1 · 30 is not 3."""
    whole = round(number)
    return float(whole) if abs(number - whole) < 1e-7 else number


def rectangle(shape: tuple[int, ...], high: float, wide: float, values: Values) -> tuple[slice, slice]:
    """Returns rows and columns of a rectangle that is this share of each side, at the drawn position, all inside."""
    rows, columns = round(high * shape[0]), round(wide * shape[1])
    top = min(int(values["y"] * (shape[0] - rows + 1)), shape[0] - rows)
    left = min(int(values["x"] * (shape[1] - columns + 1)), shape[1] - columns)
    return slice(top, top + rows), slice(left, left + columns)


def keras_range(low: float, high: float) -> str:
    """Returns a range as it stands in a call."""
    return f"({low:.6g}, {high:.6g})"
