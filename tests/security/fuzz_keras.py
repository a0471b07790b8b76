"""Models as Keras itself saves them: layers in any order, with any legal settings, sizes and nesting."""

from __future__ import annotations

from math import prod
from pathlib import Path
from random import Random
from typing import Any

import keras
import numpy as np
from keras import layers

from cnnviz.explain import explain
from cnnviz.explain.attribution.targets import Target
from cnnviz.models.load import sandbox_client
from cnnviz.models.load.load import load_file

ACTIVATIONS = ["relu", "gelu", "softmax", "sigmoid", "tanh", "leaky_relu", "linear", None, "log_softmax", "mish"]
MOST_WEIGHTS = 20_000_000
TRIES = 60


def ready() -> None:
    """Starts the process that tries models, once for all."""
    sandbox_client.warm()


def of_images(draw: Random) -> list[Any]:
    """A layer on (height, width, channels), not built yet, of which each may fail on what it gets."""
    pick, some = draw.choice, draw.random
    kernel = pick([1, 2, 3, 3, 5, 7, (1, 9), 64])
    padding, filters = pick(["same", "valid"]), pick([1, 4, 8, 16, 64, 300])
    options = {"padding": padding, "activation": pick(ACTIVATIONS), "use_bias": some() < 0.7}
    return pick(
        [
            lambda: layers.Conv2D(filters, kernel, strides=pick([1, 1, 2, 4]), groups=pick([1, 1, 2, 4]), **options),
            lambda: layers.Conv2D(filters, kernel, dilation_rate=pick([1, 2, 3]), **options),
            lambda: layers.SpectralNormalization(layers.Conv2D(filters, 3, **options)),
            lambda: layers.Conv2DTranspose(filters, kernel, strides=pick([1, 2, 8]), **options),
            lambda: layers.DepthwiseConv2D(kernel, depth_multiplier=pick([1, 2, 40]), **options),
            lambda: layers.SeparableConv2D(filters, kernel, depth_multiplier=pick([1, 3, 60, 1000]), **options),
            lambda: layers.MaxPooling2D(pick([2, 3, (1, 4), 100]), strides=pick([None, 1]), padding=padding),
            lambda: layers.AveragePooling2D(pick([2, 3, 150]), strides=pick([None, 1]), padding=padding),
            lambda: layers.UpSampling2D(pick([2, 3, (1, 8), 30]), interpolation=pick(["nearest", "bilinear"])),
            lambda: layers.ZeroPadding2D(pick([1, (0, 5), 700])),
            lambda: layers.Cropping2D(pick([1, 3, 40])),
            lambda: layers.Resizing(pick([1, 7, 32, 2000]), pick([1, 9, 32, 2000])),
            lambda: layers.CenterCrop(4, 4),
            lambda: layers.BatchNormalization(),
            lambda: layers.LayerNormalization(),
            lambda: layers.GroupNormalization(1),
            lambda: layers.UnitNormalization(),
            lambda: layers.Dropout(0.5),
            lambda: layers.SpatialDropout2D(0.3),
            lambda: layers.RandomFlip(),
            lambda: layers.RandomRotation(0.1),
            lambda: layers.RandomZoom(0.2),
            lambda: layers.Rescaling(pick([1 / 255, 1e30, 0.0]), offset=pick([0.0, -1.0])),
            lambda: layers.PReLU(),
            lambda: layers.Dense(filters, activation=options["activation"]),
            lambda: layers.Permute((2, 1, 3)),
            lambda: layers.Activation(pick(["relu", "softmax", "silu"])),
            lambda: layers.ELU(),
            lambda: lambda x: keras.ops.repeat(x, pick([2, 3, 500]), axis=pick([0, 1, 3])),
            lambda: lambda x: keras.ops.tile(x, pick([(1, 2, 2, 1), (3, 1, 1, 1), (1, 30, 30, 1)])),
            lambda: lambda x: layers.Concatenate()([x, x]),
            lambda: lambda x: layers.Add()([x, x]),
            lambda: lambda x: keras.ops.flip(x, axis=1),
            lambda: lambda x: keras.ops.exp(x),
            lambda: lambda x: x / keras.ops.sum(x),
            lambda: lambda x: keras.ops.transpose(x, (0, 2, 1, 3)),
            lambda: lambda x: keras.ops.mean(x, axis=pick([0, 1, 3]), keepdims=True) + x,
            lambda: lambda x: layers.Multiply()([x, layers.Conv2D(1, 1)(x)]),
            lambda: lambda x: nested(draw, x),
            lambda: lambda x: nested(draw, x),
        ]
    )()


def nested(draw: Random, x: Any) -> Any:
    """A model in the model, called once or many times."""
    given = keras.Input(x.shape[1:])
    inner = stacked(draw, given, draw.randint(1, 3))
    model = keras.Model(given, inner) if draw.random() < 0.5 else keras.Sequential([given, layers.ReLU()])
    for _ in range(draw.choice([1, 2, 30])):
        x = model(x)
    return x


def of_rows(draw: Random, x: Any) -> Any:
    """Layers on (places, features), then one row."""
    pick = draw.choice
    for _ in range(draw.choice([0, 1, 1, 2])):
        x = pick(
            [
                lambda x: layers.LSTM(pick([1, 8, 64]), return_sequences=True)(x),
                lambda x: layers.Bidirectional(layers.GRU(pick([1, 8])), merge_mode="ave")(x)[:, None],
                lambda x: layers.SimpleRNN(4, unroll=False, return_sequences=True)(x),
                lambda x: layers.MultiHeadAttention(pick([1, 4, 32]), pick([2, 16]))(x, x),
                lambda x: layers.Attention()([x, x]),
                lambda x: layers.AdditiveAttention()([x, x]),
                lambda x: layers.Conv1D(pick([4, 64]), pick([1, 3, 500]), padding="same")(x),
                lambda x: layers.TimeDistributed(layers.Dense(pick([3, 300])))(x),
                lambda x: layers.LayerNormalization()(x),
                lambda x: layers.EinsumDense("abc,cd->abd", (None, pick([3, 50])))(x),
                lambda x: layers.MaxPooling1D(2)(x),
                lambda x: keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1))),
            ]
        )(x)
    return pick(
        [lambda x: layers.GlobalAveragePooling1D()(x), lambda x: layers.Flatten()(x), lambda x: layers.LSTM(4)(x)]
    )(x)


def odd(draw: Random, *names: str) -> str | None:
    """Now and then a name that TensorFlow doesn't like."""
    return draw.choice(names) if draw.random() < 0.03 else None


def fits(weights: int) -> None:
    """Raises ValueError where that many weights are too many to be saved five hundred times."""
    if weights > MOST_WEIGHTS:
        raise ValueError("too large")


def stacked(draw: Random, x: Any, count: int) -> Any:
    for _ in range(count):
        layer = of_images(draw)
        if (kernel := getattr(layer, "kernel_size", None)) is not None:
            fits(prod(kernel) * x.shape[-1] * (getattr(layer, "filters", None) or 1))
        x = layer(x)
    return x


def random_model(draw: Random) -> keras.Model:
    """Any model that Keras puts together.

    Raises:
        Exception: what was drawn doesn't fit together, or is too large to be saved here.
    """
    pick = draw.choice
    side = pick([1, 8, 8, 28, 32, 64, 224, 600, None])
    given = keras.Input((side, pick([side, side, 5]), pick([1, 3, 3])), name=odd(draw, "a b", "größe", "x<y"))
    x = stacked(draw, given, draw.randint(0, 6))
    if draw.random() < 0.25:
        x = of_rows(draw, layers.Reshape((-1, x.shape[-1]))(x))
    else:
        x = pick([layers.Flatten(), layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D()])(x)
    heads = []
    for _ in range(pick([1, 1, 1, 2, 5])):
        units = pick([1, 2, 3, 10, 100, 1000, 10_001])
        activation = pick(["sigmoid", None]) if units == 1 else pick(["softmax", "softmax", "softmax", None, "sigmoid"])
        fits(units * x.shape[-1])
        heads.append(layers.Dense(units, activation, name=odd(draw, "<b>", "-y"))(x))
    model = keras.Model(given, heads if len(heads) > 1 else heads[0], name=odd(draw, "_net", "my.net"))
    fits(model.count_params())
    if draw.random() < 0.05:
        model.set_weights([np.full(one.shape, pick([np.nan, np.inf, 1e38]), np.float32) for one in model.get_weights()])
    return model


def made(draw: Random, folder: Path) -> Path:
    for _ in range(TRIES):
        try:
            model = random_model(draw)
        except Exception:  # it doesn't fit together
            continue
        path = folder / "net.keras"
        model.save(path)
        return path
    raise RuntimeError(f"Nothing of {TRIES} drawn models fits together.")


def asked(path: Path) -> None:
    classifier = load_file(path)
    noise = np.random.default_rng(0).integers(0, 256, (2, *classifier.image_size, classifier.channels), np.uint8)
    for head, probabilities in zip(classifier.heads, classifier.predict(noise), strict=True):
        assert probabilities.shape == (2, head.classes)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    found = explain(classifier.model, classifier.pixels(noise[:1]), method="gradient", target=Target(0, 0))
    assert found.map.shape[0] == 1
