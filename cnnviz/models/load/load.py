"""From a run or a `.keras` file to a model that is ready to be asked."""

from __future__ import annotations

import gc
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras

from cnnviz.data import open_dataset
from cnnviz.errors import DataError, ModelError, enough_memory, one_of, short
from cnnviz.files import digest, read_json
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.layer_kinds import kind_of
from cnnviz.models.graph.output_activations import choose, endings
from cnnviz.models.graph.traversal import Step, taken_apart
from cnnviz.models.load.archive_check import private_copy, require_keras
from cnnviz.models.load.config_check import MOST_ELEMENTS, Refused
from cnnviz.models.load.file_options import OUTPUTS, PIXEL_SCALES, Outputs, Scale
from cnnviz.models.load.infer_heads import class_names, heads_of
from cnnviz.models.load.sandbox_client import try_model
from cnnviz.models.probabilities import BATCH
from cnnviz.recipe import Recipe
from cnnviz.runs import Run, recipe_of
from cnnviz.temporary import room_for

__all__ = ["DEFAULT_SIZE", "Classifier", "keep_state", "load_file", "load_run", "of_model"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
DEFAULT_SIZE = (224, 224)
"""For a model that takes images of any size, (height, width)."""
_SCALING = {"Rescaling", "Normalization", "TrueDivide", "Divide", "Subtract", "Multiply"}
_BEFORE_SCALING = {
    "Resizing",
    "CenterCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomCrop",
    "RandomContrast",
    "RandomBrightness",
    "ZeroPadding2D",
    "Cropping2D",
    "Permute",
    "Identity",
    "Dropout",
    "Cast",
    "GetItem",
    "Flip",
}
"""Layers and operations that leave an image's values on the scale they are on."""


def keep_state() -> None:
    """Makes a server fit to hold models; to be called once, before the first is loaded.

    After every run of a page Streamlit calls `keras.backend.clear_session`, which empties TensorFlow's kernel cache
    under models at work, and collects garbage twice, which with TensorFlow's objects takes about half a second. A
    server that only infers has nothing to clear, and what was imported is never garbage.
    """
    keras.backend.clear_session = _nothing_to_clear
    gc.collect()
    gc.freeze()


def _nothing_to_clear(free_memory: bool = True) -> None:
    pass


def load_run(run: Run) -> Classifier:
    """Returns the model of the run's best epoch.

    Class names come from the run's report, else from its data, else they are numbers.

    Raises:
        ModelError: the run has no model yet, or it can't be read.
    """
    recipe = recipe_of(run, "its model can't be used", ModelError)
    if not run.best_path.is_file():
        raise ModelError(f"Run {run.id} has no model yet: it is kept at the end of the first epoch.")
    model, at_once = _model(run.best_path, f"The model of run {run.id}", "train it anew")
    data = recipe.data
    expected = (None, *data.input_shape)
    if tuple(model.input_shape) != expected:
        raise ModelError(f"The model of run {run.id} takes {model.input_shape}, but its recipe says {expected}.")
    heads, gives = recipe.network.heads, [one.activation for one in endings(model)]
    if gives != [head.activation for head in heads]:
        raise ModelError(
            f"The model of run {run.id} gives {', '.join(gives)}, but its recipe says "
            f"{', '.join(head.activation for head in heads)}: train it anew."
        )
    return Classifier(
        run.id,
        model,
        heads,
        _classes(run, recipe),
        data.image_size,
        data.channels,
        data.crop,
        at_once=at_once,
        recipe=recipe,
        bits=_bits(run, recipe),
    )


def _model(path: Path, what: str, remedy: str) -> tuple[keras.Model, int]:
    """The only way from a file to a model: checked, tried in another process, then loaded from a private copy.

    The second is about how many images it may be asked at once.
    """
    require_keras()
    try:
        with enough_memory(), room_for("a copy of the model"), private_copy(path) as copy:
            largest = try_model(copy)
            if digest(copy.path) != copy.sha256:
                raise Refused("its copy was changed while it was tried")
            model = keras.models.load_model(copy.path, compile=False, safe_mode=True)
            return model, min(BATCH, max(1, MOST_ELEMENTS // max(1, largest)))
    except Refused as error:
        reason, remedy = error.reason, error.remedy or remedy
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ModelError:
        raise
    except Exception as error:  # Keras raises nearly anything on broken files
        reason = short(error, 160).rstrip(".") or type(error).__name__
    raise ModelError(f"{what} can't be read because {reason}: {remedy}.")


def load_file(
    path: Path,
    *,
    name: str = "",
    classes: Sequence[Sequence[str]] | None = None,
    scale: Scale | None = None,
    outputs: Outputs = "auto",
) -> Classifier:
    """Returns the model of a `.keras` file, as `model.save("name.keras")` writes it.

    Args:
        path: a regular file.
        name: what to call it in sentences; by default the file's name.
        classes: a list of class names for each output, in the outputs' order; numbers without it.
        scale: what it takes for pixels, see `PIXEL_SCALES`; `raw` where nobody says.
        outputs: what its numbers are where its graph leaves that open, see `OUTPUTS`.

    Raises:
        ModelError: another kind of file, one that can't be read, or a model that doesn't classify images.
    """
    name = name or path.name
    _check_options(scale, outputs)
    if _ADDRESS.match(str(path)):
        raise ModelError(f"{short(name)} is an address: download the file yourself, and give its path.")
    if path.is_dir() or not (path.exists() or path.is_symlink()):
        raise ModelError(f"There is no file {name!r}: give a run's id or the path of a .keras file.")
    model, at_once = _model(path, name, "save it anew with model.save('name.keras')")
    return of_model(model, name, classes=classes, scale=scale, outputs=outputs, at_once=at_once)


def of_model(
    model: keras.Model,
    name: str = "The model",
    *,
    classes: Sequence[Sequence[str]] | None = None,
    scale: Scale | None = None,
    outputs: Outputs = "auto",
    at_once: int = BATCH,
) -> Classifier:
    """Returns a Keras model with what is needed to predict images; arguments as for `load_file`.

    Raises:
        ModelError: it doesn't classify images.
    """
    _check_options(scale, outputs)
    size, channels = _takes(model, name)
    choose(model, outputs)
    heads = heads_of(model)
    return Classifier(
        name,
        model,
        heads,
        class_names(heads, classes),
        size,
        channels,
        at_once=at_once,
        scale=scale or "raw",
        scale_known=scale is not None or _scales_itself(model),
        doubts=tuple(one.doubt for one in endings(model) if one.doubt),
    )


def _check_options(scale: Scale | None, outputs: Outputs) -> None:
    if scale not in (None, *PIXEL_SCALES):
        raise ModelError(f"The pixel scale {scale!r} is not known: {one_of(scale, PIXEL_SCALES)}.")
    if outputs not in OUTPUTS:
        raise ModelError(f"What a model gives can't be {outputs!r}: {one_of(outputs, OUTPUTS)}.")


def _scales_itself(model: keras.Model) -> bool:
    """Whether the first thing that happens to an image's values is that they are scaled."""
    users: dict[int, list[Step]] = {}
    for step in taken_apart(model)[0]:
        for one in step.inputs:
            users.setdefault(one, []).append(step)
    value = 0
    while True:
        after = users.get(value, [])
        kinds = {kind_of(step.operation) for step in after}
        if kinds and kinds <= _SCALING:
            return True
        if len(after) != 1 or not kinds <= _BEFORE_SCALING:
            return False
        value = after[0].outputs[0]


def _takes(model: keras.Model, name: str) -> tuple[tuple[int, int], Literal[1, 3]]:
    """The (height, width) and channels of the images that the model takes."""
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (1, 3) or 0 in shape:
        raise ModelError(f"{name} takes {shape}: expected one input of images, (n, height, width, 1 or 3).")
    return (shape[1] or DEFAULT_SIZE[0], shape[2] or DEFAULT_SIZE[1]), shape[3]


def _classes(run: Run, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    heads = recipe.network.heads
    found = _names(read_json(run.folder / "report.json"))
    if any(len(found.get(head.name, ())) != head.classes for head in heads):
        try:
            dataset = open_dataset(recipe.data, [head.name for head in heads])
            found = {head.name: head.classes for head in dataset.heads}
        except DataError:
            found = {}
    numbered = {head.name: tuple(map(str, range(head.classes))) for head in heads}
    return {
        head.name: found[head.name] if len(found.get(head.name, ())) == head.classes else numbered[head.name]
        for head in heads
    }


def _bits(run: Run, recipe: Recipe) -> int | None:
    """How many bits the run's images use, as its report says, else as its data shows, see `data.depths`."""
    report = read_json(run.folder / "report.json")
    told = report.get("data") if isinstance(report, dict) else None
    if isinstance(told, dict):
        return found if isinstance(found := told.get("bits"), int) and 8 <= found <= 16 else None
    try:
        return open_dataset(recipe.data, [head.name for head in recipe.network.heads]).bits
    except DataError:
        return None


def _names(report: Any) -> dict[str, tuple[str, ...]]:
    classes = report.get("classes") if isinstance(report, dict) else None
    if not isinstance(classes, dict):
        return {}
    return {str(head): tuple(map(str, names)) for head, names in classes.items() if isinstance(names, list)}
