"""What is explained where nobody said: the layer and the class, and why these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.attribution.targets import Target
from cnnviz.models.graph.graph import Graph, LayerAt

__all__ = ["choose_layer", "choose_target"]


def choose_layer(graph: Graph, wanted: str | None = None, head: int | None = None) -> tuple[str, str]:
    """Returns the layer whose activations make a map, and a sentence on why it is this one.

    Args:
        graph: the model.
        wanted: a layer's name, or the end of one within a nested model; any layer that gives channels of positions will
            do. By default the last convolution with more than one position.
        head: the output to be explained; it must depend on the layer. Any by default.

    Raises:
        ModelError: there is no such layer, it has no positions, or the model has no convolution.
    """
    layers = {layer.name: layer for layer in graph.layers}
    able = [name for name in graph.convolutions if _leads(graph, name, head)]
    if wanted is not None:
        return _wanted(graph, layers, wanted, able, head)
    beside = "".join(f" {at.name} gives {_by(at)}, not channels of positions." for at in graph.without_positions)
    if not able:
        raise ModelError(
            "The model has no convolution, so that there are no activations to make a map of: choose occlusion or "
            f"Integrated Gradients, which work on any model.{beside}"
        )
    wide = [name for name in able if layers[name].shape[:2] != (1, 1)]
    name = (wide or able)[-1]
    later = " with more than one position" if name != able[-1] else ""
    why = f"{name} is the last convolution{later}{_size(layers[name])}: late layers know best what things are."
    return name, why + beside


def _wanted(
    graph: Graph, layers: dict[str, LayerAt], wanted: str, able: Sequence[str], head: int | None
) -> tuple[str, str]:
    ends = [name for name in layers if name.endswith(f"/{wanted}")]
    name = wanted if wanted in layers else ends[0] if len(ends) == 1 else None
    others = one_of(wanted, able) if able else "it has no convolution: choose occlusion or Integrated Gradients"
    if name is None:
        raise ModelError(f"The model has no layer {wanted!r}: {others}.")
    if len(layers[name].shape) != 3:
        raise ModelError(f"The layer {name} gives {_by(layers[name])}, not channels of positions: {others}.")
    if not _leads(graph, name, head):
        raise ModelError(f"The prediction that is to be explained doesn't depend on the layer {name}: {others}.")
    return name, f"{name} was chosen{_size(layers[name])}."


def _leads(graph: Graph, layer: str, head: int | None) -> bool:
    heads = graph.reached(layer)
    return any(heads) if head is None else heads[head]


def _by(layer: LayerAt) -> str:
    return " × ".join(map(str, layer.shape))


def _size(layer: LayerAt) -> str:
    height, width, channels = layer.shape
    return "" if None in layer.shape else f" ({height} × {width} positions, {channels} channels)"


def choose_target(
    logits: Sequence[np.ndarray], head: int = 0, index: int | None = None, *, second: bool = False
) -> tuple[Target, str]:
    """Returns the target for one image and a sentence on why it is this one.

    Args:
        logits: each head's, (units,) or (1, units), as `Graph.model` gives them.
        head: the output to be explained, from 0.
        index: the class; by default the one that the model predicts.
        second: whether to explain what speaks for this class rather than for the likeliest other one.

    Raises:
        ModelError: no such head or class.
    """
    if not 0 <= head < len(logits):
        raise ModelError(f"Head {head} can't be explained: the model's heads are 0 to {len(logits) - 1}.")
    values = np.asarray(logits[head], np.float64).reshape(-1)
    if len(values) == 1:
        values = np.array([-values[0], values[0]])
    order = [int(one) for one in np.argsort(-values, kind="stable")]
    chosen = order[0] if index is None else index
    if chosen not in order:
        raise ModelError(f"Class {index} can't be explained: the head's classes are 0 to {len(order) - 1}.")
    against = next((one for one in order if one != chosen), None) if second else None
    why = f"Class {chosen} is " + ("what the model predicts" if index is None else "the chosen one")
    return Target(head, chosen, against), why + (f", against class {against}." if against is not None else ".")
