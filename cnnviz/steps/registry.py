"""The augmentation steps: every file in this folder that holds a `KIND`, by its name."""

from __future__ import annotations

from cnnviz import steps
from cnnviz.discovery import found_in
from cnnviz.steps.step_kind import StepKind

__all__ = ["STEPS"]

_GROUPS = ("geometric", "colour", "pixel", "batch")


_FOUND: dict[str, StepKind] = found_in(steps, "KIND")
STEPS: dict[str, StepKind] = dict(sorted(_FOUND.items(), key=lambda one: (_GROUPS.index(one[1].group), one[1].rank)))
"""By type, group after group."""
