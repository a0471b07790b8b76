"""Batches for Keras. The order of samples is a function of (seed, epoch) and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cnnviz.augment import augment_batch, mix_batch
from cnnviz.data.split_images import SplitImages
from cnnviz.model_spec import Head
from cnnviz.recipe import Recipe

__all__ = ["evaluation", "order", "training"]

Labels = dict[str, np.ndarray]


def order(samples: int, count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Returns which samples an epoch takes, int64 of shape (count,).

    Every pass over the data is a permutation of its own. In the k-th pass a sample i is called i + k·samples, so that
    its augmentation is drawn anew; the image is that of the number modulo `samples`.
    """
    passes = range(math.ceil(count / samples))
    rows = [np.random.default_rng((seed, epoch, k)).permutation(samples) + k * samples for k in passes]
    return np.concatenate(rows)[:count].astype(np.int64)


def training(
    images: SplitImages, labels: Labels, recipe: Recipe, first_epoch: int = 0, end: int | None = None
) -> tf.data.Dataset:
    """Returns all batches from `first_epoch` (counted from 0) to before `end`, the recipe's by default, one after
    another.

    Elements: `(images, labels, weights)`, images uint8 (batch, height, width, channels), labels and weights one tensor
    a head (a tuple of them for several heads). An epoch has `recipe.fit.steps(len(images))` batches. Features
    instead of images come as they are, float32.
    """
    end = recipe.fit.epochs if end is None else end
    fit, size, heads = recipe.fit, recipe.data.image_size, recipe.network.heads
    count = fit.steps(len(images)) * fit.batch_size if fit.steps_per_epoch else len(images)
    policy, seed = recipe.augmentation, recipe.seed
    crop = recipe.data.crop if policy.needs_margin else "whole"  # otherwise the images are cropped already
    targets = _targets(labels, heads, mixed=policy.mixes)
    weights = _weights(labels, heads, balanced=fit.class_weight == "balanced")

    def load(epoch: int, samples: np.ndarray) -> tuple[np.ndarray | list[np.ndarray], ...]:
        rows = samples % len(images)
        wanted = [target[rows] for target in targets]
        batch: np.ndarray | list[np.ndarray]
        if policy.steps:
            batch = augment_batch(
                _take(images, rows), policy, seed=seed, epoch=int(epoch), samples=samples, size=size, crop=crop
            )
            if policy.mixes:
                named = {head.name: target for head, target in zip(heads, wanted, strict=True)}
                batch, named = mix_batch(batch, named, policy, seed=seed, epoch=int(epoch), samples=samples)
                wanted = list(named.values())
        else:
            batch = _take(images, rows)
        return batch, *wanted, *(weight[rows] for weight in weights)

    def batches() -> Iterator[tuple[int, np.ndarray]]:
        for epoch in range(first_epoch, end):
            samples = order(len(images), count, seed=seed, epoch=epoch)
            for start in range(0, count, fit.batch_size):
                yield epoch, samples[start : start + fit.batch_size]

    count_all = (end - first_epoch) * fit.steps(len(images))
    return _batched(batches, count_all, load, _spec(images, recipe), targets, weights)


def evaluation(images: SplitImages, labels: Labels, recipe: Recipe, batch_size: int = 128) -> tf.data.Dataset:
    """Returns all samples once, in their order, as `(images, labels)`; see `training` for shapes."""
    targets = _targets(labels, recipe.network.heads, mixed=recipe.augmentation.mixes)

    def load(_: int, rows: np.ndarray) -> tuple[np.ndarray | list[np.ndarray], ...]:
        return _take(images, rows), *(target[rows] for target in targets)

    def batches() -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, len(images), batch_size):
            yield 0, np.arange(start, min(start + batch_size, len(images)))

    return _batched(batches, math.ceil(len(images) / batch_size), load, _spec(images, recipe), targets, ())


def _spec(images: SplitImages, recipe: Recipe) -> tf.TensorSpec:
    """What a batch is: images, or features."""
    array = images.array
    if array is None or array.dtype == np.uint8:
        return tf.TensorSpec((None, *recipe.data.input_shape), tf.uint8)
    return tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype))


def _take(images: SplitImages, rows: np.ndarray) -> np.ndarray | list[np.ndarray]:
    return [images[i] for i in rows] if images.array is None else images.array[rows]


def _batched(
    batches: Callable[[], Iterator[tuple[int, np.ndarray]]],
    count: int,
    load: Callable[[int, np.ndarray], tuple[Any, ...]],
    given: tf.TensorSpec,
    targets: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
) -> tf.data.Dataset:
    """Maps `count` batches of (epoch, samples) through `load`; the tensors get the shapes that Keras needs to know."""
    spec = (tf.TensorSpec((), tf.int64), tf.TensorSpec((None,), tf.int64))
    indices = tf.data.Dataset.from_generator(batches, output_signature=spec)
    indices = indices.apply(tf.data.experimental.assert_cardinality(count))
    arrays = (*targets, *weights)
    types = [given.dtype, *(tf.as_dtype(array.dtype) for array in arrays)]

    def load_batch(epoch: tf.Tensor, samples: tf.Tensor) -> tuple[Any, ...]:
        images, *rest = tf.numpy_function(load, (epoch, samples), types)
        images.set_shape(given.shape)
        for tensor, array in zip(rest, arrays, strict=True):
            tensor.set_shape((None, *array.shape[1:]))
        y, w = tuple(rest[: len(targets)]), tuple(rest[len(targets) :])
        return (images, _one_or_all(y), _one_or_all(w)) if w else (images, _one_or_all(y))

    return indices.map(load_batch, num_parallel_calls=2, deterministic=True).prefetch(4)


def _one_or_all(tensors: tuple[tf.Tensor, ...]) -> object:
    return tensors[0] if len(tensors) == 1 else tensors


def _targets(labels: Labels, heads: Sequence[Head], *, mixed: bool) -> list[np.ndarray]:
    """What each head is compared with: class indices, or float shares for one unit or mixed samples."""
    made = []
    for head in heads:
        if head.units == 1:
            made.append(labels[head.name].astype(np.float32)[:, None])
        elif mixed:
            made.append(np.eye(head.units, dtype=np.float32)[labels[head.name]])
        else:
            made.append(labels[head.name].astype(np.int64))
    return made


def _weights(labels: Labels, heads: Sequence[Head], *, balanced: bool) -> list[np.ndarray]:
    """For balanced classes, the weight of every sample and head: n / (classes · n of its class), as scikit-learn's."""
    if not balanced:
        return []
    made = []
    for head in heads:
        counts = np.bincount(labels[head.name], minlength=head.classes)
        made.append((len(labels[head.name]) / (head.classes * np.maximum(counts, 1)))[labels[head.name]])
    return [weight.astype(np.float32) for weight in made]
