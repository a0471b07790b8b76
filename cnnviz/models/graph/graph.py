"""A model taken apart: its layers, its logits, and the two halves that meet at a layer."""

from __future__ import annotations

import itertools
import re
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import tensorflow as tf

from cnnviz.errors import ModelError, enough_memory, short
from cnnviz.models.graph.layer_kinds import kind_of, layer_of
from cnnviz.models.graph.logits import Log, walk
from cnnviz.models.graph.output_activations import endings
from cnnviz.models.graph.traversal import Program, Step, needed_steps, run, taken_apart

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["Cut", "Graph", "LayerAt", "flatten", "layers_of", "trace"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv1D,
    keras.layers.Conv1DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.SeparableConv1D,
)
"""Those along one side give channels of places where they are called for every row."""


@dataclass(frozen=True)
class LayerAt:
    """A layer in its place: `name` is its path, with the names of the models it is nested in, joined by "/". `type` is
    what the layer is, whatever it is wrapped in.

    A layer that is called several times is there several times, as name, name:2, … `shape` is its output's without the
    batch, (height, width, channels) for images; `None` stands for sides that differ from image to image.
    """

    name: str
    type: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Cut:
    """The model's halves below and above a layer, compiled.

    `lower` takes pixels, float32 (n, h, w, c), and gives [the layer's activations, *others]: `others` are the values
    that pass beside the layer, such as a skip connection's. `upper` takes that list and gives each head's logits.
    `heads` says which heads depend on the layer.
    """

    layer: str
    shape: tuple[int | None, ...]
    heads: tuple[bool, ...]
    lower: Callable[[Any], list[Any]]
    upper: Callable[[Sequence[Any]], list[Any]]


@dataclass(frozen=True, eq=False)
class Graph:
    """A model as steps from pixels to logits, sharing the model's variables. See `flatten`.

    Attributes:
        input_shape: (height, width, channels) of an image; sides of any length are `None`.
        units: each head's number of outputs.
        layers: all layers, in the order in which they are computed.
    """

    program: Program
    input_shape: tuple[int | None, ...]
    units: tuple[int, ...]
    layers: tuple[LayerAt, ...]
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Names of the convolutions, in order. A map of a layer is made of the layer's own output: after its
        activation, where it has one inside, and before a batch normalisation or addition that follows."""
        return tuple(layer.name for layer in self._convolving if len(layer.shape) == 3)

    @property
    def without_positions(self) -> tuple[LayerAt, ...]:
        """The convolutions behind the last of `convolutions`, which give anything else than channels of places."""
        later = self._convolving[::-1]
        return tuple(itertools.takewhile(lambda layer: len(layer.shape) != 3, later))[::-1]

    @property
    def _convolving(self) -> tuple[LayerAt, ...]:
        def find() -> tuple[LayerAt, ...]:
            steps = {step.name: step for step in self.program.steps}
            return tuple(one for one in self.layers if isinstance(layer_of(steps[one.name].operation), _CONVOLUTIONS))

        return self.kept("convolving", find)

    @property
    def model(self) -> Callable[[Any], list[Any]]:
        """From pixels, float32 (n, h, w, c), to the list of each head's logits, float32 (n, units); compiled."""
        return self.kept("model", lambda: trace(self.logits, self.signature))

    @property
    def signature(self) -> tf.TensorSpec:
        """What compiled functions take for pixels."""
        return tf.TensorSpec((None, *self.input_shape), tf.float32)

    def logits(self, pixels: Any) -> list[Any]:
        """As `model`, not compiled."""
        values = run(self.program.steps, {0: pixels})
        return [tf.cast(values[output], tf.float32) for output in self.program.outputs]

    def kept(self, key: Any, make: Callable[[], T]) -> T:
        """Returns what `make` made for this key before, or makes it; it goes when the model goes."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def cut(self, layer: str) -> Cut:
        """Returns the model cut behind a layer.

        Raises:
            ModelError: it has no such layer.
        """
        return self.kept(("cut", layer), lambda: self._compiled(layer))

    def _compiled(self, layer: str) -> Cut:
        plain = self.halves(layer)
        lower: Any = trace(plain.lower, self.signature)
        given = [tf.TensorSpec(one.shape, one.dtype) for one in lower.get_concrete_function().structured_outputs]
        return Cut(plain.layer, plain.shape, plain.heads, lower, trace(plain.upper, given))

    def reached(self, layer: str) -> tuple[bool, ...]:
        """Returns which heads depend on a layer's output."""
        return self.kept(("reached", layer), lambda: self.halves(layer).heads)

    def halves(self, layer: str) -> Cut:
        """As `cut`, not compiled, for use within a function that is."""
        step = next((step for step in self.program.steps if step.name == layer), None)
        if step is None:
            raise ModelError(f"The model has no layer {layer!r}.")
        place = step.outputs[0]
        below, above, others = _parts(self.program, step)
        outputs = self.program.outputs

        def lower(pixels: Any) -> list[Any]:
            values = run(below, {0: pixels})
            return [values[place], *(values[one] for one in others)]

        def upper(given: Sequence[Any]) -> list[Any]:
            values = run(above, dict(zip((place, *others), given, strict=True)))
            return [tf.cast(values[output], tf.float32) for output in outputs]

        made = {place, *(value for one in above for value in one.outputs)}
        heads = tuple(output in made for output in outputs)
        shape = next(at.shape for at in self.layers if at.name == layer)
        return Cut(layer, shape, heads, lower, upper)


def trace(function: F, *signature: Any) -> F:
    """Returns the function compiled for these inputs, now and not at the first call: where many models are explained,
    TensorFlow would warn of one function that is traced again and again, as it can't tell theirs apart.

    Raises:
        ModelError: a layer can't be traced, as some can't where sides are open.
    """
    compiled = tf.function(function, input_signature=signature)
    try:
        compiled.get_concrete_function()
    except (tf.errors.OperatorNotAllowedInGraphError, NotImplementedError) as error:
        where = _LAYER_CALLED.search(str(error))
        layer = f"its layer of the kind {where[1]}" if where else short(error, 160).rstrip(".")
        raise ModelError(
            f"The model can't be looked into, as {layer} can't be traced for images of any size: save it anew with an "
            "Input of a fixed size."
        ) from None
    called = enough_memory()(compiled.__call__)
    called.get_concrete_function = compiled.get_concrete_function
    traced: F = called
    return traced


def _parts(program: Program, at: Step) -> tuple[list[Step], list[Step], list[int]]:
    """The steps that don't depend on this step's output, those that do, and the values that cross beside it."""
    moved = {at.outputs[0]}
    below, above = [], []
    for step in program.steps:
        if moved.intersection(step.inputs):
            moved.update(step.outputs)
            above.append(step)
        else:
            below.append(step)
    used = [*(value for step in above for value in step.inputs), *program.outputs]
    return below, above, [value for value in dict.fromkeys(used) if value not in moved]


_LAYER_CALLED = re.compile(r"when calling (\w+)\.call\(\)")
"""In Keras's words for what a layer raised."""
_GRAPHS: weakref.WeakKeyDictionary[keras.Model, tuple[tuple[Any, ...], Graph]] = weakref.WeakKeyDictionary()
"""Compiled functions are kept for as long as their model is; a graph holds the model's layers, but not the model."""


def flatten(source: Classifier | keras.Model, *, logits: bool = True) -> Graph:
    """Returns the model's graph, the same one for the same model. The model is not changed by it or its use.

    Works on Sequential and functional models, whose nested models of both kinds are entered. What other models and
    layers hold is one step. Layers of both graphs have the same names.

    Args:
        source: the model.
        logits: whether a softmax or sigmoid at an output's end is left out, so that outputs are logits, which
            explanations are about. Otherwise outputs are as the model gives them, for who looks at every layer.

    Raises:
        ModelError: see `logits.walk`.
    """
    model = source if isinstance(source, keras.Model) else source.model
    stamp = (*(id(tensor) for tensor in getattr(model, "outputs", None) or ()), *endings(model))
    if model not in _GRAPHS or _GRAPHS[model][0] != stamp:
        _GRAPHS[model] = (stamp, _graph(model, walk(model)))
    graph = _GRAPHS[model][1]
    return graph if logits else graph.kept("whole", lambda: _graph(model, _whole(model)))


def _graph(model: keras.Model, program: Program) -> Graph:
    units = tuple(int(tensor.shape[-1]) for tensor in model.outputs)
    shape = model.inputs[0].shape
    return Graph(program, tuple(shape[1:]), units, layers_of(program, shape))


def _whole(model: keras.Model) -> Program:
    steps, outputs = taken_apart(model)
    return Program(tuple(needed_steps(steps, outputs)), tuple(outputs))


def layers_of(program: Program, input_shape: Sequence[int | None]) -> tuple[LayerAt, ...]:
    """Returns a program's layers in order, for pixels of the shape (n, height, width, channels).

    Where a layer's sides are known only once the pixels' are, its shape is found by tracing.
    """
    shapes = {step.outputs[0]: step.shape for step in program.steps}
    unknown = any(len(shape) == 4 and None in shape[1:] for shape in shapes.values())
    if unknown and None not in input_shape[1:]:  # a nested model that takes images of any size

        @tf.function(input_signature=[tf.TensorSpec((None, *input_shape[1:]), tf.float32)])
        def trace(pixels: Any) -> None:
            values = run(program.steps, {0: pixels})
            shapes.update({value: tuple(values[value].shape) for value in shapes})

        trace.get_concrete_function()
    found = {
        step.name: LayerAt(step.name, kind_of(step.operation), tuple(shapes[step.outputs[0]][1:]))
        for step in program.steps
        if not isinstance(step.operation, Log)
    }
    return tuple(found.values())
