"""What augmentation does, as a record: steps with a range and a probability, and how emptied pixels are filled.

Which steps there are, `cnnviz.steps` says; carrying a policy out is `cnnviz.augment`'s work. This module is only the
description, so that recipes can hold it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cnnviz.frozen_model import Printable, Real, Record, Whole
from cnnviz.steps.registry import STEPS

__all__ = ["POLICIES", "STEPS", "Policy", "Step"]


class Step(Record):
    """One step: its value is drawn evenly from `low`..`high`, and it is applied with `probability`."""

    type: Literal[tuple(STEPS)]  # type: ignore[valid-type]
    low: Real | None = None
    high: Real | None = None
    probability: Real = Field(1.0, ge=0, le=1)

    @property
    def ends(self) -> tuple[float, float]:
        """`low` and `high`, of a kind that has a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high

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
        return any(STEPS[step.type].window is not None for step in self.steps)

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
