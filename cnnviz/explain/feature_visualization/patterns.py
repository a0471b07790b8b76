"""What a filter looks for: images made by gradient ascent on its mean output, many filters at once.

`plain` is the tutorial's way: from grey noise, each step the gradient over its root mean square. `robust` changes the
image's spectrum instead and asks for patterns that survive being moved, turned and scaled (Olah et al. 2017), which
gives clean images of deep layers, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.feature_visualization.gradient_ascent import ascent
from cnnviz.explain.feature_visualization.modes import DEFAULT, MODES, ModeId
from cnnviz.progress import CancelCheck, Progress, check_cancelled

if TYPE_CHECKING:
    import keras

    from cnnviz.models.classifier import Classifier

__all__ = ["FeatureVisualizations", "Settings", "draw", "usual_size", "visualize"]

_BATCH = 8
_ROUND = 4
"""Steps between two looks: few enough that something new is there several times a second."""


@dataclass(frozen=True)
class Settings:
    """How patterns are made.

    Attributes:
        mode: one of `modes.MODES`.
        steps: how many steps of ascent.
        step: how far each goes: in pixel values 0..255 for `plain`, as Adam's learning rate × 20 for `robust`.
        size: the images' side in pixels.
        seed: of the noise to start from, and of `robust`'s movements.
    """

    mode: ModeId = DEFAULT
    steps: int = MODES[DEFAULT].steps
    step: float = 1.0
    size: int = 64
    seed: int = 0

    def check(self) -> None:
        """Raises `ModelError` where a setting can't be used."""
        if self.mode not in MODES:
            raise ModelError(f"There is no way {self.mode!r} to make patterns: {one_of(self.mode, MODES)}.")
        for name, low, high in (("steps", 1, 2000), ("step", 0.001, 100), ("size", 8, 512)):
            if not low <= getattr(self, name) <= high:
                raise ModelError(f"{name} is {getattr(self, name):g}: expected {low:g} to {high:,}.")


@dataclass(frozen=True, eq=False)
class FeatureVisualizations:
    """Feature visualizations of a layer's filters, whole or still being made.

    Attributes:
        layer: whose filters.
        filters: which ones, n of them.
        images: uint8 (n, size, size, channels).
        steps: how many steps each has behind it, int64 (n,).
        before: each filter's mean output for the noise at the start, float32 (n,).
        after: the same for the pattern; as `before` until the pattern is whole.
    """

    layer: str
    filters: tuple[int, ...]
    images: np.ndarray
    steps: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def whole(self, settings: Settings) -> np.ndarray:
        """Returns which patterns are whole, bool (n,)."""
        return self.steps >= settings.steps


def usual_size(source: Classifier | keras.Model, layer: str) -> int:
    """Returns a side in pixels that suits a layer's patterns: 64, or more where its filters see more.

    Layers that need the model's own size, as behind Flatten, get it.

    Raises:
        ModelError: no such layer.
    """
    from cnnviz.explain.inspection.receptive_field import fields
    from cnnviz.models.graph.graph import flatten

    own = flatten(source, logits=False).input_shape
    size: tuple[int, int] = getattr(source, "image_size", None) or (own[0] or 224, own[1] or 224)
    known = fields(source, size)
    if layer not in known:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, known)}.")
    if known[layer].everything:
        return max(size)
    return int(np.clip(-(-max(known[layer].size) // 32) * 32, 64, max(64, *size)))


def visualize(
    source: Classifier | keras.Model,
    layer: str,
    filters: Sequence[int],
    settings: Settings | None = None,
    *,
    seen: Callable[[FeatureVisualizations], None] | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    lock: AbstractContextManager[Any] | None = None,
) -> FeatureVisualizations:
    """Returns patterns of filters.

    Args:
        source: the model; it is not changed.
        layer: a layer that gives channels of positions, or units (a class's score, for a head).
        filters: which channels; a pattern depends on its filter only, not on what others are asked for.
        settings: see `Settings`.
        seen: called with what is there so far, several times a second, at first with noise alone.
        progress: called with what is being done, and with steps done, over all filters, and in all.
        cancelled: asked several times a second.
        lock: held while the model is at work, and let go several times a second.

    Raises:
        ModelError: no such layer or filter, or settings that can't be used with it.
        Cancelled: `cancelled` said so.
    """
    settings = settings or Settings()
    filters = tuple(dict.fromkeys(int(one) for one in filters))
    if not filters:
        raise ModelError(f"No filter of the layer {layer} was chosen: choose at least one.")
    rounds, held = draw(source, layer, filters, settings), lock if lock is not None else nullcontext()

    def further() -> FeatureVisualizations | None:
        with held:
            return next(rounds, None)

    for found in iter(further, None):
        if seen is not None:
            seen(found)
        if progress is not None:
            what = f"Feature visualizations of {layer}, step"
            progress(what, int(found.steps.sum()), settings.steps * len(filters))
        check_cancelled(cancelled)
    return found


def draw(
    source: Classifier | keras.Model, layer: str, filters: Sequence[int], settings: Settings | None = None
) -> Iterator[FeatureVisualizations]:
    """Makes patterns; yields them as they are a few steps further each time, at first the noise alone.

    Raises:
        ModelError: see `visualize`.
    """
    settings, filters = settings or Settings(), tuple(filters)
    settings.check()
    way = ascent(source, layer, settings.mode, settings.size)
    for one in filters:
        if not 0 <= one < way.filters:
            raise ModelError(f"The layer {layer} has no filter {one}: choose 0 to {way.filters - 1}.")
    count = len(filters)
    now = FeatureVisualizations(
        layer,
        filters,
        np.zeros((count, settings.size, settings.size, way.channels), np.uint8),
        np.zeros(count, np.int64),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )
    starts = [way.start(np.random.default_rng([settings.seed, one])) for one in filters]
    for at, start in enumerate(starts):
        now.images[at] = way.images(start[None])[0]
    yield _copied(now)
    for first in range(0, count, _BATCH):
        part = slice(first, min(first + _BATCH, count))
        chosen = np.array(filters[part])
        moves = np.stack([way.moves(np.random.default_rng([settings.seed, one, 1]), settings.steps) for one in chosen])
        state = way.begin(np.stack(starts[part]))
        for step in range(settings.steps):
            begun, (state, means) = state, way.step(state, chosen, moves[:, step], settings.step, step)
            if step == 0:
                means = way.means(begun, chosen) if means is None else means
                now.before[part] = now.after[part] = np.asarray(means)
            done = step + 1
            if done == settings.steps:
                now.after[part] = way.means(state, chosen)
            if done % _ROUND == 0 or done in (1, settings.steps):
                now.images[part], now.steps[part] = way.images(way.of(state)), done
                yield _copied(now)


def _copied(found: FeatureVisualizations) -> FeatureVisualizations:
    """What is given away doesn't change any more."""
    arrays = ("images", "steps", "before", "after")
    return replace(found, **{name: getattr(found, name).copy() for name in arrays})
