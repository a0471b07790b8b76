"""Watching a model learn: small snapshots of a few fixed validation images, many in the first epochs, then one each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError
from cnnviz.explain.attribution.defaults import choose_layer
from cnnviz.explain.attribution.methods.grad_cam import combine
from cnnviz.explain.attribution.targets import Target
from cnnviz.model_spec import Head
from cnnviz.models.graph.graph import Graph, flatten, trace
from cnnviz.models.graph.layer_kinds import layer_of
from cnnviz.models.graph.traversal import Step, run
from cnnviz.models.probabilities import probabilities
from cnnviz.recipe import Recipe
from cnnviz.runs import snapshots
from cnnviz.runs.snapshots import DENSE, DENSE_EPOCHS, Maps, Moment, Probe, Snapshot
from cnnviz.train.callbacks import EXPLODED

__all__ = ["Snapshots", "Snapshotter"]

DEAREST = 0.02
"""The largest share of a run's time that snapshots may take; where epochs are too short for that, some are left out."""
MOST_HEADS = 4
"""Of how many heads there is a Grad-CAM."""
_CHANNELS, _SIDE, _LEAST_SIDE, _CONVOLUTIONS = 16, 32, 6, 20
_MAP_BYTES = 150_000
_CAM_SIDE = 32
_KERNEL_NUMBERS = 15_000
_MANY_CLASSES, _LIKELIEST = 100, 20


class Snapshotter:
    """Takes snapshots of one model, by a function that is compiled when it is made; never changes the model.

    Where the model begins with frozen layers that stay so (`frozen`), what they make of the images is computed once
    instead, and nothing is compiled.
    """

    def __init__(self, model: keras.Model, heads: Sequence[Head], probe: Probe, *, frozen: bool = False):
        graph = flatten(model)
        self._scores = [head.of_logits for head in heads]
        self._classes = [head.classes for head in heads]
        self._convolutions = _watched(graph)
        self._layer = choose_layer(graph)[0] if graph.convolutions else ""
        self._cams = [head.name for head in heads[:MOST_HEADS]] if self._layer else []
        weights = [
            np.stack([Target(at, int(index)).weights(graph.units[at]) for index in probe.labels[name]])
            for at, name in enumerate(self._cams)
        ]
        self._weights = [tf.constant(each) for each in weights]
        self._pixels = tf.constant(probe.images, tf.float32)
        self._kernels = _first_kernels(graph)
        compute = self._function(graph, *_sizes(graph, self._convolutions, len(probe.images)), frozen)
        specs = graph_spec(self._pixels), [graph_spec(each) for each in self._weights]
        self._compute = compute if frozen else trace(compute, *specs)

    def take(self, moment: Moment) -> Snapshot:
        """Returns the snapshot of the model as it is now, said to be of this moment."""
        logits, cams, maps = self._compute(self._pixels, self._weights)
        class_probabilities = probabilities([one.numpy() for one in logits], self._scores)
        named = {head.name: _likeliest(each) for head, each in zip(self._scores, class_probabilities, strict=True)}
        small = tuple(
            _levels(layer.name, layer.shape, values.numpy())
            for layer, values in zip(self._convolutions, maps, strict=True)
        )
        heat = {name: np.nan_to_num(one.numpy()) for name, one in zip(self._cams, cams, strict=True)}
        kernels = self._kernels() if self._kernels else None
        return Snapshot(moment, named, self._layer, heat, small, kernels)

    def _function(self, graph: Graph, channels: int, side: int, frozen: bool) -> Callable[..., Any]:
        steps, outputs = graph.program.steps, graph.program.outputs
        places = {step.name: (at, step.outputs[0]) for at, step in enumerate(steps)}
        cut, place = places[self._layer] if self._layer else (len(steps) - 1, 0)
        first = min(cut + 1, _frozen(steps)) if frozen else 0
        known = run(steps[:first], {0: self._pixels})
        inputs = {one for step in steps[first:] for one in step.inputs} | {place}

        def small(values: dict[int, Any], layers: Sequence[Any]) -> list[Any]:
            maps = (values[places[layer.name][1]][..., :channels] for layer in layers)
            return [_small(tf.cast(each, tf.float32), side) for each in maps]

        count = sum(places[layer.name][0] < first for layer in self._convolutions)
        known_maps = small(known, self._convolutions[:count])
        known = {at: value for at, value in known.items() if at in inputs}

        def compute(pixels: Any, weights: Any) -> tuple[list[Any], list[Any], list[Any]]:
            values = run(steps[first : cut + 1], {**known, 0: pixels})
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(values[place])
                values = run(steps[cut + 1 :], values)
                logits = [tf.cast(values[output], tf.float32) for output in outputs]
                scores = [tf.reduce_sum(one * row, axis=1) for one, row in zip(logits, weights, strict=False)]
            cams = [_grad_cam(values[place], tape.gradient(score, values[place])) for score in scores]
            return logits, cams, known_maps + small(values, self._convolutions[count:])

        return compute


def _frozen(steps: Sequence[Step]) -> int:
    """How many steps there are before the first that learns."""
    learns = (at for at, step in enumerate(steps) if getattr(step.operation, "trainable_variables", ()))
    return next(learns, len(steps))


def graph_spec(tensor: Any) -> tf.TensorSpec:
    """What a compiled function takes for tensors like this one."""
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _watched(graph: Graph) -> list[Any]:
    """The convolutions that are watched: all, or evenly spread ones where there are very many."""
    layers = {layer.name: layer for layer in graph.layers}
    names = graph.convolutions
    if not names:
        return []
    at = np.unique(np.linspace(0, len(names) - 1, min(len(names), _CONVOLUTIONS)).round().astype(int))
    return [layers[names[i]] for i in at]


def _sizes(graph: Graph, layers: Sequence[Any], images: int) -> tuple[int, int]:
    """How many channels of each convolution are kept, and how long their longer side may be, so that it is not much."""
    for side in range(_SIDE, _LEAST_SIDE, -1):
        areas = [min(side, max(one.shape[:2])) ** 2 * min(_CHANNELS, one.shape[2]) for one in layers]
        if images * sum(areas) <= _MAP_BYTES:
            return _CHANNELS, side
    return max(1, _MAP_BYTES // max(1, images * len(layers) * _LEAST_SIDE**2)), _LEAST_SIDE


def _small(values: Any, side: int) -> Any:
    """Means over as many places that the longer side is at most `side`; (n, h, w, k)."""
    factor = -(-max(values.shape[1:3]) // side)
    return tf.nn.avg_pool2d(values, factor, factor, "SAME") if factor > 1 else values


def _grad_cam(activations: Any, gradients: Any) -> Any:
    """Grad-CAM's maps, made small where the layer is large."""
    heat = combine(tf.cast(activations, tf.float32), tf.cast(gradients, tf.float32))
    return _small(heat[..., None], _CAM_SIDE)[..., 0]


def _levels(layer: str, shape: tuple[int, ...], values: np.ndarray) -> Maps:
    values = np.nan_to_num(values)
    low, high = values.min(axis=(1, 2)), values.max(axis=(1, 2))
    span = high - low
    factor = np.divide(255, span, out=np.zeros_like(span), where=span > 0)
    scaled = (values - low[:, None, None]) * factor[:, None, None]
    height, width, channels = shape
    return Maps(layer, (height, width, channels), np.rint(scaled, out=scaled).clip(0, 255).astype(np.uint8), low, high)


def _likeliest(class_probabilities: np.ndarray) -> np.ndarray:
    """Of very many classes only the likeliest, the rest 0, which takes no room once it is compressed."""
    if class_probabilities.shape[1] <= _MANY_CLASSES:
        return class_probabilities
    least = np.partition(class_probabilities, -_LIKELIEST, axis=1)[:, -_LIKELIEST, None]
    return np.where(class_probabilities >= least, class_probabilities, 0)


def _first_kernels(graph: Graph) -> Callable[[], np.ndarray] | None:
    """What reads the first convolution's kernels, where it sees the image's channels."""
    steps = {step.name: step.operation for step in graph.program.steps}
    layer = next((layer_of(steps[name]) for name in graph.convolutions[:1]), None)
    if not isinstance(layer, keras.layers.Conv2D) or layer.kernel.shape[2] not in (1, 3):
        return None
    filters = min(layer.kernel.shape[3], max(1, _KERNEL_NUMBERS // int(np.prod(layer.kernel.shape[:3]))))
    return lambda: layer.kernel.numpy()[..., :filters]


class Snapshots(keras.callbacks.Callback):
    """Keeps a snapshot before the first batch, after batches of the first epochs, closer together the earlier, and at
    the end of epochs: the first, the last, and as many between as take no more than their share of the time. Stands
    behind what stops early and before what saves the run.

    Args:
        folder: the run's.
        recipe: the run's.
        probe: the images that are watched.
        batches: how many make an epoch.
        first: the epochs that there are already.
        end: the epochs after which the fit ends; all of the recipe's by default.
        whole: the model, where only a part of it is fitted, behind what is frozen.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        probe: Probe,
        batches: int,
        first: int,
        end: int | None = None,
        whole: keras.Model | None = None,
    ):
        super().__init__()
        self._folder, self._recipe, self._probe, self._batches, self._first = folder, recipe, probe, batches, first
        self._end, self._whole = recipe.fit.epochs if end is None else end, whole
        self.spent = self._trained = self._cost = 0.0
        self._dense = _Dense(batches, self._least_epochs() * batches, first * batches)

    def on_train_begin(self, logs=None):
        snapshots.drop(self._folder, self._first if self._first else -1)
        snapshots.save_images(self._folder, self._probe)
        heads, whole = self._recipe.network.heads, self._whole
        self._taker = Snapshotter(whole or self.model, heads, self._probe, frozen=whole is not None)
        if not self._first:
            self._keep(Moment(0))

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._began = epoch, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        began = time.perf_counter()
        if self._dense.due(self._epoch * self._batches + batch + 1, began) and batch + 1 < self._batches:
            self._keep(Moment(self._epoch, batch + 1, self._batches))
            took = time.perf_counter() - began
            self._dense.taken(took)
            self.spent += took
            self._began += took  # so that it is no part of the epoch

    def on_epoch_end(self, epoch, logs=None):
        began = time.perf_counter()
        self._trained += began - self._began
        must = epoch == 0 or epoch + 1 == self._end or self.model.stop_training
        spent = self.spent - self._dense.spent + self._dense.share * self._trained
        if not must and spent + self._cost > DEAREST * self._trained:
            return
        self._keep(Moment(epoch + 1))
        self._cost = time.perf_counter() - began
        self.spent += self._cost

    def _least_epochs(self) -> int:
        """After how many epochs the fit may end by itself."""
        patience = self._recipe.fit.patience
        return self._end - self._first if patience is None else min(self._end - self._first, patience + 1)

    def _keep(self, moment: Moment) -> None:
        try:
            taken = self._taker.take(moment)
        except ModelError as error:
            if moment == Moment(0):
                raise
            raise FloatingPointError(EXPLODED) from error  # it shows in what the model predicts first
        snapshots.save(self._folder, taken)


class _Dense:
    """After which batches of the first epochs there are snapshots: each is about as much later than the one before as
    that was late, and together they take half of what snapshots may of the time that all `steps` will take.

    `share` of the fit's whole time has been `spent`. The first batch, which builds the graph, tells nothing of time.
    """

    def __init__(self, batches: int, steps: int, last: int):
        self._end, self._steps, self._last = DENSE_EPOCHS * batches, steps, last
        self._seen = 0
        self._warm = self._whole = self.spent = self.share = 0.0
        self._costs: list[float] = []

    def due(self, step: int, now: float) -> bool:
        """Whether a snapshot is to be taken after a step, counted from the run's first; asked after each."""
        self._seen += 1
        if self._seen == 1:
            self._warm = now
        if self._seen == 1 or step >= self._end:
            return False
        self._whole = (now - self._warm - self.spent) / (self._seen - 1) * self._steps
        count = DENSE
        if self._costs:
            more = (DEAREST / 2 * self._whole - self.spent) / statistics.median(self._costs)
            if more < 1:
                return False
            count = min(DENSE, len(self._costs) + int(more))
        if step < next((place for place in _places(count, self._end) if place > self._last), self._end):
            return False
        self._last = step
        return True

    def taken(self, seconds: float) -> None:
        """Takes notice of what the snapshot cost."""
        self._costs.append(seconds)
        self.spent += seconds
        self.share = self.spent / self._whole if self._whole else 0.0


def _places(count: int, end: int) -> list[int]:
    """So many different numbers between 2 and `end`, or all, in a geometric row where there is room for one."""
    at = np.arange(min(count, end - 1))
    row = np.geomspace(2, end, len(at)).round().astype(int)
    places: list[int] = (np.maximum.accumulate(row - at) + at).tolist()
    return places
