"""The one call that runs any attribution method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.explain.attribution.method import Task
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target, weights_of
from cnnviz.progress import CancelCheck, Progress

if TYPE_CHECKING:
    import keras


__all__ = ["Explanation", "explain"]

NOTHING = "Nothing in this image speaks for this class here: the map is empty."


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps of n images and what is to be known about them.

    Attributes:
        method: its id, see `registry.METHODS`.
        layer: the layer that the maps are made of; `None` for the family `pixel`.
        why: why this layer; "" for the family `pixel`.
        target: what was explained, one for all images or one for each.
        map: float32 (n, h, w), at least 0, neither normalised nor resized: of the layer's size after ReLU, or of the
            input's size.
        scores: float32 (n,), the target's scores before softmax or sigmoid.
        strength: float32 (n,), each map's greatest value.
        notes: for each image "" or the sentence that its map holds nothing for the class.
        remarks: sentences on how the maps were made.
        signed: float32 (n, h, w) of what speaks for and against, where a method tells them apart; else `None`.
        sums: for Integrated Gradients float32 (n, 2): the sum of an image's attributions, and the difference between
            its score and the baseline's, which is what the sum should be; else `None`.
    """

    method: str
    layer: str | None
    target: Target | tuple[Target, ...]
    map: np.ndarray
    scores: np.ndarray
    strength: np.ndarray
    notes: tuple[str, ...]
    why: str = ""
    remarks: tuple[str, ...] = ()
    signed: np.ndarray | None = None
    sums: np.ndarray | None = None

    @property
    def note(self) -> str:
        """The first image's note."""
        return self.notes[0] if self.notes else ""


def explain(
    model: keras.Model,
    pixels: np.ndarray,
    *,
    method: str,
    target: Target | Sequence[Target],
    layer: str | None = None,
    baseline: np.ndarray | float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    **settings: Any,
) -> Explanation:
    """Returns maps of what in the images makes a model's score what it is.

    The model is called as for prediction and not changed. Not for several threads at once on one model.

    Args:
        model: any Sequential or functional Keras model that takes images, see `graph.flatten`.
        pixels: float32 (n, height, width, channels) in the scale that the model takes.
        method: an id of `registry.METHODS`.
        target: what to explain; one for all images, or one for each, of the same head.
        layer: for the family `cam`; by default as `resolve.choose_layer` says.
        baseline: what stands for "nothing there", for Integrated Gradients and occlusion: pixels (height, width,
            channels), (channels,) or one number, in the model's scale.
        seed: of what a method draws at random.
        progress: called with the method's title, what is done and how much there is.
        cancelled: asked now and then whether to stop.
        **settings: the method's own, see its `METHOD`.

    Raises:
        ModelError: no such method, layer, head, class or setting, or a model or pixels that don't fit.
        Cancelled: `cancelled` said so.
    """
    if method not in METHODS:
        raise ModelError(f"There is no method {method!r}: {one_of(method, METHODS)}.")
    settings = METHODS[method].checked(settings)
    from cnnviz.explain.attribution.defaults import choose_layer
    from cnnviz.models.graph.graph import flatten  # brings TensorFlow

    graph = flatten(model)
    pixels = _checked(pixels, graph.input_shape)
    head, weights = weights_of(target, graph.units, len(pixels))
    name, why = None, ""
    if METHODS[method].family == "cam":
        name, why = choose_layer(graph, layer, head)
    what = METHODS[method].title
    task = Task(graph, pixels, head, weights, name or "", baseline, seed, what, progress, cancelled)
    found = METHODS[method].maps(task, **settings)
    strength = found.map.max(axis=(1, 2), initial=0).astype(np.float32)
    return Explanation(
        method,
        name,
        target if isinstance(target, Target) else tuple(target),
        found.map,
        found.scores,
        strength,
        tuple("" if value > 0 else NOTHING for value in strength),
        why,
        found.remarks,
        found.signed,
        found.sums,
    )


def _checked(pixels: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    pixels = np.asarray(pixels, np.float32)
    fits = pixels.ndim == 4 and all(want in (None, have) for want, have in zip(shape, pixels.shape[1:], strict=True))
    if not fits or not len(pixels):
        raise ModelError(
            f"The pixels have the shape {pixels.shape}: expected (n, {', '.join(str(side or 'any') for side in shape)})"
            " with at least one image."
        )
    if not np.isfinite(pixels).all():
        raise ModelError("The pixels hold infinite values or none at all (NaN): expected finite numbers.")
    return pixels
