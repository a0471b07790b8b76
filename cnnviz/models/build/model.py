"""From a recipe's records to a compiled Keras model. The arithmetic of `cnnviz.architecture` mirrors this module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from cnnviz.architecture import describe
from cnnviz.model_spec import Head, Layer, ModelSpec
from cnnviz.models.build.backbones import attach, free
from cnnviz.recipe import Fit, Recipe

__all__ = ["LOSS_BY_SAMPLE", "build", "build_from_spec", "compile_for", "stack_layers"]

LOSS_BY_SAMPLE = "loss-by-sample"
"""What the true loss of each of several heads is called while fitting; no head's name can hold a hyphen."""

_SCALING = {"unit": (1 / 255, 0.0), "symmetric": (1 / 127.5, -1.0)}


def build(recipe: Recipe, weights: Path | None = None) -> keras.Model:
    """Returns the recipe's model, not compiled.

    Input shape: (batch, height, width, channels), raw pixels 0..255. Output: one tensor of shape (batch, units) for
    one head, a list of them for several, in the recipe's order; the output layers have the heads' names. What of a
    backbone is frozen in the first stage is frozen.

    Args:
        recipe: whose.
        weights: Keras's file for its backbone, see `pretrained_weights.get_weights`; without it all weights are random.

    Raises:
        ModelError: the file isn't what the backbone needs.
    """
    return build_from_spec(recipe.network, recipe.data.input_shape, weights)


def build_from_spec(spec: ModelSpec, input_shape: tuple[int, int, int], weights: Path | None = None) -> keras.Model:
    """Returns the model for images of `input_shape` (height, width, channels); see `build`."""
    rows = iter(describe(spec, input_shape))
    inputs = x = keras.Input(input_shape, name="pixels")
    backbone = spec.backbone
    if backbone is not None:
        next(rows)
        x = attach(backbone.name, x, weights)
    elif spec.scaling != "none":
        scale, offset = _SCALING[spec.scaling]
        x = keras.layers.Rescaling(scale, offset, name=next(rows).name)(x)
    outputs = stack_layers(spec, x, [row.name for row in rows])
    model = keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs)
    if backbone is not None:
        free(model, backbone)
    return model


def stack_layers(spec: ModelSpec, x: Any, names: Sequence[str], first: int = 0) -> list[Any]:
    """Returns the heads' outputs, symbolic, for what the layer number `first` takes.

    Args:
        spec: the model's record.
        x: symbolic values.
        names: of all layers behind scaling or backbone, and the heads.
        first: how many layers are left out.
    """
    for layer, name in zip(spec.layers[first:], names[first:], strict=False):
        x = _layer(layer, name)(x)
    return [_head(head)(x) for head in spec.heads]


def _layer(record: Layer, name: str) -> keras.layers.Layer:
    settings = record.model_dump(exclude={"type"})
    return getattr(keras.layers, record.type)(**settings, name=name)


def _head(head: Head) -> keras.layers.Layer:
    activation = None if head.activation == "logits" else head.activation
    return keras.layers.Dense(head.units, activation=activation, name=head.name)


def compile_for(model: keras.Model, recipe: Recipe, learning_rate: object) -> None:
    """Compiles the model with the recipe's optimizer and, for every head, its loss and `accuracy`.

    The total loss is the sum of the heads': recipes have neither weights of losses nor regularisation in the loss.
    Several heads have `LOSS_BY_SAMPLE` as well.

    Args:
        model: what `build` returned for this recipe.
        recipe: where its policy mixes samples, labels are shares (batch, classes) instead of class indices.
        learning_rate: a number or one of Keras's learning-rate schedules.
    """
    heads, mixed = recipe.network.heads, recipe.augmentation.mixes
    model.compile(
        optimizer=_optimizer(recipe.fit, learning_rate),
        loss=[_loss(head, mixed) for head in heads],
        metrics=[[_accuracy(head, mixed)] for head in heads],
        weighted_metrics=[[_LossBySample(head, mixed)] for head in heads] if len(heads) > 1 else None,
    )


def _optimizer(fit: Fit, learning_rate: object) -> keras.optimizers.Optimizer:
    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    settings = {"momentum": 0.9} if fit.optimizer == "sgd" else {}
    return kinds[fit.optimizer](learning_rate=learning_rate, weight_decay=fit.keras_weight_decay, **settings)


def _loss(head: Head, mixed: bool, reduction: str | None = "sum_over_batch_size") -> keras.losses.Loss:
    if head.units == 1:
        kind = keras.losses.BinaryCrossentropy
    else:
        kind = keras.losses.CategoricalCrossentropy if mixed else keras.losses.SparseCategoricalCrossentropy
    return kind(from_logits=head.activation == "logits", reduction=reduction)


class _LossBySample(keras.metrics.Mean):
    """A head's loss as the total has it: the mean over samples of loss × weight. Keras's own figure of a head is a mean
    over batches, in which the last, smaller one counts as much as the others."""

    def __init__(self, head: Head, mixed: bool):
        super().__init__(name=LOSS_BY_SAMPLE, dtype="float64")  # float32 loses the sixth digit over many samples
        self._loss = _loss(head, mixed, reduction=None)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(self._loss(y_true, y_pred, sample_weight))


def _accuracy(head: Head, mixed: bool) -> keras.metrics.Metric:
    threshold = 0.0 if head.activation == "logits" else 0.5
    if head.units == 1:
        kind = _MixedBinaryAccuracy if mixed else keras.metrics.BinaryAccuracy
        return kind(name="accuracy", threshold=threshold)
    kind = keras.metrics.CategoricalAccuracy if mixed else keras.metrics.SparseCategoricalAccuracy
    return kind(name="accuracy")


class _MixedBinaryAccuracy(keras.metrics.BinaryAccuracy):
    """Binary accuracy against the class with the larger share."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_true = keras.ops.cast(keras.ops.greater(y_true, 0.5), "float32")
        return super().update_state(y_true, y_pred, sample_weight)
