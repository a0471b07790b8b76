"""A network with all of its layers, the last softmax or sigmoid among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from cnnviz.explain.graph import Graph, flatten, layers_of
from cnnviz.explain.walk import Program, needed, taken_apart

if TYPE_CHECKING:
    from cnnviz.models.loaded import Loaded

__all__ = ["whole"]


def whole(source: Loaded | keras.Model) -> Graph:
    """Returns the network's graph as `graph.flatten` does, but with outputs as the model gives them.

    `flatten` leaves the last activation out, because explanations are about scores; who looks at every layer wants
    to see it, too. Layers of both graphs have the same names.

    Raises:
        ModelError: see `scores.walk`.
    """
    model = source if isinstance(source, keras.Model) else source.model
    return flatten(model).kept("whole", lambda: _whole(model))


def _whole(model: keras.Model) -> Graph:
    steps, outputs = taken_apart(model)
    program = Program(tuple(needed(steps, outputs)), tuple(outputs))
    units = tuple(int(tensor.shape[-1]) for tensor in model.outputs)
    return Graph(program, tuple(model.inputs[0].shape[1:]), units, layers_of(program, model.inputs[0].shape))
