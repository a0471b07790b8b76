"""Does a map depend on what the model learned? It is made again after layer upon layer has lost its weights.

After Adebayo et al. 2018 (Sanity checks for saliency maps, arXiv:1810.03292), cascading from the top. Importing this
loads no TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.errors import ModelError, short
from cnnviz.explain.metrics.deletion_insertion import over, resize_map
from cnnviz.progress import CancelCheck, Cancelled, Progress

__all__ = [
    "DRAWS",
    "MOST_STAGES",
    "ParameterRandomization",
    "Stage",
    "clone",
    "randomize_parameters",
    "rank_correlation",
    "similarity",
    "structure",
    "weighted_layers",
]

DRAWS = 3
MOST_STAGES = 12
_SIDE = 64  # maps are compared by structure at this size at least

MapOf = Callable[[Any], np.ndarray]


@dataclass(frozen=True, eq=False)
class Stage:
    """What a map became after these layers, too, lost their weights.

    `layers` are those that this stage adds, top first. `correlations` and `structures` hold a value for each draw: the
    rank correlation with the original map and their structural similarity, each at most 1. `map` is that of the first
    draw, float32 (h', w').
    """

    layers: tuple[str, ...]
    correlations: tuple[float, ...]
    structures: tuple[float, ...]
    map: np.ndarray

    @property
    def correlation(self) -> float:
        """The draws' mean rank correlation."""
        return float(np.mean(self.correlations))

    @property
    def structure(self) -> float:
        """The draws' mean structural similarity."""
        return float(np.mean(self.structures))


@dataclass(frozen=True, eq=False)
class ParameterRandomization:
    """The original map, float32 (h', w'), and what became of it, the top layer first.

    `wanted` is how many stages there would be with time enough and `ended` why there are fewer stages or draws: "time",
    "stop" or "".
    """

    original: np.ndarray
    stages: tuple[Stage, ...]
    wanted: int
    ended: str = ""


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Returns Spearman's rank correlation of two maps of one shape, −1..1; 0 where one is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(values.ravel()) for values in (one, other)]
    if any(np.ptp(values) == 0 for values in ranks):
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def structure(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the structural similarity (SSIM) of two maps, each divided by its greatest value; at most 1."""
    from skimage.metrics import structural_similarity

    size = tuple(max(_SIDE, side) for side in one.shape)
    scaled = [resize_map(values / (np.abs(values).max() or 1.0), size) for values in (one, other)]
    return float(structural_similarity(*scaled, data_range=1.0))


def similarity(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Returns both measures of two maps of one shape: `rank_correlation` and `structure`."""
    return rank_correlation(one, other), structure(one, other)


def clone(model: Any) -> Any:
    """Returns a Keras model of the same layers and weights that shares nothing with this one.

    Raises:
        ModelError: it can't be made again from its description.
    """
    import keras

    from cnnviz.models.graph.output_activations import carry

    try:
        twin = keras.models.clone_model(model)
        twin.set_weights(model.get_weights())
        carry(model, twin)
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = short(error, 160).rstrip(".")
        raise ModelError(f"The model can't be copied ({reason}), so that no layer of it can be randomized.") from None
    return twin


def weighted_layers(model: Any, head: int = 0) -> list[tuple[str, list[Any]]]:
    """Returns names and variables of the layers with weights that a head's answer depends on, from the top down.

    A normalisation goes with the layer whose output it takes, as its scale and shift are part of what that layer does.

    Raises:
        ModelError: see `graph.flatten`.
    """
    from cnnviz.models.graph.graph import flatten

    program = flatten(model).program
    makers = {value: step for step in program.steps for value in step.outputs}
    needed, found = {program.outputs[head]}, []
    seen: set[int] = set()
    beside: dict[int, list[Any]] = {}
    for step in reversed(program.steps):
        if not needed.intersection(step.outputs):
            continue
        needed.update(step.inputs)
        own = list(getattr(step.operation, "weights", ()))
        if seen.intersection(map(id, own)):
            own = []
        seen.update(map(id, own))
        below = makers.get(step.inputs[0])
        if own and _normalises(step) and below is not None and _has_weights(below) and not _normalises(below):
            beside.setdefault(id(below), []).extend(own)
        elif own := own + beside.pop(id(step), []):
            found.append((step.name, own))
    return found


def _normalises(step: Any) -> bool:
    from cnnviz.models.graph.layer_kinds import kind_of

    return kind_of(step.operation).endswith("Normalization")


def _has_weights(step: Any) -> bool:
    return bool(getattr(step.operation, "weights", ()))


def randomize_parameters(
    model: Any,
    map_of: MapOf,
    *,
    head: int = 0,
    draws: int = DRAWS,
    seed: int = 0,
    budget: float = 60.0,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> ParameterRandomization:
    """Returns what becomes of a map while the layers of a copy of the model lose their weights, from the top down.

    A layer's weights are lost by putting each of its tensors' values in random order: what was learned goes, their
    mean and spread stay, so that the signal neither dies nor explodes on its way up. Neighbouring layers are taken
    together where there are more than `MOST_STAGES`.

    Args:
        model: a Keras model; it is only read.
        map_of: makes the map, float (h', w'), of a model.
        head: which output the map explains; layers that only others depend on are left alone.
        draws: how often all of it is done, each time in another order.
        seed: for the orders.
        budget: seconds. What is done by then is returned, at least the first stage of the first draw.
        progress: called with what is being done, how much is done and how much there is.
        cancelled: asked before every map; what is done by then is returned.
        lock: held while the model is read, and not while its copy works.

    Raises:
        ModelError: the model can't be copied or taken apart, has no weights, or its map is the same everywhere.
        Cancelled: `map_of` raised it before there was a first stage; later on, what is done is returned.
    """
    with lock or nullcontext():
        twin = clone(model)
    original = np.asarray(map_of(twin), np.float32)
    if np.ptp(original) == 0:
        raise ModelError("The map is the same everywhere, so that nothing in it could change.")
    stages = _stages(weighted_layers(twin, head))
    if not stages:
        raise ModelError("The model has no weights that could be randomized.")
    trained = twin.get_weights()
    ends, ended = time.monotonic() + budget, ""
    found: list[list[np.ndarray]] = [[] for _ in stages]
    for draw in range(draws):
        twin.set_weights(trained)
        rng = np.random.default_rng((seed, draw))
        for nth, (_, variables) in enumerate(stages):
            if found[0] and (ended := over(ends, cancelled)):
                break
            if progress is not None:
                progress("Randomising layers", draw * len(stages) + nth, draws * len(stages))
            for variable in variables:
                values = variable.numpy()
                variable.assign(rng.permutation(values.ravel()).reshape(values.shape))
            try:
                found[nth].append(np.asarray(map_of(twin), np.float32))
            except Cancelled:
                if not found[0]:
                    raise
                ended = "stop"
                break
        if ended:
            break
    made = []
    for (names, _), maps in zip(stages, found, strict=True):
        if maps:
            correlations, structures = zip(*(similarity(original, one) for one in maps), strict=True)
            made.append(Stage(names, correlations, structures, maps[0]))
    return ParameterRandomization(original, tuple(made), len(stages), ended)


def _stages(layers: Sequence[tuple[str, list[Any]]]) -> list[tuple[tuple[str, ...], list[Any]]]:
    """At most `MOST_STAGES` groups of neighbours, as even as can be."""
    parts = np.array_split(np.arange(len(layers)), min(MOST_STAGES, len(layers)) or 1)
    return [
        (tuple(layers[at][0] for at in part), [variable for at in part for variable in layers[at][1]])
        for part in parts
        if len(part)
    ]
