"""How many right predictions of the shipped runs PGD flips at 8/255, how small the flips are, and how long it takes.

    CNNVIZ_DATA=… KERAS_HOME=… python -m benchmarks.adversarial [RUN …] [--images 200] [--smallest 20] [--all]

It prints a Markdown table. PGD is that of `robust_accuracy`: 10 steps from the image, of 2.5·ε / 10. Seconds are one
run's, after the model was compiled; those of processors say what it takes where other work is going on. `--smallest`
images are asked for the smallest flip (40 steps, up to 16/255), and `--all` measures every ε of `EPSILONS` instead of
8/255 alone. Exits with 1 where cats-and-dogs holds more than 5 % of its right predictions.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cnnviz import runs
from cnnviz.explain.inspection.top_activations_of_run import samples
from cnnviz.explain.robustness.adversarial import EPSILONS, pgd, robust_accuracy, smallest_flip
from cnnviz.models.load.load import load_run


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="*", default=["cats-and-dogs", "mnist", "shapes"])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--smallest", type=int, default=20)
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args()
    epsilons = EPSILONS if chosen.all else (0.0, 8 / 255)
    told = " | ".join(f"{255 * epsilon:g}/255" for epsilon in epsilons)
    print(
        f"| Run | Head | Images | {told} | Flipped at 8/255 | Seconds (of processors) | Smallest flips, levels: "
        "median (found) | Each |"
    )
    print("|" + "---|" * (7 + len(epsilons)))
    held = {}
    for name in chosen.runs:
        classifier = load_run(runs.open_run(name))
        given = samples(runs.open_run(name), limit=chosen.images)
        for at, head in enumerate(classifier.heads):
            labels = given.labels[head.name]
            pgd(classifier, given.images[:2], labels[:2], at, epsilon=1 / 255, steps=1)  # compiles it
            begun, busy = time.perf_counter(), time.process_time()
            found = robust_accuracy(classifier, given.images, labels, at, epsilons)
            seconds, busy = time.perf_counter() - begun, time.process_time() - busy
            flipped = 1 - found.accuracy[-1] / found.accuracy[0]
            held[name] = 1 - flipped
            begun = time.perf_counter()
            flips = [smallest_flip(classifier, image, at) for image in given.images[: chosen.smallest]]
            each = (time.perf_counter() - begun) / max(1, len(flips))
            for image, flip in zip(given.images, flips, strict=False):
                if flip is not None:  # what is returned must be flipped, and no farther away than it says
                    assert classifier.predict(flip.image[None])[at].argmax() == flip.after != flip.before
                    assert np.abs(flip.image.astype(int) - image).max() == flip.levels <= round(255 * flip.epsilon)
            levels = [flip.levels for flip in flips if flip is not None]
            middle = f"{statistics.median(levels):g}" if levels else "–"
            accuracies = " | ".join(f"{one:.3f}" for one in found.accuracy)
            print(
                f"| {name} | {head.name} | {found.images} | {accuracies} | {flipped:.1%} | {seconds:.1f} s "
                f"({busy:.1f} s) | {middle} ({len(levels)} of {len(flips)}) | {each:.2f} s |",
                flush=True,
            )
    return int(held.get("cats-and-dogs", 0) > 0.05)


if __name__ == "__main__":
    sys.exit(main())
