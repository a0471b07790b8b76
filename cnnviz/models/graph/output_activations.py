"""What a model's numbers are: probabilities or scores.

Everything that has to know asks here: predictions, explanations, exports, evaluation. The graph decides; where it
leaves it open, the numbers do; and where they can't, what is taken is said, and a person may choose.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, short
from cnnviz.models.graph.layer_kinds import activation_of, kind_of, layer_of
from cnnviz.models.graph.traversal import Step, taken_apart

__all__ = ["Ending", "along_classes", "carry", "choose", "endings", "keeps_classes", "silent"]

_SHARES, _CHANCES = ("softmax", "sparsemax"), ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
_SILENT = (
    "Dropout",
    "Flatten",
    "Reshape",
    "Identity",
    "Permute",
    "Squeeze",
    "Cast",
    "ExpandDims",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
)
"""Layers behind the last activation that leave its numbers as they are."""
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
_MEANS = ("Average", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "AveragePooling2D", "AveragePool", "Mean")
_WEIGHTED = (
    "Dense",
    "EinsumDense",
    "Conv1D",
    "Conv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
)
_OF_ONE = (
    "BatchNormalization",
    "LayerNormalization",
    "Rescaling",
    "Normalization",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "Activation",
    "Relu",
    "Relu6",
    "LeakyRelu",
    "Elu",
    "Negative",
    "Clip",
    "Tanh",
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "TrueDivide",
    "Maximum",
    "Minimum",
    "Concatenate",
    "GetItem",
    "GlobalMaxPooling2D",
    "MaxPooling2D",
)
"""What makes scores of scores, whatever it may make of probabilities."""
_SIDE, _TOLERANCE = 96, 5e-3

Meaning = Literal["shares", "chance", "scores", "open"]


@dataclass(frozen=True)
class Ending:
    """What one output's numbers are.

    Attributes:
        activation: `softmax`, probabilities that sum to 1; `sigmoid`, each unit's own; `logits`, scores.
        doubt: "" or the sentence that it can't be known, and what it is taken for.
    """

    activation: Literal["softmax", "sigmoid", "logits"]
    doubt: str = ""


_KNOWN: weakref.WeakKeyDictionary[keras.Model, tuple[Any, tuple[Ending, ...]]] = weakref.WeakKeyDictionary()
_CHOSEN: weakref.WeakKeyDictionary[keras.Model, str] = weakref.WeakKeyDictionary()


def choose(model: keras.Model, outputs: str) -> None:
    """Keeps what a person says of a model's numbers where its graph leaves it open: see `file_options.OUTPUTS`."""
    _CHOSEN[model] = outputs
    _KNOWN.pop(model, None)


def carry(old: keras.Model, new: keras.Model) -> None:
    """Lets a model that is made of another, or like it, keep what was chosen for that."""
    if old in _CHOSEN:
        choose(new, _CHOSEN[old])


def endings(model: keras.Model, *, look: bool = False) -> tuple[Ending, ...]:
    """Returns what the numbers of each of a model's outputs are, in their order. The same model is looked at once.

    Args:
        model: any that `traversal.taken_apart` takes.
        look: whether to show it a few images of noise, too, where its graph says enough; elsewhere they are shown.

    Raises:
        ModelError: see `traversal.taken_apart`; numbers that aren't what the graph or a person says of them; or a
            model that can't be computed here.
    """
    stamp = tuple(id(tensor) for tensor in getattr(model, "outputs", None) or ())
    if model in _KNOWN and _KNOWN[model][0] == stamp:
        return _KNOWN[model][1]
    steps, outputs = taken_apart(model)
    meanings = _meanings(steps, outputs)
    names, units = _names(model), [int(tensor.shape[-1]) for tensor in model.outputs]
    chosen = _CHOSEN.get(model, "auto")
    said = {_SAID.get(one, chosen) for one in meanings}
    if chosen != "auto" and chosen not in said:
        raise ModelError(f"The model gives {' and '.join(sorted(said))}, by what it ends with, not {chosen}.")
    seen = _seen(model, steps) if look or "open" in meanings else [None] * len(outputs)
    found = tuple(map(_ending, meanings, units, names, seen, [chosen] * len(outputs)))
    _KNOWN[model] = (stamp, found)
    return found


def _names(model: keras.Model) -> list[str]:
    given = getattr(model, "output_names", None)
    return (
        [str(name) for name in given]
        if given and len(given) == len(model.outputs)
        else [f"{at}" for at in range(1, len(model.outputs) + 1)]
    )


_SAID = {"shares": "probabilities", "chance": "probabilities", "scores": "scores"}


def _meanings(steps: list[Step], outputs: list[int]) -> list[Meaning]:
    """What the outputs' numbers are by the graph alone."""
    makers = {value: step for step in steps for value in step.outputs}
    known: dict[int, Meaning] = {0: "open"}
    for step in steps:  # from the pixels on, as a stranger's graph may be hundreds of layers deep
        known.update(dict.fromkeys(step.outputs, _meaning(step, {known[one] for one in step.inputs}, makers)))
    return [known[one] for one in outputs]


def _meaning(step: Step, below: set[Meaning], makers: dict[int, Step]) -> Meaning:
    """What the numbers that a step gives are, where those that it gets are this."""
    kind, activation = kind_of(step.operation), activation_of(step.operation)
    if activation in _SHARES:
        return "shares" if along_classes(step) else "open"
    if activation in _CHANCES:
        return "chance"
    if kind in _WEIGHTED or (activation == "log_softmax" and along_classes(step)):
        return "scores"
    if len(below) != 1:
        return "open"
    if silent(step) or (kind in _MEANS and _over_places(step)):
        return below.pop() if keeps_classes(step, makers) or below == {"scores"} else "open"
    several = kind in ("Multiply", "Divide", "TrueDivide") and len(set(step.inputs)) > 1  # as shares are made
    return "scores" if kind in _OF_ONE and below == {"scores"} and not several else "open"


def silent(step: Step) -> bool:
    """Returns whether a step leaves numbers as they are."""
    kind = kind_of(step.operation)
    return kind in _SILENT or (kind == "Activation" and activation_of(step.operation) == "linear")


def keeps_classes(step: Step, makers: dict[int, Step]) -> bool:
    """Returns whether the last axis, which classes are on, is as long as before."""
    return step.inputs[0] in makers and step.shape[-1] == makers[step.inputs[0]].shape[-1]


def along_classes(step: Step) -> bool:
    """Returns whether a softmax is along the last axis, which classes are on."""
    axis = getattr(layer_of(step.operation), "axis", -1)
    return axis in (-1, len(step.shape) - 1) and not (step.before or step.after)


def _over_places(step: Step) -> bool:
    """Whether a mean isn't taken of the classes themselves."""
    if not hasattr(step.operation, "axis"):  # a layer's
        return True
    axes, rank = step.operation.axis, len(step.arguments.keras_tensors[0].shape)
    axes = [axes] if isinstance(axes, int) else list(axes or [rank - 1])
    return not {-1, rank - 1}.intersection(axes)


def _seen(model: keras.Model, steps: Sequence[Step]) -> list[np.ndarray]:
    """What a model gives for images of noise, dim to bright in every scale that is usual, float64 (n, units) each."""
    recurrent = any(isinstance(layer_of(step.operation), _RECURRENT) for step in steps)
    shape = [side or _SIDE for side in model.inputs[0].shape[1:]]
    draw = np.random.default_rng(0)
    noise = [draw.uniform(low, high, shape) for low, high in ((0, 1), (-1, 1), (0, 255), (150, 255), (-120, 130))]
    try:
        given = np.stack([*noise, np.zeros(shape)]).astype(np.float32)
        # one by one, as memory has bounds; but hundreds of steps one after another take as long for six as for one
        parts = [given] if recurrent else np.split(given, len(given))
        found = [keras.tree.flatten(model(part, training=False)) for part in parts]
    except (tf.errors.OpError, ValueError, TypeError) as error:
        reason = short(error, 160).rstrip(".")
        raise ModelError(f"The model can't be computed on this computer: {reason}.") from None
    return [
        np.concatenate([np.asarray(tf.cast(one, tf.float32), np.float64) for one in output])
        for output in zip(*found, strict=True)
    ]


def _like_probabilities(values: np.ndarray) -> bool:
    """Whether no number is below 0 or above 1, and rows of several sum to 1."""
    within = bool(((values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)).all())
    return within and (values.shape[1] == 1 or bool((abs(values.sum(axis=1) - 1) < _TOLERANCE).all()))


def _ending(meaning: Meaning, units: int, name: str, seen: np.ndarray | None, chosen: str) -> Ending:
    if (meaning, units > 1) in (("chance", True), ("shares", False)):  # no head, but layers can be looked at
        return Ending("sigmoid" if units > 1 else "softmax")
    probability: Literal["softmax", "sigmoid"] = "softmax" if units > 1 else "sigmoid"
    said = _SAID.get(meaning) or (chosen if chosen != "auto" else None)
    if said == "probabilities" and seen is not None and np.isfinite(seen).all() and not _like_probabilities(seen):
        sums = f", and rows sum to {seen.sum(axis=1).min():.3g} to {seen.sum(axis=1).max():.3g}" if units > 1 else ""
        raise ModelError(
            f"The model's output {name!r} gives {seen.min():.3g} to {seen.max():.3g}{sums}: these are no probabilities."
        )
    if said is not None:
        return Ending(probability if said == "probabilities" else "logits")
    assert seen is not None  # `endings` asks the model where nobody says what it gives
    if not np.isfinite(seen).all():
        return Ending(
            "logits",
            f"The numbers of the output {name!r} are not finite for images of noise, and its "
            "graph doesn't say what they are: they are taken for scores.",
        )
    if not _like_probabilities(seen):
        return Ending("logits")
    if units > 1 and np.ptp(seen, axis=0).max() > _TOLERANCE:
        return Ending("softmax")
    why = "lie between 0 and 1" if units == 1 else "sum to 1 but were the same for every image of noise"
    return Ending(
        probability,
        f"It can't be known what the numbers of the output {name!r} are: they {why}, and the "
        "model's last step is none that says so. They are taken for probabilities.",
    )
