"""One head of a several-headed network as a network of its own, on the same trunk."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import keras

from cnnviz.errors import ModelError, one_of
from cnnviz.models.classifier import Loaded
from cnnviz.models.graph.output_activations import carry
from cnnviz.temporary import own_name, room_for

__all__ = ["as_file", "split"]


def split(loaded: Loaded, head: str) -> Loaded:
    """Returns the network with this head alone.

    Its model is made of the very same layers, so that weights are shared and answers are equal; what only the other
    heads need is left out. The network that it comes from is not changed. Models nested in it stay whole.

    Args:
        loaded: the network; one that has this head only is returned as it is.
        head: the head's name.

    Raises:
        ModelError: it has no such head.
    """
    names = [one.name for one in loaded.heads]
    if head not in names:
        raise ModelError(f"{loaded.name} has no head {head!r}: {one_of(head, names)}.")
    if len(names) == 1:
        return loaded
    at = names.index(head)
    kept, recipe = loaded.heads[at], loaded.recipe
    if recipe is not None:
        recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"heads": (kept,)})})
    model = keras.Model(loaded.model.inputs[0], loaded.model.outputs[at], name=f"{loaded.model.name}_{kept.name}")
    carry(loaded.model, model)
    return replace(loaded, name=f"{loaded.name} · {head}", model=model, heads=(kept,), recipe=recipe,
                   classes={head: loaded.classes[head]})  # fmt: skip


def as_file(loaded: Loaded) -> bytes:
    """Returns the network as a `.keras` file, which `keras.models.load_model` and `load_file` read."""
    with room_for("the network's file"), tempfile.TemporaryDirectory(**own_name()) as folder:
        path = Path(folder) / "network.keras"
        loaded.model.save(path)
        return path.read_bytes()
