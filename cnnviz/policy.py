"""What augmentation does, as a record: steps with a range and a probability, and how emptied pixels are filled.

Carrying a policy out is `cnnviz.augment`'s work; this module is only the description, so that recipes can hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from cnnviz.frozen_model import Printable, Real, Record, Whole

__all__ = ["POLICIES", "STEPS", "Policy", "Step", "StepKind"]


@dataclass(frozen=True)
class StepKind:
    """What a kind of step is.

    `group` is `geometric` (moves pixels), `colour` (changes values pixel by pixel), `pixel` (needs the neighbours or
    noise) or `batch` (mixes samples). `bounds` limits the range, `default` is the range of a new step and `identity`
    the value that changes nothing; all three are `None` for a step that only has a probability. `draws` names what is
    drawn for one image.
    """

    title: str
    group: Literal["geometric", "colour", "pixel", "batch"]
    description: str
    unit: str = ""
    bounds: tuple[float, float] | None = None
    default: tuple[float, float] | None = None
    identity: float | None = None
    probability: float = 1.0
    draws: tuple[str, ...] = ("value",)


STEPS: dict[str, StepKind] = {
    "horizontal_flip": StepKind("Horizontal flip", "geometric", "Mirrors left and right.", probability=0.5, draws=()),
    "vertical_flip": StepKind("Vertical flip", "geometric", "Mirrors top and bottom.", probability=0.5, draws=()),
    "rotation": StepKind(
        "Rotation",
        "geometric",
        "Turns the image about its centre; positive is anticlockwise.",
        "°",
        (-180, 180),
        (-20, 20),
        0,
    ),
    "width_shift": StepKind(
        "Width shift",
        "geometric",
        "Moves the image sideways by a share of its width; positive is to the right.",
        "of the width",
        (-1, 1),
        (-0.1, 0.1),
        0,
    ),
    "height_shift": StepKind(
        "Height shift",
        "geometric",
        "Moves the image up or down by a share of its height; positive is down.",
        "of the height",
        (-1, 1),
        (-0.1, 0.1),
        0,
    ),
    "shear": StepKind(
        "Shear",
        "geometric",
        "Slants the image; as in Keras's ImageDataGenerator the angle is in degrees.",
        "°",
        (-60, 60),
        (-10, 10),
        0,
    ),
    "zoom": StepKind(
        "Zoom",
        "geometric",
        "Scales width and height by two draws of their own; as in Keras, below 1 enlarges and above 1 shrinks.",
        "×",
        (0.2, 5),
        (0.8, 1.2),
        1,
        draws=("x", "y"),
    ),
    "random_crop": StepKind(
        "Random crop",
        "geometric",
        "Cuts a window of the wanted shape at a random place; its size is a share of the largest that fits.",
        "of the largest window",
        (0.1, 1),
        (0.8, 1),
        1,
        draws=("value", "x", "y"),
    ),
    "central_crop": StepKind(
        "Central crop",
        "geometric",
        "Cuts away the border and resizes the rest back.",
        "of each side",
        (0.1, 1),
        (0.7, 1),
        1,
    ),
    "brightness": StepKind(
        "Brightness", "colour", "Adds the same amount to every pixel.", "of the full range", (-1, 1), (-0.2, 0.2), 0
    ),
    "contrast": StepKind(
        "Contrast", "colour", "Moves every pixel away from the image's mean, or towards it.", "×", (0, 5), (0.8, 1.2), 1
    ),
    "saturation": StepKind(
        "Saturation", "colour", "Moves colours away from grey, or towards it.", "×", (0, 5), (0.7, 1.3), 1
    ),
    "hue": StepKind(
        "Hue", "colour", "Turns all colours round the colour circle.", "of the circle", (-0.5, 0.5), (-0.05, 0.05), 0
    ),
    "grey": StepKind("Grey", "colour", "Takes the colour away.", probability=0.2, draws=()),
    "noise": StepKind(
        "Gaussian noise",
        "pixel",
        "Adds a normal random number of this deviation to every value.",
        "of the full range",
        (0, 0.5),
        (0, 0.05),
        0,
        draws=("value", "pattern"),
    ),
    "blur": StepKind(
        "Blur",
        "pixel",
        "Smooths with a Gaussian whose deviation is a share of the shorter side.",
        "of the shorter side",
        (0, 0.1),
        (0, 0.02),
        0,
    ),
    "erasing": StepKind(
        "Erasing",
        "pixel",
        "Covers a random rectangle of this share of the area with the mean colour (cut-out).",
        "of the area",
        (0, 0.6),
        (0.02, 0.2),
        0,
        probability=0.5,
        draws=("value", "aspect", "x", "y"),
    ),
    "mixup": StepKind(
        "MixUp",
        "batch",
        "Blends two images and their labels; the other one gets this share.",
        "of the other image",
        (0, 1),
        (0, 0.4),
        0,
        probability=0.5,
    ),
    "cutmix": StepKind(
        "CutMix",
        "batch",
        "Pastes a rectangle of another image over this share of the area and mixes the labels.",
        "of the area",
        (0, 1),
        (0, 0.5),
        0,
        probability=0.5,
        draws=("value", "x", "y"),
    ),
}


class Step(Record):
    """One step: its value is drawn evenly from `low`..`high`, and it is applied with `probability`."""

    type: Literal[tuple(STEPS)]  # type: ignore[valid-type]
    low: Real | None = None
    high: Real | None = None
    probability: Real = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_bounds(self) -> Step:
        kind = STEPS[self.type]
        if kind.bounds is None:
            if self.low is not None or self.high is not None:
                raise ValueError(f"{self.type} has a probability only; leave low and high out.")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"{self.type} needs low and high, within {kind.bounds[0]:g} to {kind.bounds[1]:g}.")
        if not kind.bounds[0] <= self.low <= self.high <= kind.bounds[1]:
            raise ValueError(
                f"{self.type} has the range {self.low:g} to {self.high:g}: "
                f"low ≤ high, both within {kind.bounds[0]:g} to {kind.bounds[1]:g}."
            )
        return self


class Policy(Record):
    """An ordered list of steps. `fill_mode` fills what moving left empty, with Keras's meanings:

    nearest `aaa|abcd|ddd`, reflect `cba|abcd|dcb`, wrap `bcd|abcd|abc`, constant `kkk|abcd|kkk` with k = `fill_value`.
    """

    name: Printable = Field("none", max_length=60)
    steps: tuple[Step, ...] = Field((), max_length=30)
    fill_mode: Literal["nearest", "reflect", "wrap", "constant"] = "nearest"
    fill_value: Whole = Field(0, ge=0, le=255)

    @property
    def needs_margin(self) -> bool:
        """Whether a step cuts its own window, so that whole images must be kept instead of ready-cropped ones."""
        return any(step.type == "random_crop" for step in self.steps)

    @property
    def mixes(self) -> bool:
        """Whether a step mixes samples, so that labels become shares."""
        return any(STEPS[step.type].group == "batch" for step in self.steps)


def _steps(**ranges: float | tuple[float, float]) -> tuple[Step, ...]:
    """Steps from ranges; a single number is a probability for the kinds without a range."""
    made = []
    for kind, value in ranges.items():
        if isinstance(value, tuple):
            made.append(Step(type=kind, low=value[0], high=value[1], probability=STEPS[kind].probability))
        else:
            made.append(Step(type=kind, probability=value))
    return tuple(made)


POLICIES: dict[str, Policy] = {
    "none": Policy(),
    "A": Policy(name="A", steps=_steps(random_crop=(1, 1), horizontal_flip=0.5)),
    "D3": Policy(
        name="D3",
        steps=_steps(
            rotation=(-40, 40),
            width_shift=(-0.2, 0.2),
            height_shift=(-0.2, 0.2),
            shear=(-0.2, 0.2),
            zoom=(0.8, 1.2),
            horizontal_flip=0.5,
        ),
    ),
    "D5": Policy(
        name="D5",
        steps=_steps(
            rotation=(-20, 20),
            width_shift=(-0.1, 0.1),
            height_shift=(-0.1, 0.1),
            shear=(-0.1, 0.1),
            zoom=(0.9, 1.1),
            horizontal_flip=0.5,
        ),
    ),
    "E4": Policy(
        name="E4",
        steps=_steps(
            rotation=(-30, 30), width_shift=(-0.2, 0.2), height_shift=(-0.2, 0.2), zoom=(0.8, 1.2), horizontal_flip=0.5
        ),
    ),
    "digits": Policy(
        name="digits", steps=_steps(rotation=(-8, 8), width_shift=(-0.06, 0.06), height_shift=(-0.06, 0.06))
    ),
    "light": Policy(
        name="light",
        steps=_steps(
            rotation=(-8, 8),
            width_shift=(-0.05, 0.05),
            height_shift=(-0.05, 0.05),
            zoom=(0.95, 1.05),
            brightness=(-0.08, 0.08),
            contrast=(0.9, 1.1),
        ),
        fill_mode="reflect",
    ),
    "photos": Policy(
        name="photos",
        steps=_steps(
            horizontal_flip=0.5,
            rotation=(-15, 15),
            width_shift=(-0.1, 0.1),
            height_shift=(-0.1, 0.1),
            zoom=(0.8, 1.2),
            brightness=(-0.1, 0.1),
            contrast=(0.8, 1.2),
            saturation=(0.7, 1.3),
        ),
        fill_mode="reflect",
    ),
    "strong": Policy(
        name="strong",
        steps=_steps(
            random_crop=(0.6, 1),
            horizontal_flip=0.5,
            rotation=(-25, 25),
            shear=(-10, 10),
            brightness=(-0.25, 0.25),
            contrast=(0.6, 1.4),
            saturation=(0.5, 1.5),
            hue=(-0.05, 0.05),
            erasing=(0.02, 0.25),
        ),
        fill_mode="reflect",
    ),
}
