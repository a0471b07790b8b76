"""How files are found by their folder: attribution methods, augmentation steps, evaluation metrics, data layouts."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

__all__ = ["found_in"]


def found_in(package: ModuleType, name: str) -> dict[str, Any]:
    """Returns what a package's modules hold under this name, by the modules' own names; those without it are left out.

    Example:
        >>> from cnnviz import evaluation_metrics
        >>> found_in(evaluation_metrics, "METRIC")["balanced_accuracy"].title
        'Balanced accuracy'
    """
    modules = {
        module.name: importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    }
    return {key: getattr(module, name) for key, module in modules.items() if hasattr(module, name)}
