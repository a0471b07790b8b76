"""Seconds of looking inside, beside the tutorial's way and the bare model.

    python benchmarks/inside.py [--turns 5] [--filters 64]

1. All channels of the first eight layers of preset D2 for one image: to mosaics in viridis, against the tutorial's
   loop over channels with a Matplotlib figure for each layer. At least 10 times as fast.
2. Mosaics of all of VGG16's convolutions at 224 × 224, against the forward pass that gives the same tensors, fetched.
   At most 2.5 times as long.
3. Feature visualizations of VGG16's block3_conv1 at 64 pixels, 40 steps, against the tutorial's way, one filter after
   another with a compiled gradient. At least 1.5 times as fast, and the first tile within 1 second.

All in one process, in turns, with the same random weights. Ratios are the medians of the turns' own ratios, so that
whatever else the machine does weighs on both sides. Exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib as mpl
import numpy as np
import tensorflow as tf

from cnnviz.explain.feature_visualization.patterns import Settings, draw
from cnnviz.explain.inspection.activations import activations, in_colours, mosaic
from cnnviz.models.build.model import build
from cnnviz.mosaics import standardise
from cnnviz.presets import PRESETS

mpl.use("Agg")
import matplotlib.pyplot as plt


def mosaics(model: keras.Model, pixels: np.ndarray, layers: list[str]) -> list[np.ndarray]:
    """An image's mosaics by cnnviz."""
    found = activations(model, pixels, layers)
    return [in_colours(mosaic(standardise(found[name]))) for name in layers]


def tutorial_mosaics(part: keras.Model, pixels: np.ndarray) -> None:
    """The tutorial's loop, word for word but for names and that figures are drawn into memory."""
    for layer_activation in part.predict(pixels, verbose=0):
        n_features, size, images_per_row = layer_activation.shape[-1], layer_activation.shape[1], 16
        n_cols = n_features // images_per_row
        display_grid = np.zeros((size * n_cols, images_per_row * size))
        for col in range(n_cols):
            for row in range(images_per_row):
                channel_image = layer_activation[0, :, :, col * images_per_row + row]
                channel_image -= channel_image.mean()
                channel_image /= channel_image.std() + 1e-9
                channel_image *= 64
                channel_image += 128
                channel_image = np.clip(channel_image, 0, 255).astype("uint8")
                display_grid[col * size : (col + 1) * size, row * size : (row + 1) * size] = channel_image
        scale = 1.0 / size
        figure = plt.figure(figsize=(scale * display_grid.shape[1], scale * display_grid.shape[0]))
        plt.grid(False)
        plt.imshow(display_grid, aspect="auto", cmap="viridis")
        figure.canvas.draw()
        plt.close(figure)


def tutorial_patterns(part: keras.Model, filters: range) -> None:
    """The tutorial's `generate_pattern` for one filter after another; its K.function is compiled, and so is this."""

    def iterate(image: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            loss = tf.reduce_mean(part(image, training=False)[:, :, :, index])
        grads = tape.gradient(loss, image)
        return grads / (tf.sqrt(tf.reduce_mean(tf.square(grads))) + 1e-5)

    iterate = tf.function(iterate, input_signature=[tf.TensorSpec((1, 64, 64, 3)), tf.TensorSpec((), tf.int32)])
    for index in filters:
        image = np.random.random((1, 64, 64, 3)).astype(np.float32) * 20 + 128
        for _ in range(40):
            image = image + iterate(image, index).numpy()


def measured(works: dict[str, Callable[[], object]], turns: int, first: int = 1) -> dict[str, list[float]]:
    """Seconds of each work, in turns; the `first` turns aren't counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + first):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn >= first:
                seconds[name].append(time.perf_counter() - start)
    for name, taken in seconds.items():
        print(f"{name:48} {statistics.median(taken):8.3f} s  ({min(taken):.3f} to {max(taken):.3f})", flush=True)
    return seconds


def ratio(of: list[float], to: list[float]) -> float:
    """The median of the turns' own ratios."""
    return statistics.median(one / other for one, other in zip(of, to, strict=True))


def trunk() -> keras.Model:
    """VGG16 without its top for images of 64 pixels."""
    return keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))


def first_tile(model: keras.Model) -> float:
    """Seconds until a model that was never asked before has a tile with a step behind it."""
    start = time.perf_counter()
    next(one for one in draw(model, "block3_conv1", range(64), Settings()) if one.steps[0] > 0)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--filters", type=int, default=64)
    options = parser.parse_args()
    draw_pixels = np.random.default_rng(0)

    small = build(PRESETS["D2"])
    layers = [layer.name for layer in small.layers if layer.name.startswith(("conv2d", "max_pooling"))][:8]
    pixels = draw_pixels.integers(0, 256, (1, 150, 150, 3)).astype(np.float32)
    part = keras.Model(small.input, [small.get_layer(name).output for name in layers])
    found = measured(
        {
            "D2, eight layers: cnnviz": lambda: mosaics(small, pixels, layers),
            "D2, eight layers: tutorial": lambda: tutorial_mosaics(part, pixels),
        },
        options.turns,
    )
    faster = ratio(found["D2, eight layers: tutorial"], found["D2, eight layers: cnnviz"])

    large = keras.applications.VGG16(weights=None)
    names = [layer.name for layer in large.layers if "conv" in layer.name]
    image = draw_pixels.uniform(-100, 150, (1, 224, 224, 3)).astype(np.float32)
    bare = keras.Model(large.input, [large.get_layer(name).output for name in names])
    forward = tf.function(lambda given: bare(given, training=False), input_signature=[tf.TensorSpec(image.shape)])
    found = measured(
        {
            "VGG16, all convolutions: cnnviz": lambda: mosaics(large, image, names),
            "VGG16, all convolutions: bare forward pass": lambda: [one.numpy() for one in forward(image)],
        },
        options.turns,
    )
    longer = ratio(*found.values())

    vgg, filters = trunk(), range(options.filters)
    one_by_one = keras.Model(vgg.input, vgg.get_layer("block3_conv1").output)
    tile = first_tile(trunk())
    found = measured(
        {
            "patterns: cnnviz": lambda: list(draw(vgg, "block3_conv1", filters, Settings())),
            "patterns: one by one": lambda: tutorial_patterns(one_by_one, filters),
        },
        max(1, options.turns // 3),
        0,
    )
    quicker = ratio(found["patterns: one by one"], found["patterns: cnnviz"])

    print(f"mosaics {faster:.1f} times as fast as the tutorial's (at least 10)")
    print(f"mosaics of VGG16 {longer:.2f} times the forward pass (at most 2.5)")
    print(
        f"patterns {quicker:.2f} times as fast as one by one (at least 1.5), first tile after {tile:.2f} s (at most 1)"
    )
    return int(faster < 10 or longer > 2.5 or quicker < 1.5 or tile > 1)


if __name__ == "__main__":
    sys.exit(main())
