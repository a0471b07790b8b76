"""A run as a standalone Keras script: the same model, data and settings, without cnnviz.

Orders of images and random draws are Keras's there, so that figures come out alike, not equal.
"""

from __future__ import annotations

from pathlib import Path

from cnnviz.codegen.augmentation import augmentation_part
from cnnviz.codegen.data import reading
from cnnviz.codegen.model import model_part
from cnnviz.codegen.training import fitting_part
from cnnviz.recipe import Recipe

__all__ = ["keras_script"]

_ALWAYS = ("import keras", "import numpy as np", "import tensorflow as tf")
_NEEDED = {"PIL": "pillow", "sklearn": "scikit-learn"}


def keras_script(recipe: Recipe, folder: Path | None) -> str:
    """Returns the script's text. It trains, prints validation and test figures, and saves `best.keras`.

    Args:
        recipe: the run's.
        folder: where its data lies, of data in a folder or file.

    Raises:
        RecipeError: only cnnviz can read its data, or the data hasn't the heads' labels; the sentence says which.
    """
    heads = tuple(head.name for head in recipe.network.heads)
    imports, data = reading(recipe.data, folder, heads, margin=recipe.augmentation.needs_margin)
    parts = [_opening(recipe, imports), data, augmentation_part(recipe), model_part(recipe), fitting_part(recipe)]
    return "\n\n".join(parts) + "\n"


def _opening(recipe: Recipe, imports: list[str]) -> str:
    own = [line for line in imports if any(mark in line for mark in _NEEDED)]
    others = ["tensorflow", "numpy", *(name for mark, name in _NEEDED.items() if any(mark in line for line in own))]
    standard = sorted((line for line in imports if line not in own), key=lambda line: (line.startswith("from"), line))
    blocks = ["\n".join(block) for block in (standard, [*_ALWAYS, *own]) if block]
    return (
        f'"""{_text(recipe.name or recipe.data.dataset)}, as Keras alone: written by cnnviz.\n\n'
        f"Needs {', '.join(others[:-1])} and {others[-1]}; writes best.keras beside itself. The order of images and\n"
        "the random draws are Keras's, so that figures come out alike, not equal.\n"
        '"""\n\n' + "\n\n".join(blocks) + f"\n\nSEED = {recipe.seed}\nkeras.utils.set_random_seed(SEED)"
    )


def _text(name: str) -> str:
    """A name as it can stand in a docstring."""
    return name.replace("\\", "/").replace('"', "'")
