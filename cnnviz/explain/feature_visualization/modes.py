"""The ways in which feature visualizations are made: what each is called, does and usually takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["DEFAULT", "MODES", "Mode", "ModeId"]

ModeId = Literal["robust", "plain"]


@dataclass(frozen=True)
class Mode:
    """A way of making them.

    Attributes:
        title: what it is called.
        description: what it does, in one sentence.
        steps: how many steps of gradient ascent it usually takes.
        step: how far each goes.
    """

    title: str
    description: str
    steps: int
    step: float = 1.0


MODES: Mapping[ModeId, Mode] = MappingProxyType(
    {
        "robust": Mode(
            "Shift-robust",
            "The image's spectrum is changed, and the image moved, turned and scaled each time, so that deep layers "
            "show clean patterns, too (Olah et al. 2017).",
            128,
        ),
        "plain": Mode(
            "Raw gradient",
            "Each step adds the gradient over its root mean square to the pixels, as in the tutorial; mostly fine "
            "noise.",
            40,
        ),
    }
)
"""By their ids, as in the command line and in what runs keep."""
DEFAULT: ModeId = "robust"
