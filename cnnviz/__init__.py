"""cnnviz: train convolutional image classifiers, watch them learn and look inside.

For notebooks and scripts, see `cnnviz.notebook`; its names are here, too, and bring TensorFlow when they are used:

    import cnnviz
    cnnviz.gradcam(model, image)
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_NOTEBOOK = frozenset(
    {
        *("activations", "evaluate_run", "gradcam", "heatmap", "judge", "load_run", "predict", "train_run"),
        "visualize_features",
    }
)


def __getattr__(name: str) -> Any:
    if name in _NOTEBOOK:
        return getattr(importlib.import_module("cnnviz.notebook"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NOTEBOOK})
