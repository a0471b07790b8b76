"""Layers that have their channels first, computed with the channels last as all others are.

All that looks into models takes images for (n, height, width, channels). Where a model goes over to (n, channels,
height, width), values stay as they were, the layer is replaced by its like with the channels last (kernels have one
shape in both), and only what can't be replaced is given its own order and turned back afterwards. TensorFlow computes
ordinary convolutions on a processor in no other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.models.graph.layer_kinds import activation_of, is_time_distributed, kind_of, layer_of, with_settings

__all__ = ["TO_FIRST", "TO_LAST", "Turned", "turn"]

TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_WITH_FORMAT = {
    "Conv2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "Conv2DTranspose",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "ZeroPadding2D",
    "Cropping2D",
    "UpSampling2D",
    "Flatten",
    "Conv",
    "DepthwiseConv",
    "SeparableConv",
    "MaxPool",
    "AveragePool",
}
_ALONG_CHANNELS = {"BatchNormalization", "Concatenate", "Softmax"}
_BY_POSITION = {
    "Activation",
    "ActivityRegularization",
    "Add",
    "Average",
    "Dropout",
    "ELU",
    "Elu",
    "GaussianDropout",
    "GaussianNoise",
    "Gelu",
    "HardSigmoid",
    "HardSilu",
    "Identity",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "Negative",
    "ReLU",
    "Relu",
    "Relu6",
    "Sigmoid",
    "Silu",
    "SpatialDropout2D",
    "Square",
    "Subtract",
    "Tanh",
}
_OF_SEVERAL = ("softmax", "log_softmax", "sparsemax", "glu")
_NEW_ORDER = ("Permute", "Transpose", "Reshape")


@dataclass(frozen=True)
class Turned:
    """How a call is made where channels stand first: by this operation, on inputs whose axes are put into the orders
    `before` (`None`: as they are), with its output's put into the order `after`; `first` says that in the model the
    output has its channels first."""

    operation: Any
    before: tuple[tuple[int, ...] | None, ...] = ()
    after: tuple[int, ...] | None = None
    first: bool = False


def turn(operation: Any, arguments: Any, given: Sequence[bool], output: Any) -> Turned:
    """Returns how to make a call on values that are kept with their channels last.

    Args:
        operation: the layer or operation.
        arguments: the call's, symbolic.
        given: which of its inputs have their channels first in the model.
        output: the call's first output, symbolic.
    """
    kind, square = kind_of(operation), len(output.shape) == 4
    ranks = [len(one.shape) for one in arguments.keras_tensors]
    if (
        kind in _WITH_FORMAT
        and ranks[:1] == [4]
        and not is_time_distributed(operation)
        and (getattr(layer_of(operation), "data_format", "") == "channels_first")
    ):
        before = tuple(
            None if first or rank != 4 or at else TO_LAST
            for at, (first, rank) in enumerate(zip(given, ranks, strict=True))
        )
        last = with_settings(operation, data_format="channels_last", _channels_first=False, _input_spec=None)
        return Turned(last, before if any(before) else (), first=square)
    goes = _order(operation, kind)
    if not any(given):
        return Turned(operation, after=TO_LAST, first=True) if goes == TO_FIRST and square else Turned(operation)
    if all(given) and not is_time_distributed(operation):
        if kind in _ALONG_CHANNELS and getattr(operation, "axis", None) == 1:
            return Turned(with_settings(operation, axis=3, _input_spec=None, _reduction_axes=[0, 1, 2]), first=True)
        if kind in _BY_POSITION and activation_of(operation) not in _OF_SEVERAL and not _has_arrays(arguments):
            return Turned(operation, first=True)
    before = tuple(TO_FIRST if first else None for first in given)
    if square and kind not in _NEW_ORDER:
        return Turned(operation, before, TO_LAST, first=True)
    return Turned(operation, before)


def _order(operation: Any, kind: str) -> tuple[int, ...] | None:
    """The order into which an operation puts its input's axes, where it does that alone."""
    if kind == "Permute":
        return (0, *operation.dims)
    axes = getattr(operation, "axes", None) if kind == "Transpose" else None
    return tuple(axes) if axes is not None else None


def _has_arrays(arguments: Any) -> bool:
    """Whether a call has constants that are laid over the axes as they stand."""
    import keras

    return any(
        np.ndim(one) > 0
        for one in keras.tree.flatten((arguments.args, arguments.kwargs))
        if not isinstance(one, keras.KerasTensor)
    )
