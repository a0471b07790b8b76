"""Small models of every form that a person may bring, and their layers' outputs by plain Keras."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

__all__ = ["FORMS", "SIDE", "made", "pixels_for", "references"]

SIDE = 16


def _trunk(channels: int = 3) -> list:
    return [
        keras.Input((SIDE, SIDE, channels)),
        layers.Rescaling(1 / 255, name="scaled"),
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="second"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
    ]


def _sequential(channels: int = 3) -> keras.Model:
    return keras.Sequential(
        [
            *_trunk(channels),
            layers.Flatten(name="flat"),
            layers.Dense(5, "relu", name="dense"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(3, "softmax", name="answer"),
        ]
    )


def _functional() -> keras.Model:
    """A branch beside, depthwise and separable convolutions, dilation, groups, and operations that are no layers."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu", name="depthwise")(x)
    y = layers.Conv2D(4, 3, padding="same", dilation_rate=2, groups=2, name="grouped")(y)
    x = layers.ReLU(max_value=6.0, name="six")(x + y)
    x = layers.AveragePooling2D(3, strides=2, padding="same", name="mean")(x)
    z = layers.SeparableConv2D(4, 3, padding="same", name="separable")(x)
    x = layers.Concatenate(name="both")([x, z])
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    x = layers.Dense(1, name="score")(x)
    return keras.Model(inputs, layers.Activation("sigmoid", name="chance")(x))


def _nested() -> keras.Model:
    """A functional model, and a Sequential one for images of any size, inside another."""
    inner = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")], name="inner"
    )
    x = start = keras.Input((SIDE - 2, SIDE - 2, 4))
    x = layers.Conv2D(5, 3, name="conv")(x)
    middle = keras.Model(start, layers.MaxPooling2D(name="pool")(x), name="middle")
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D(name="gap")(middle(inner(inputs)))
    return keras.Model(inputs, layers.Dense(2, "softmax", name="answer")(x))


def _heads() -> keras.Model:
    inputs = x = keras.Input((SIDE, SIDE, 3))
    for layer in _trunk()[1:]:
        x = layer(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(inputs, [layers.Dense(2, "softmax", name="a")(x), layers.Dense(1, "sigmoid", name="b")(x)])


def _from_file() -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        _randomized(_sequential()).save(path)
        return keras.models.load_model(path, compile=False)


FORMS: dict[str, Callable[[], keras.Model]] = {
    "sequential": _sequential,
    "functional": _functional,
    "nested": _nested,
    "heads": _heads,
    "file": _from_file,
    "grey": lambda: _sequential(1),
}


def _randomized(model: keras.Model) -> keras.Model:
    """Gives every weight a value of its own, the moving statistics of normalisations too."""
    draw = np.random.default_rng(5)
    model.set_weights(
        [
            one
            + draw.uniform(0.05, 0.3, one.shape) * draw.choice([-1, 1], one.shape) * (one.min() <= 0)
            + (one.min() > 0) * draw.uniform(0, 0.5, one.shape)
            for one in model.get_weights()
        ]
    )
    return model


def made(form: str) -> keras.Model:
    """Returns a new model of this form."""
    keras.utils.set_random_seed(3)
    model = FORMS[form]()
    return model if form == "file" else _randomized(model)


def pixels_for(model: keras.Model, count: int = 1, seed: int = 0) -> np.ndarray:
    """Returns random images 0..255 for it, float32 (count, height, width, channels)."""
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, *model.input_shape[1:])).astype(np.float32)


def references(model: keras.Model, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the outputs of all layers, named as the graph names them, each by a plain Keras sub-model."""
    found: dict[str, np.ndarray] = {}
    start = model.layers[0].input if isinstance(model, keras.Sequential) else model.input
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            before = layer._inbound_nodes[-1].input_tensors[0]
            given = keras.Model(start, before)(pixels, training=False)
            inner = references(layer, np.asarray(given))
            found.update({f"{layer.name}/{name}": values for name, values in inner.items()})
            continue
        found[layer.name] = np.asarray(keras.Model(start, layer.output)(pixels, training=False))
    return found
