"""The augmentation steps: every file in this folder that holds a `KIND`, by its name."""

from __future__ import annotations

import importlib
import pkgutil

from cnnviz import steps
from cnnviz.steps.step_kind import StepKind

__all__ = ["STEPS"]

_GROUPS = ("geometric", "colour", "pixel", "batch")


def _found() -> dict[str, StepKind]:
    """All of them, group after group."""
    names = [module.name for module in pkgutil.iter_modules(steps.__path__)]
    modules = {name: importlib.import_module(f"{steps.__name__}.{name}") for name in names if name != "registry"}
    kinds: dict[str, StepKind] = {name: module.KIND for name, module in modules.items() if hasattr(module, "KIND")}
    return dict(sorted(kinds.items(), key=lambda one: (_GROUPS.index(one[1].group), one[1].rank)))


STEPS: dict[str, StepKind] = _found()
