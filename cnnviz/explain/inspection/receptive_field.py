"""Which part of the image an output depends on, exactly and with branches, and what each layer costs.

Araujo, Norris & Sim 2019 (doi:10.23915/distill.00021) give size, stride and offset by arithmetic. The boxes here are
followed position by position instead, so that they are right at borders, behind enlargements and where branches meet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.inspection import receptive_field_1d as spans
from cnnviz.explain.inspection.receptive_field_1d import Span
from cnnviz.models.graph.graph import flatten
from cnnviz.models.graph.layer_kinds import is_time_distributed, kind_of, layer_of
from cnnviz.models.graph.traversal import Step, run

if TYPE_CHECKING:
    import keras

    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.graph import Graph

__all__ = ["Field", "LayerRow", "Window", "box", "fields", "inner_positions", "layer_rows", "windows"]


@dataclass(frozen=True, eq=False)
class Field:
    """What a layer's outputs depend on in the image.

    Attributes:
        rows, columns: for each position along the side, which of the image's rows (columns) it depends on.
        everything: whether every output depends on all that the model sees of the image, as behind Flatten.
        exact: `False` behind operations whose dependence isn't known here; the whole image is taken there.
    """

    rows: Span
    columns: Span
    everything: bool = False
    exact: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in the image's pixels as arithmetic gives them; may be larger than the image."""
        return self.rows.size, self.columns.size

    @property
    def stride(self) -> tuple[float, float]:
        """By how many pixels the fields of neighbouring positions are apart, down and right."""
        return self.rows.stride, self.columns.stride

    @property
    def offset(self) -> tuple[float, float]:
        """Top and left of the first position's field; negative where it begins in the padding."""
        return self.rows.start, self.columns.start

    def box(self, y: int = 0, x: int = 0) -> tuple[int, int, int, int]:
        """Returns the (top, left, height, width) that the position depends on, within the image; 0 × 0 for padding.

        Raises:
            ModelError: there is no such position.
        """
        sides = []
        for what, at, span in (("row", y, self.rows), ("column", x, self.columns)):
            if not 0 <= at < len(span.low):
                raise ModelError(f"The layer has no {what} {at}: choose 0 to {len(span.low) - 1}.")
            sides.append((int(span.low[at]), int(span.high[at])))
        (top, bottom), (left, right) = sides
        return (top, left, bottom - top, right - left) if bottom > top and right > left else (0, 0, 0, 0)


@dataclass(frozen=True)
class LayerRow:
    """A layer in its place, for a table.

    Attributes:
        name, type, shape: as in `graph.LayerAt`, with sides known.
        parameters: all its weights; a layer that is called again has them again.
        macs: multiplications with a weight for one image.
        share: its part of the model's `macs`, 0..1.
        size, stride: the receptive field's, see `Field`; (0, 0) for a layer that depends on no pixel.
        everything: whether each of its outputs depends on the whole image.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    share: float
    size: tuple[int, int]
    stride: tuple[float, float]
    everything: bool


@dataclass(frozen=True)
class Window:
    """What a layer's output at a position is computed from, in the layers in front of it.

    Attributes:
        inputs: names of these layers; "" for the image.
        rows, columns: (size, stride, dilation, padding before) of what it moves over them; `None` where an output
            depends on all of them, or this isn't known.
    """

    inputs: tuple[str, ...]
    rows: tuple[int, int, int, int] | None = None
    columns: tuple[int, int, int, int] | None = None


def box(
    source: Classifier | keras.Model, layer: str, y: int = 0, x: int = 0, image_size: tuple[int, int] | None = None
) -> tuple[int, int, int, int]:
    """Returns the (top, left, height, width) of the image that a layer's output at row y, column x depends on.

    Raises:
        ModelError: no such layer or position, or a size that the model doesn't take.
    """
    known = fields(source, image_size)
    if layer not in known:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, known)}.")
    return known[layer].box(y, x)


def fields(source: Classifier | keras.Model, image_size: tuple[int, int] | None = None) -> Mapping[str, Field]:
    """Returns every layer's field.

    Args:
        source: the model.
        image_size: (height, width) of images, needed only for a model that takes any; a `Classifier` has one.

    Raises:
        ModelError: a size that the model doesn't take, or none where it takes any.
    """
    graph, size = flatten(source, logits=False), _size(source, image_size)
    return graph.kept(("fields", size), lambda: _fields(graph, size))


def windows(source: Classifier | keras.Model, image_size: tuple[int, int] | None = None) -> dict[str, Window]:
    """Returns every layer's window; arguments and errors as of `fields`."""
    graph, size = flatten(source, logits=False), _size(source, image_size)
    shapes = _shapes(graph, size)
    names = {one: step.name for step in graph.program.steps for one in step.outputs} | {0: ""}
    found = {}
    for step in graph.program.steps:
        sides = [_side(step, [shapes[one] for one in step.inputs], shapes[step.outputs[0]], side) for side in (0, 1)]
        rows, columns = sides if None not in sides else (None, None)
        found[step.name] = Window(tuple(names[one] for one in step.inputs), rows, columns)
    return found


def _side(
    step: Step, given: list[tuple[int, ...]], shape: tuple[int, ...], side: int
) -> tuple[int, int, int, int] | None:
    """A window along a side."""
    layer, kind = layer_of(step.operation), _kind(step)
    if len(shape) != 3 or any(len(one) != 3 for one in given):
        return None
    if kind and spans.moves_window(layer):
        return spans.window_of(layer, side, given[0][side])
    if kind == "ZeroPadding2D":
        return 1, 1, 1, int(layer.padding[side][0])
    if kind == "Cropping2D":
        return 1, 1, 1, -int(layer.cropping[side][0])
    at_its_own = kind in (*_BY_POSITION, "Dense") or (kind in _OF_CHANNELS and _last_axis(layer, len(shape)))
    return (1, 1, 1, 0) if at_its_own and all(one[side] == shape[side] for one in given) else None


def inner_positions(
    source: Classifier | keras.Model, layer: str, image_size: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which rows and which columns of a layer's maps need no padding, bool (h,) and bool (w,).

    All of them where the layer moves no window over its input, and where every window needs some.

    Args:
        source: the model.
        layer: one of its layers that gives maps.
        image_size: see `fields`.

    Raises:
        ModelError: no such layer, or see `fields`.
    """
    graph, size = flatten(source, logits=False), _size(source, image_size)
    steps = {step.name: step for step in graph.program.steps}
    if layer not in steps:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, steps)}.")
    shapes, step = _shapes(graph, size), steps[layer]
    given, got = shapes[step.inputs[0]], shapes[step.outputs[0]]
    sides = [np.ones(count, bool) for count in (*got[:-1], 1, 1)[:2]]
    if spans.moves_window(found := layer_of(step.operation)) and len(got) == 3:
        sides = [spans.within(found, side, given[side], got[side]) for side in (0, 1)]
    rows, columns = (side if side.any() else np.ones_like(side) for side in sides)
    return rows, columns


def layer_rows(source: Classifier | keras.Model, image_size: tuple[int, int] | None = None) -> tuple[LayerRow, ...]:
    """Returns a row for every layer in the order of computation; arguments and errors as of `fields`."""
    graph, size = flatten(source, logits=False), _size(source, image_size)
    known, shapes = fields(source, size), _shapes(graph, size)
    costs = {step.name: _macs(step, shapes) for step in graph.program.steps}
    total = sum(costs.values()) or 1
    return tuple(
        LayerRow(
            step.name,
            kind_of(step.operation),
            shapes[step.outputs[0]],
            int(step.operation.count_params()) if hasattr(step.operation, "count_params") else 0,
            costs[step.name],
            costs[step.name] / total,
            known[step.name].size,
            known[step.name].stride,
            known[step.name].everything,
        )
        for step in graph.program.steps
    )


def _size(source: Classifier | keras.Model, image_size: tuple[int, int] | None) -> tuple[int, int]:
    height, width = flatten(source, logits=False).input_shape[:2]
    given = tuple(image_size or getattr(source, "image_size", None) or (height, width))
    if None in given:
        raise ModelError("The model takes images of any size: say which, as (height, width).")
    if height not in (None, given[0]) or width not in (None, given[1]):
        raise ModelError(f"The model takes images of {height} × {width}, not {given[0]} × {given[1]}.")
    return given


def _shapes(graph: Graph, size: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    """The shape of every value without the batch."""
    return graph.kept(("shapes", size), lambda: _inferred(graph, size))


def _inferred(graph: Graph, size: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    at = {layer.name: layer.shape for layer in graph.layers}
    found: dict[int, tuple[Any, ...]] = {step.outputs[0]: at[step.name] for step in graph.program.steps}
    found |= {0: (*size, graph.input_shape[2])}
    plain = all(len(step.outputs) == 1 for step in graph.program.steps)
    if plain and not any(None in shape for shape in found.values()):
        return found

    @tf.function(input_signature=[tf.TensorSpec((1, *found[0]), tf.float32)])
    def trace(pixels: Any) -> None:
        values = run(graph.program.steps, {0: pixels})
        found.update({one: tuple(value.shape[1:]) for one, value in values.items()})

    trace.get_concrete_function()
    return found


def _fields(graph: Graph, size: tuple[int, int]) -> dict[str, Field]:
    shapes = _shapes(graph, size)
    known = {0: Field(spans.pixels(size[0]), spans.pixels(size[1]))}
    for step in graph.program.steps:
        given = [known[one] for one in step.inputs]
        found = _after(step, given, [shapes[one] for one in step.inputs], shapes[step.outputs[0]], size)
        known.update(dict.fromkeys(step.outputs, found))
    return {step.name: known[step.outputs[0]] for step in graph.program.steps}


_BY_POSITION = {
    "Absolute",
    "Activation",
    "ActivityRegularization",
    "Add",
    "Average",
    "Clip",
    "Divide",
    "Dropout",
    "ELU",
    "Elu",
    "Exp",
    "GaussianDropout",
    "GaussianNoise",
    "Gelu",
    "HardSigmoid",
    "HardSilu",
    "Identity",
    "LayerScale",
    "LeakyReLU",
    "Log",
    "Maximum",
    "Minimum",
    "Multiply",
    "Negative",
    "PReLU",
    "Power",
    "ReLU",
    "Relu",
    "Relu6",
    "Rescaling",
    "Sigmoid",
    "Silu",
    "SpatialDropout2D",
    "Sqrt",
    "Square",
    "StochasticDepth",
    "Subtract",
    "Tanh",
    "TrueDivide",
}
"""Layers and operations whose output at a position depends on their inputs at this position alone."""
_OF_CHANNELS = {
    "Softmax",
    "LayerNormalization",
    "BatchNormalization",
    "Normalization",
    "UnitNormalization",
    "Concatenate",
    "Flip",
}
"""As those, where their axis is that of the channels."""


def _after(
    step: Step, given: list[Field], shapes: list[tuple[int, ...]], shape: tuple[int, ...], size: tuple[int, int]
) -> Field:
    operation, kind = layer_of(step.operation), _kind(step)
    exact = all(field.exact for field in given)
    height, width = (*shape[:-1], 1, 1)[:2]
    seen = any(field.everything for field in given)
    rows, columns = given[0].rows, given[0].columns
    by_position = (
        kind in _BY_POSITION or kind == "Dense" or (kind in _OF_CHANNELS and _last_axis(operation, len(shape)))
    )
    if by_position and all(len(f.rows.low) in (1, height) and len(f.columns.low) in (1, width) for f in given):
        rows = spans.merge([field.rows for field in given], height)
        columns = spans.merge([field.columns for field in given], width)
        if seen:
            rows, columns = spans.everywhere(rows, height), spans.everywhere(columns, width)
        return Field(rows, columns, seen, exact)
    if kind and len(given) == 1 and len(shape) == 3 and len(shapes[0]) == 3:
        down, across = spans.window_span(rows, operation, 0, height), spans.window_span(columns, operation, 1, width)
        if down is not None and across is not None:
            return Field(down, across, seen, exact)
    if kind == "Reshape" and len(shape) > 1 and height == shapes[0][0] and not seen:
        return Field(rows, spans.everywhere(columns, width), exact=exact)
    if len(given) == 1 and (kind in ("Flatten", "Reshape") or kind.startswith("Global")):
        return Field(spans.everywhere(rows, height), spans.everywhere(columns, width), True, exact)
    rows, columns = map(spans.pixels, size)
    return Field(spans.everywhere(rows, height), spans.everywhere(columns, width), True, False)


def _kind(step: Step) -> str:
    """What a step is for the positions along the image; "" where its layer works on other axes."""
    kind = kind_of(step.operation)
    if step.before or step.after:  # the channels' change of position is none of what is kept here
        return "Identity" if kind in ("Permute", "Transpose") and len(step.shape) == 4 else ""
    return "" if is_time_distributed(step.operation) and kind not in (*_BY_POSITION, "Dense") else kind


def _last_axis(operation: Any, rank: int) -> bool:
    axis = getattr(operation, "axis", -1)
    axes = [axis] if isinstance(axis, int) else list(axis or [None])
    return axes in ([-1], [rank])


def _macs(step: Step, shapes: Mapping[int, tuple[int, ...]]) -> int:
    operation = layer_of(step.operation)
    kind = type(operation).__name__
    given, got = shapes[step.inputs[0]], shapes[step.outputs[0]]
    if kind in ("Conv2D", "DepthwiseConv2D"):
        return math.prod(got[:2]) * _count(operation.kernel)
    if kind == "SeparableConv2D":
        return math.prod(got[:2]) * (_count(operation.depthwise_kernel) + _count(operation.pointwise_kernel))
    if kind == "Conv2DTranspose":
        return math.prod(given[:2]) * _count(operation.kernel)
    if kind == "Dense":
        return math.prod(got[:-1]) * _count(operation.kernel)
    return 0


def _count(weights: Any) -> int:
    sides: tuple[int, ...] = weights.shape
    return math.prod(sides)
