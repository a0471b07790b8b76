"""From a run to its network, ready to be asked."""

from __future__ import annotations

import gc
import zipfile
from dataclasses import dataclass
from typing import Any

import keras

from cnnviz.data import open_dataset
from cnnviz.errors import DataError, ModelError
from cnnviz.files import read_json
from cnnviz.recipe import Recipe
from cnnviz.runs import Run

__all__ = ["Loaded", "keep_state", "load_run"]


def keep_state() -> None:
    """Makes a server fit to hold networks; to be called once, before the first is loaded.

    After every run of a page Streamlit calls `keras.backend.clear_session`, which empties TensorFlow's kernel cache
    under networks at work, and collects garbage twice, which with TensorFlow's objects takes about half a second. A
    server that only infers has nothing to clear, and what was imported is never garbage.
    """
    keras.backend.clear_session = _nothing_to_clear
    gc.collect()
    gc.freeze()


def _nothing_to_clear(free_memory: bool = True) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Loaded:
    """A run's network: the Keras model, never compiled; the recipe; the class names of every head."""

    run: str
    model: keras.Model
    recipe: Recipe
    classes: dict[str, tuple[str, ...]]


def load_run(run: Run) -> Loaded:
    """Returns the network of the run's best epoch.

    Class names come from the run's report, else from its data, else they are numbers.

    Raises:
        ModelError: the run has no network yet, or it can't be read.
    """
    if run.recipe is None:
        raise ModelError(f"The recipe of run {run.id} can't be read, so its network can't be used.")
    if not run.best_path.is_file():
        raise ModelError(f"Run {run.id} has no network yet: it is kept at the end of the first epoch.")
    if not zipfile.is_zipfile(run.best_path):
        raise ModelError(f"The network of run {run.id} can't be read because its file is damaged: train it anew.")
    try:
        model = keras.models.load_model(run.best_path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on broken files
        reason = " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
        raise ModelError(f"The network of run {run.id} can't be read ({reason}): train it anew.") from None
    expected = (None, *run.recipe.data.input_shape)
    if tuple(model.input_shape) != expected:
        raise ModelError(f"The network of run {run.id} takes {model.input_shape}, but its recipe says {expected}.")
    return Loaded(run.id, model, run.recipe, _classes(run))


def _classes(run: Run) -> dict[str, tuple[str, ...]]:
    heads = run.recipe.network.heads
    found = _names(read_json(run.folder / "report.json"))
    if any(len(found.get(head.name, ())) != head.classes for head in heads):
        try:
            dataset = open_dataset(run.recipe.data, [head.name for head in heads])
            found = {head.name: head.classes for head in dataset.heads}
        except DataError:
            found = {}
    numbered = {head.name: tuple(map(str, range(head.classes))) for head in heads}
    return {
        head.name: found[head.name] if len(found.get(head.name, ())) == head.classes else numbered[head.name]
        for head in heads
    }


def _names(report: Any) -> dict[str, tuple[str, ...]]:
    classes = report.get("classes") if isinstance(report, dict) else None
    if not isinstance(classes, dict):
        return {}
    return {str(head): tuple(map(str, names)) for head, names in classes.items() if isinstance(names, list)}
