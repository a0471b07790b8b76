"""What one prediction costs a model: counted from shapes, before anything is calculated.

Each layer is given the shapes that it will meet when the model is asked, so that a side that is open in the file has
its true size, and what repeats the image is counted as often as it repeats it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from cnnviz.errors import short
from cnnviz.models.load.config_check import Refused

__all__ = ["Effort", "effort_of"]

_KERNELS_GIVEN = ("Conv", "DepthwiseConv", "SeparableConv")
"""Operations, not layers: their kernels are arguments."""
_PRODUCTS = ("Matmul", "Dot", "Tensordot", "Einsum")
_SUMS = ("Add", "AddN")
MOST_TERMS = 1_000
"""Of a sum of sums, each counted as often as it is added: TensorFlow writes them all out before it calculates, and
260,000 take 2.7 s, each doubling twice as long. Of Keras Applications none has more than 50."""
_RECURRENT = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
_SCORED = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
)


@dataclass(frozen=True)
class Effort:
    """What one pass of one image takes.

    Attributes:
        calls: of layers.
        values: that all layers make together.
        largest: values that one layer makes.
        multiplications: about, an upper bound for products of two tensors.
        steps: of recurrent layers, one after another.
        windows: of the multiplications, those of depthwise kernels and of pooling, which take some ten times as long.
    """

    calls: int = 0
    values: int = 0
    largest: int = 0
    multiplications: int = 0
    steps: int = 0
    windows: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            self.calls + other.calls,
            self.values + other.values,
            max(self.largest, other.largest),
            self.multiplications + other.multiplications,
            self.steps + other.steps,
            self.windows + other.windows,
        )

    def __mul__(self, times: int) -> Effort:
        return Effort(
            self.calls * times,
            self.values * times,
            self.largest,
            self.multiplications * times,
            self.steps * times,
            self.windows * times,
        )


def effort_of(model: keras.Model, shapes: Sequence[tuple[int, ...]]) -> tuple[list[tuple[int, ...]], Effort]:
    """Returns the shapes of the outputs, and what it takes to calculate them.

    Args:
        model: Functional or Sequential, built; its weights needn't be there.
        shapes: of the inputs, without an open side.

    Raises:
        Refused: a layer leaves a side open even so, or sums of sums have more than `MOST_TERMS`.
    """
    given = [keras.KerasTensor(shape, one.dtype) for shape, one in zip(shapes, model.inputs, strict=True)]
    outputs, effort = _pass(model, {}, given)
    return [one.shape for one in keras.tree.flatten(outputs)], effort


Known = dict[tuple[Any, ...], tuple[Any, Effort]]


def _pass(model: keras.Model, known: Known, inputs: Any, *_: Any, **__: Any) -> tuple[Any, Effort]:
    """A model's outputs and effort; one inside another that is called again is not gone through again."""
    given = keras.tree.flatten(inputs)
    key = id(model), *((one.shape, _terms(one)) for one in given)
    if key not in known:
        efforts: list[Effort] = []
        graph = getattr(model, "_functional", None) or model  # a Sequential holds one
        outputs = graph._run_through_graph(given, operation_fn=lambda one: partial(_call, one, known, efforts))
        known[key] = outputs, sum(efforts, Effort())
    return known[key]


def _call(operation: Any, known: Known, efforts: list[Effort], *args: Any, **kwargs: Any) -> Any:
    outputs, effort = _measured(operation, known, *args, **kwargs)
    efforts.append(effort)
    if not isinstance(operation, keras.Model):
        terms = _terms_added(operation, _tensors((args, kwargs)), _tensors(outputs))
        if terms > MOST_TERMS:
            raise Refused(
                f"its layer {short(operation.name)!r} adds {terms:,} terms", f"up to {MOST_TERMS:,} are allowed"
            )
        for one in _tensors(outputs):
            one.terms = terms
    return outputs


def _terms(tensor: Any) -> int:
    return getattr(tensor, "terms", 1)


def _terms_added(operation: Any, inputs: list[Any], outputs: list[Any]) -> int:
    """How many terms its output is a sum of; what may leave values as they are passes on how many its input has."""
    if type(operation).__name__ in _SUMS:
        return sum(map(_terms, inputs))
    alike = len(inputs) == 1 and any(one.shape == inputs[0].shape for one in outputs)
    passes = alike and not getattr(operation, "weights", ())
    return _terms(inputs[0]) if passes else 1


def _measured(operation: Any, known: Known, *args: Any, **kwargs: Any) -> tuple[Any, Effort]:
    if isinstance(operation, keras.Model):
        return _pass(operation, known, *args, **kwargs)
    outputs = operation.compute_output_spec(*args, **kwargs)
    if isinstance(operation, keras.layers.EinsumDense):
        outputs = keras.KerasTensor(_einsum_shape(operation, args[0].shape), outputs.dtype)
    shapes = [one.shape for one in _tensors(outputs)]
    for shape in shapes:
        if None in shape:
            raise Refused(
                f"its layer {short(operation.name)!r} has the shape {short(shape)} for one image",
                "models are opened whose layers' sizes follow from the image's",
            )
    made = list(map(math.prod, shapes))
    own = Effort(1, sum(made), max(made, default=0))
    inputs = _tensors((args, kwargs))
    if isinstance(operation, keras.layers.Bidirectional):
        return outputs, own + _measured(operation.forward_layer, known, inputs[0])[1] * 2
    if isinstance(operation, keras.layers.TimeDistributed):
        shape = inputs[0].shape
        once = keras.KerasTensor((shape[0], *shape[2:]), inputs[0].dtype)
        return outputs, own + _measured(operation.layer, known, once)[1] * shape[1]
    if isinstance(operation, keras.layers.Wrapper):
        return outputs, own + _measured(operation.layer, known, *args, **kwargs)[1]
    return outputs, own + _inside(operation, [one.shape for one in inputs], shapes)


def _inside(operation: Any, inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]]) -> Effort:
    """What a layer does beside making its outputs."""
    kind, made = type(operation).__name__, sum(map(math.prod, outputs))
    kernels = sum(math.prod(one.shape) for one in getattr(operation, "weights", ()) if len(one.shape) > 1)
    if isinstance(operation, _SCORED):
        return _scores(operation, inputs) + Effort(multiplications=kernels * max(map(_positions, inputs)))
    if isinstance(operation, _RECURRENT):
        steps = inputs[0][1]
        return Effort(values=made, multiplications=kernels * steps * inputs[0][0], steps=steps)
    if isinstance(operation, keras.layers.EinsumDense):
        return Effort(multiplications=made * _summed(operation))
    if kind in _KERNELS_GIVEN:
        return Effort(multiplications=sum(map(math.prod, inputs[1:])) * _positions(outputs[0]))
    if kind in _PRODUCTS and len(inputs) > 1:
        return Effort(multiplications=math.isqrt(math.prod(inputs[0]) * math.prod(inputs[1]) * made) + made)
    if "pool_size" in vars(operation):
        size = operation.pool_size  # an operation keeps one number for all sides
        compared = made * (size ** (len(inputs[0]) - 2) if isinstance(size, int) else math.prod(size))
        return Effort(multiplications=compared, windows=compared)
    if kernels and inputs:
        first = getattr(operation, "data_format", "") == "channels_first"
        where = inputs[0] if kind.endswith("Transpose") else outputs[0]
        # a separable one's values between its two convolutions
        between = getattr(operation, "depth_multiplier", None) if kind.startswith("Separable") else None
        more = (between or 0) * inputs[0][1 if first else -1] * _positions(where, first)
        alone = math.prod(operation.weights[0].shape) if kind.startswith(("Separable", "Depthwise")) else 0
        return Effort(
            values=more,
            largest=more,
            multiplications=kernels * _positions(where, first),
            windows=alone * _positions(where, first),
        )
    return Effort(multiplications=sum(map(math.prod, inputs)))


def _scores(layer: Any, inputs: list[tuple[int, ...]]) -> Effort:
    """Attention's table of each position with each other one."""
    query, value = inputs[0], inputs[1] if len(inputs) > 1 else inputs[0]
    heads = getattr(layer, "num_heads", 0) or getattr(layer, "num_query_heads", 1)
    axes = getattr(layer, "_attention_axes", None) or range(1, len(query) - 1)
    table = _positions(query) * math.prod(value[axis] for axis in axes) * heads
    depth = getattr(layer, "key_dim", None) or getattr(layer, "head_dim", None) or max(query[-1], value[-1])
    wide = query[-1] if isinstance(layer, keras.layers.AdditiveAttention) else 1  # it adds before it sums up
    return Effort(values=table * wide, largest=table * wide, multiplications=2 * table * depth)


def _summed(layer: keras.layers.EinsumDense) -> int:
    """Over how many products each of its values is a sum."""
    given, made = layer.equation.split("->")
    letters = given.split(",")[1]
    return math.prod(side for letter, side in zip(letters, layer.kernel.shape, strict=True) if letter not in made)


def _einsum_shape(layer: keras.layers.EinsumDense, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of its output; what it says itself leaves sides open that its input tells."""
    given, made = layer.equation.split("->")
    letters, kernel = given.split(",")
    unnamed = "".join(map(str, range(len(shape) - len(letters.replace("...", "")))))
    sides = dict(zip(kernel, layer.kernel.shape, strict=True))
    sides |= zip(letters.replace("...", unnamed), shape, strict=True)
    return tuple(sides[letter] for letter in made.replace("...", unnamed))


def _tensors(value: Any) -> list[keras.KerasTensor]:
    return [one for one in keras.tree.flatten(value) if isinstance(one, keras.KerasTensor)]


def _positions(shape: tuple[int, ...], channels_first: bool = False) -> int:
    """Of a batch's images or sequences, without their channels."""
    return math.prod(shape[:1] + shape[2:] if channels_first else shape[:-1])
