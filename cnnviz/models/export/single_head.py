"""One head of a several-headed model as a model of its own, on the same trunk."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import keras

from cnnviz.errors import ModelError, one_of
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.output_activations import carry
from cnnviz.temporary import own_name, room_for

__all__ = ["as_file", "split"]


def split(classifier: Classifier, head: str) -> Classifier:
    """Returns the model with this head alone.

    Its model is made of the very same layers, so that weights are shared and predictions are equal; what only the other
    heads need is left out. The model that it comes from is not changed. Models nested in it stay whole.

    Args:
        classifier: the model; one that has this head only is returned as it is.
        head: the head's name.

    Raises:
        ModelError: it has no such head.
    """
    names = [one.name for one in classifier.heads]
    if head not in names:
        raise ModelError(f"{classifier.name} has no head {head!r}: {one_of(head, names)}.")
    if len(names) == 1:
        return classifier
    at = names.index(head)
    kept, recipe = classifier.heads[at], classifier.recipe
    if recipe is not None:
        recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"heads": (kept,)})})
    model = keras.Model(
        classifier.model.inputs[0], classifier.model.outputs[at], name=f"{classifier.model.name}_{kept.name}"
    )
    carry(classifier.model, model)
    return replace(
        classifier,
        name=f"{classifier.name} · {head}",
        model=model,
        heads=(kept,),
        recipe=recipe,
        classes={head: classifier.classes[head]},
    )


def as_file(classifier: Classifier) -> bytes:
    """Returns the model as a `.keras` file, which `keras.models.load_model` and `load_file` read."""
    with room_for("the model's file"), tempfile.TemporaryDirectory(**own_name()) as folder:
        path = Path(folder) / "network.keras"
        classifier.model.save(path)
        return path.read_bytes()
