"""Does a model survive an augmentation step? Its predictions along the step's range, for one image and for many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.augment import augment_batch, sweep
from cnnviz.errors import RecipeError
from cnnviz.images import with_channels
from cnnviz.models.probabilities import BATCH, predict
from cnnviz.policy import STEPS, Policy, Step
from cnnviz.progress import CancelCheck, Progress, batches
from cnnviz.recipe import Recipe, parse

if TYPE_CHECKING:
    from cnnviz.data.split_images import SplitImages

__all__ = ["Changes", "along", "changes", "policy_at"]


@dataclass(frozen=True)
class Changes:
    """How predictions go along a step's range.

    `values` are the strengths; for each of them and each head `changed` is the share of the images whose prediction
    differs from that to the image as it is, and `accuracy` the share of right predictions, all 0..1. `untouched` is the
    accuracy on the images as they are.
    """

    values: tuple[float, ...]
    images: int
    changed: dict[str, tuple[float, ...]]
    accuracy: dict[str, tuple[float, ...]]
    untouched: dict[str, float]


def along(
    model: Callable[..., Any],
    image: np.ndarray,
    kind: str,
    values: Sequence[float],
    recipe: Recipe,
    *,
    policy: Policy | None = None,
) -> dict[str, np.ndarray]:
    """Returns the probabilities of one image's classes after one step at each of these values.

    Args:
        model: see `probabilities.predict`.
        image: uint8 (height, width, 1 or 3), of any size; it is cropped and resized as the recipe says.
        kind: the step's type. Positions, such as of an erased rectangle, are in the middle.
        values: within the step's bounds; kinds without a range are applied from 0.5 on.
        policy: where the fill mode comes from; by default the recipe's own augmentation.

    Returns:
        For each head float32 (values, classes).

    Raises:
        RecipeError: no such step, one that mixes images, or a value out of bounds.
        ImageError: an image of another type or shape.
    """
    data = recipe.data
    images = sweep(
        with_channels(image, data.channels),
        kind,
        values,
        size=data.image_size,
        crop=data.crop,
        policy=policy or recipe.augmentation,
    )
    heads = recipe.network.heads
    return {head.name: found for head, found in zip(heads, predict(model, images, heads), strict=True)}


def policy_at(step: Step, value: float, policy: Policy, *, probability: float = 1.0) -> Policy:
    """Returns a policy that applies the step to every image with this value, at a position of each image's own."""
    if STEPS[step.type].bounds is None:
        only = Step(type=step.type, probability=probability * (value >= 0.5))
    else:
        only = parse({"type": step.type, "low": value, "high": value, "probability": probability}, Step)
    return policy.model_copy(update={"steps": (only,)})


def changes(
    model: Callable[..., Any],
    images: Sequence[np.ndarray] | SplitImages,
    labels: dict[str, np.ndarray],
    step: Step,
    strengths: Sequence[float],
    recipe: Recipe,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Changes:
    """Returns how predictions to many images change along a step's range.

    Args:
        model: see `probabilities.predict`.
        images: uint8 of the recipe's size and channels; for a step that cuts its own window, whole images.
        labels: for each head the right classes, int (n,).
        step: its type is carried out; its range is not used.
        strengths: the values; see `along`.
        policy: where the fill mode comes from; by default the recipe's own augmentation.
        progress: called with what is being done, how many predictions are there and how many are wanted.
        cancelled: asked before every batch.

    Raises:
        RecipeError: a step that mixes images, a value out of bounds, or no images.
        Cancelled: `cancelled` said so.
    """
    if STEPS[step.type].group == "batch":
        raise RecipeError(f"{step.type} mixes images and can't be swept: choose another step.")
    if not len(images) or not len(strengths):
        raise RecipeError(f"There are {len(images)} images and {len(strengths)} strengths: expected some.")
    policy = policy or recipe.augmentation
    heads, count = recipe.network.heads, len(images)
    whole = count * (len(strengths) + 1)

    def predictions(steps: Policy, before: int) -> list[np.ndarray]:
        found: list[list[np.ndarray]] = []
        for part in batches(count, BATCH, "Predicting", progress, cancelled, before=before, whole=whole):
            rows = range(count)[part]
            batch = augment_batch(
                [images[row] for row in rows],
                steps,
                seed=0,
                epoch=0,
                samples=list(rows),
                size=recipe.data.image_size,
                crop=recipe.data.crop if steps.needs_margin else "whole",
            )
            found.append([each.argmax(axis=1) for each in predict(model, batch, heads)])
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    plain = predictions(policy_at(step, strengths[0], policy, probability=0.0), 0)
    moved: dict[str, list[float]] = {head.name: [] for head in heads}
    right: dict[str, list[float]] = {head.name: [] for head in heads}
    for nth, value in enumerate(strengths, 1):
        found = predictions(policy_at(step, value, policy), nth * count)
        for head, before, now in zip(heads, plain, found, strict=True):
            moved[head.name].append(float(np.mean(before != now)))
            right[head.name].append(float(np.mean(now == labels[head.name])))
    return Changes(
        values=tuple(float(value) for value in strengths),
        images=len(images),
        changed={name: tuple(fractions) for name, fractions in moved.items()},
        accuracy={name: tuple(fractions) for name, fractions in right.items()},
        untouched={
            head.name: float(np.mean(before == labels[head.name])) for head, before in zip(heads, plain, strict=True)
        },
    )
