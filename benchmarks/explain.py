"""Seconds of Grad-CAM and Score-CAM on VGG16 at 224 × 224, beside tf-keras-vis and the usual gradient-tape recipe.

    python benchmarks/explain.py [--turns 9] [--channels 32]

All in one process, in turns, on the same random weights, image, layer and score; the first turn, which builds the
graphs, is left out. The recipe is keras.io's: a model with two outputs made for each call, and a gradient tape around
the whole model. Score-CAM uses the same number of channels on both sides, as all 512 take minutes. Ratios are the
medians of the turns' own ratios, so that whatever else the machine does weighs on both sides. Exits with 1 where a
ratio is above its limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

from cnnviz.explain import Target, explain

LAYER, CLASS = "block5_conv3", 7


def recipe(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """keras.io's `make_gradcam_heatmap` (Grad-CAM class activation visualization)."""
    grad_model = keras.models.Model(model.inputs, [model.get_layer(LAYER).output, model.output])
    with tf.GradientTape() as tape:
        outputs, preds = grad_model(pixels)
        score = preds[:, CLASS]
    grads = tape.gradient(score, outputs)
    pooled_grads = tf.reduce_mean(grads, axis=(0, 1, 2))
    heatmap = tf.squeeze(outputs[0] @ pooled_grads[..., tf.newaxis])
    heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
    return heatmap.numpy()


def measured(works: dict[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """Seconds of each work, in turns; the first turn isn't counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    for name, taken in seconds.items():
        print(f"{name:44} {statistics.median(taken):7.3f} s  ({min(taken):.3f} to {max(taken):.3f})", flush=True)
    return seconds


def ratio(ours: list[float], theirs: list[float], times: int = 1) -> float:
    """The median of the turns' ratios."""
    return statistics.median(mine / (other * times) for mine, other in zip(ours, theirs, strict=True))


def main() -> int:
    """Measures, prints, and returns how many limits were missed, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--channels", type=int, default=32, help="of Score-CAM, at most 512")
    settings = parser.parse_args()
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, classifier_activation=None)
    pixels = np.random.default_rng(0).uniform(-120, 130, (16, 224, 224, 3)).astype(np.float32)
    target, score = Target(0, CLASS), CategoricalScore(CLASS)
    gradcam, scorecam = Gradcam(model, clone=False), Scorecam(model, clone=False)

    def ours(count: int = 1, method: str = "grad-cam", **more: int) -> None:
        explain(model, pixels[:count], method=method, layer=LAYER, target=target, **more)

    single = measured(
        {
            "Grad-CAM, cnnviz": ours,
            "Grad-CAM, tf-keras-vis": lambda: gradcam(score, pixels[:1], penultimate_layer=LAYER),
            "Grad-CAM, gradient-tape recipe": lambda: recipe(model, pixels[:1]),
        },
        settings.turns,
    )
    batch = measured(
        {
            "Grad-CAM, cnnviz, 16 images at once": lambda: ours(16),
            "Grad-CAM, cnnviz, 16 images in turn": lambda: [
                explain(model, pixels[at : at + 1], method="grad-cam", layer=LAYER, target=target) for at in range(16)
            ],
        },
        max(2, settings.turns // 3),
    )
    masks = measured(
        {
            "Score-CAM, cnnviz": lambda: ours(method="score-cam", channels=settings.channels),
            "Score-CAM, tf-keras-vis": lambda: scorecam(
                score, pixels[:1], penultimate_layer=LAYER, max_N=settings.channels
            ),
        },
        max(2, settings.turns // 2),
    )
    limits = (
        ("Grad-CAM beside tf-keras-vis", ratio(*list(single.values())[:2]), 0.35),
        ("Grad-CAM beside the recipe", ratio(*list(single.values())[::2]), 0.35),
        ("16 images at once beside 16 in turn", ratio(*batch.values()), 0.9),
        ("Score-CAM beside tf-keras-vis", ratio(*masks.values()), 1.0),
    )
    for title, found, limit in limits:
        print(f"{title}: {found:.2f} × (wanted: at most {limit:g} ×)")
    return int(any(found > limit for _, found, limit in limits))


if __name__ == "__main__":
    sys.exit(main())
