"""Small models of every form that a person may bring. Their weights are positive, so that every method finds some
evidence for any class, and their scores lie far enough apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

__all__ = ["FORMS", "images", "made"]


def _sequential(folder: Path) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(5, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def _loaded_sequential(folder: Path) -> keras.Model:
    _positive(model := _sequential(folder))
    model.save(folder / "sequential.keras")
    return keras.models.load_model(folder / "sequential.keras", compile=False)


def _late_sequential(folder: Path) -> keras.Model:
    """Without an Input: the graph is there after the first call."""
    model = keras.Sequential([layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    model(np.zeros((1, 12, 12, 3), np.float32))
    return model


def _nested(folder: Path) -> keras.Model:
    """A functional backbone for images of any size in a Sequential in a functional model, loaded from a file."""
    given = keras.Input((None, None, 3))
    inner = keras.Model(given, layers.Conv2D(4, 3, padding="same", activation="relu")(given), name="inner")
    backbone = keras.Sequential(
        [keras.Input((None, None, 3)), inner, layers.MaxPooling2D(name="pool"), layers.Conv2D(5, 3, activation="relu")],
        name="backbone",
    )
    pixels = keras.Input((12, 12, 3))
    x = backbone(layers.Rescaling(1 / 255)(pixels), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(3)(x)
    model = keras.Model(pixels, layers.Softmax()(x))
    _positive(model)
    model.save(folder / "nested.keras")
    return keras.models.load_model(folder / "nested.keras", compile=False)


def _residual(folder: Path) -> keras.Model:
    """Skips around the last convolution; batch normalisation, dropout, two heads as a list, one with one sigmoid."""
    pixels = keras.Input((12, 12, 3))
    x = layers.Normalization(mean=[100, 110, 120], variance=[2500, 2600, 2700])(pixels)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(x)
    y = layers.Dropout(0.5)(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    scores = layers.Activation("softmax", name="kind")(layers.Dense(3)(x))
    return keras.Model(pixels, [scores, layers.Dense(1, activation="sigmoid", name="yes")(x)])


def _named_heads(folder: Path) -> keras.Model:
    """A dict of outputs, of which one takes no part in the last convolution; separable and depthwise layers."""
    pixels = keras.Input((12, 12, 3))
    x = layers.SeparableConv2D(4, 3, activation="relu")(layers.Rescaling(1 / 127.5, -0.2)(pixels))
    early = layers.Dense(2, name="early")(layers.GlobalMaxPooling2D()(x))
    x = layers.DepthwiseConv2D(3, activation="relu")(x)
    late = layers.Activation("sigmoid")(layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    return keras.Model(pixels, {"late": late, "early": early})


def _grey_logit(folder: Path) -> keras.Model:
    return keras.Sequential(
        [keras.Input((12, 10, 1)), layers.Conv2D(4, 3, strides=2, activation="relu"), layers.Flatten(), layers.Dense(1)]
    )


def _operations(folder: Path) -> keras.Model:
    """Operations beside layers, one layer used twice, and a 1 × 1 convolution behind the pooling."""
    pixels = keras.Input((12, 12, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    x = ops.relu(shared(ops.multiply(pixels, 1 / 255)))
    x = ops.relu(shared(x)) + x[..., :3]
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Reshape((3,))(layers.Conv2D(3, 1)(x))
    return keras.Model(pixels, keras.activations.softmax(x))


def _half(folder: Path) -> keras.Model:
    """Mixed precision, with its last activation in float32, as Keras's guide has it."""
    pixels = keras.Input((12, 12, 3))
    x = layers.Rescaling(1 / 255, dtype="mixed_float16")(pixels)
    x = layers.Conv2D(4, 3, activation="relu", dtype="mixed_float16")(x)
    x = layers.Dense(3, dtype="mixed_float16")(layers.Flatten(dtype="mixed_float16")(x))
    return keras.Model(pixels, layers.Activation("softmax", dtype="float32")(x))


def _any_size(folder: Path) -> keras.Model:
    """A whole model for images of any size, with a log-softmax at its end."""
    pixels = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Activation("log_softmax")(x))


FORMS: dict[str, Callable[[Path], keras.Model]] = {
    "sequential": _sequential,
    "loaded sequential": _loaded_sequential,
    "late sequential, logits": _late_sequential,
    "nested and loaded": _nested,
    "residual, list of heads": _residual,
    "dict of heads": _named_heads,
    "grey, one logit": _grey_logit,
    "operations": _operations,
    "mixed precision": _half,
    "any size": _any_size,
}


def _positive(model: keras.Model) -> None:
    random = np.random.default_rng(3)
    for one in model.trainable_variables:
        if "kernel" in one.path:
            one.assign(random.uniform(0.02, 0.3, one.shape))


def made(form: str, folder: Path) -> keras.Model:
    """The model of this form, the same for every call."""
    keras.utils.set_random_seed(0)
    model = FORMS[form](folder)
    _positive(model)
    return model


def images(model: keras.Model, count: int = 2) -> np.ndarray:
    """Float32 images 0..255 that are not the same everywhere."""
    shape = [side or 12 for side in model.input_shape[1:]]
    return np.random.default_rng(1).uniform(0, 255, (count, *shape)).astype(np.float32)
