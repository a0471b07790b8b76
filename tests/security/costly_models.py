"""Honest saves of a few kilobytes that would take any memory or time when they are asked about one image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

__all__ = ["COSTLY"]


def _classified(change: Callable[[Any], Any], *shape: int | None) -> Callable[[], keras.Model]:
    """A model that classifies what a layer makes of its images."""

    def made() -> keras.Model:
        given = keras.Input(shape)
        x = change(given)
        while len(x.shape) > 2:
            x = keras.ops.mean(x, axis=1)
        return keras.Model(given, layers.Dense(2, activation="softmax")(x))

    return made


def _rows(side: int, wide: int) -> Callable[[Any], Any]:
    return lambda x: layers.Reshape((side, wide))(x)


def _inner(x: Any) -> Any:
    """A model that is small for one image, called for each of very many."""
    given = keras.Input((64, 64, 3))
    maps = layers.Conv2D(128, 3, padding="same")(layers.Conv2D(128, 3, padding="same")(given))
    small = keras.Model(given, layers.GlobalAveragePooling2D()(maps))
    return layers.TimeDistributed(small)(layers.Reshape((256, 64, 64, 3))(x))


def _in_powers(x: Any) -> Any:
    """Models in models, each called twice by the one outside."""
    given = keras.Input((64, 64, 3))
    inside = keras.Model(given, layers.ReLU()(layers.Conv2D(3, 3, padding="same")(given)))
    for _ in range(14):
        given = keras.Input((64, 64, 3))
        inside = keras.Model(given, inside(inside(given)))
    return inside(x)


def _doubled(x: Any) -> Any:
    """Its sum with itself, again and again, each through a layer that does nothing when it predicts."""
    for _ in range(30):
        x = layers.Dropout(0.1)(layers.Add()([x, x]))
    return x


def _doubled_in_models(x: Any) -> Any:
    given = keras.Input(x.shape[1:])
    twice = keras.Model(given, given + given)
    for _ in range(30):
        x = twice(x)
    return x


COSTLY: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "attention": (_classified(lambda x: layers.Attention()([_rows(262_144, 3)(x)] * 2), 512, 512, 3), "values"),
    "attention of many heads": (
        _classified(lambda x: layers.MultiHeadAttention(32, 4)(*[_rows(4096, 3)(x)] * 2), 64, 64, 3),
        "values",
    ),
    "additive attention": (
        _classified(lambda x: layers.AdditiveAttention()([_rows(4096, 12)(x)] * 2), 128, 128, 3),
        "values",
    ),
    "open sides, enlarged": (_classified(layers.UpSampling2D(64), None, None, 3), "values"),
    "open sides, padded": (_classified(layers.ZeroPadding2D(6000), None, None, 3), "values"),
    "images repeated": (_classified(lambda x: keras.ops.repeat(x, 1_000_000, axis=0), 16, 16, 3), "values"),
    "images repeated, a little": (_classified(lambda x: keras.ops.repeat(x, 3, axis=0), 8, 8, 3), "one row"),
    "images laid as tiles": (_classified(lambda x: keras.ops.tile(x, (1_000_000, 1, 1, 1)), 16, 16, 3), "values"),
    "a model for each part": (_classified(_inner, 1024, 1024, 3), "multiplications"),
    "models in models": (_classified(_in_powers, 64, 64, 3), "layers"),
    "depth multiplier": (
        _classified(layers.SeparableConv2D(1, 1, depth_multiplier=4000, use_bias=False), 512, 512, 3),
        "values",
    ),
    "10,000 steps": (_classified(lambda x: layers.LSTM(4)(_rows(10_000, 3)(x)), 100, 100, 3), "steps"),
    "steps in both directions": (
        _classified(lambda x: layers.Bidirectional(layers.GRU(4))(_rows(1024, 3)(x)), 32, 32, 3),
        "steps",
    ),
    "a million steps": (_classified(lambda x: layers.SimpleRNN(4)(_rows(1_048_576, 3)(x)), 1024, 1024, 3), "steps"),
    "large kernel": (_classified(layers.Conv2D(8, 200, padding="same"), 512, 512, 3), "multiplications"),
    "large kernel, normalised": (
        _classified(
            lambda x: layers.SpectralNormalization(layers.Conv2D(8, 200, padding="same"))(x, training=False),
            512,
            512,
            3,
        ),
        "multiplications",
    ),
    "large window": (_classified(layers.AveragePooling2D(400, 1, "same"), 1024, 1024, 3), "multiplications"),
    "large depthwise kernel": (_classified(layers.SeparableConv2D(8, 64, padding="same"), 600, 600, 3), "windows"),
    "large window, one channel": (_classified(layers.MaxPooling2D(100, 1, "same"), 600, 600, 1), "windows"),
    "sums of sums": (_classified(_doubled, 28, 28, 1), "terms"),
    "sums of sums, in models": (_classified(_doubled_in_models, 28, 28, 1), "terms"),
    "a product of all with all": (
        _classified(
            lambda x: keras.ops.matmul(_rows(16_384, 12)(x), keras.ops.transpose(_rows(16_384, 12)(x), (0, 2, 1))),
            256,
            256,
            3,
        ),
        "values",
    ),
}
"""By what takes so much: what makes the model, and what the sentence must speak of."""
