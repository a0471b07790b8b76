"""Images a second of three epochs over D2's images: cnnviz's folder pipeline beside Keras's, uncached.

Both read `cats_and_dogs/train` (2,000 JPEG files) at 150×150 in batches of 20, in turn in one process. cnnviz's time is
the whole of it: listing, decoding (once), keeping, and all batches as the worker gets them. The first turn of each,
which warms up files and libraries, is left out. Prints the medians and their ratio.

    CNNVIZ_DATA=../shared/data python benchmarks/folder_pipeline.py [--turns 3] [--epochs 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import keras

from cnnviz import presets, recipe
from cnnviz.data import open_dataset, pipeline, prepare


def ours(epochs: int) -> int:
    """Goes through all batches of the D2 preset; returns how many images there were."""
    wanted = recipe.replace(presets.preset("D2"), {"fit.epochs": epochs, "data.dataset": "cats_and_dogs"})
    split = open_dataset(wanted.data).splits["train"]
    images = prepare(split, wanted.data)
    labels = {head: values[images.kept] for head, values in split.labels.items()}
    return sum(len(batch) for batch, _ in pipeline.training(images, labels, wanted))


def theirs(epochs: int) -> int:
    """The same with `image_dataset_from_directory`, decoding every time."""
    dataset = keras.utils.image_dataset_from_directory(
        Path(os.environ["CNNVIZ_DATA"]) / "cats_and_dogs" / "train",
        label_mode="binary",
        image_size=(150, 150),
        batch_size=20,
        seed=0,
        verbose=False,
    )
    return sum(len(images) for _ in range(epochs) for images, _ in dataset)


def rate(work: Callable[[int], int], epochs: int) -> float:
    """Images a second."""
    began = time.perf_counter()
    return work(epochs) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    if not os.environ.get("CNNVIZ_DATA"):
        parser.error("set CNNVIZ_DATA to the folder that holds cats_and_dogs")
    pairs = [(rate(ours, options.epochs), rate(theirs, options.epochs)) for _ in range(options.turns + 1)][1:]
    for mine, other in pairs:
        print(f"cnnviz {mine:7.0f}   Keras {other:7.0f} images/s   ratio {mine / other:.2f}")
    mine, other = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    print(
        f"median: cnnviz {mine:.0f}, Keras {other:.0f} images/s over {options.epochs} epochs, ratio {ratio:.2f} (≥ 1.5)"
    )


if __name__ == "__main__":
    main()
