"""Images a second of the tutorial's augmentation (D3), beside Keras's ImageDataGenerator and Keras's layers.

    CNNVIZ_DATA=… python benchmarks/augmentation.py [--rounds 7] [--images 2000]

All in one process on the same 2,000 images of cats and dogs at 150 × 150, batches of 32, taken in turns; medians over
the rounds. Everybody ends with float32 0..1 batches, as the tutorial's training takes them (ours and the layers'
times hold that conversion). From memory: ours is `augment_batch`; Keras's is `ImageDataGenerator.flow`; the layers are
RandomRotation, RandomTranslation, RandomShear, RandomZoom and RandomFlip in a parallel tf.data map. From files: JPEG
in, batches out, nothing kept from one round to the next; ours is `images.decode` and `images.fit` in threads, then
`augment_batch`; Keras's is `flow_from_directory`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from cnnviz.augment import augment_batch
from cnnviz.images import decode, fit
from cnnviz.policy import POLICIES

SIZE, BATCH, POLICY = (150, 150), 32, POLICIES["D3"]


def ours(images: np.ndarray, epoch: int) -> None:
    """Our batches of an epoch from memory."""
    for start in range(0, len(images), BATCH):
        rows = np.arange(start, min(start + BATCH, len(images)))
        batch = augment_batch(images[rows], POLICY, seed=0, epoch=epoch, samples=rows, size=SIZE)
        np.multiply(batch, np.float32(1 / 255), dtype=np.float32)


def ours_from_files(paths: list[Path], pool: ThreadPoolExecutor, epoch: int) -> None:
    """Our batches of an epoch from JPEG files, the next batch being decoded meanwhile."""
    chunks = [range(start, min(start + BATCH, len(paths))) for start in range(0, len(paths), BATCH)]

    def load(rows: range) -> list[np.ndarray]:
        images = [fit(decode(paths[row]), SIZE) for row in rows]
        batch = augment_batch(images, POLICY, seed=0, epoch=epoch, samples=rows, size=SIZE)
        return np.multiply(batch, np.float32(1 / 255), dtype=np.float32)

    for _ in pool.map(load, chunks):
        pass


def generator() -> ImageDataGenerator:
    """Keras's, with the tutorial's settings."""
    return ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )


def layers() -> keras.Sequential:
    """The five Keras layers that come nearest."""
    return keras.Sequential(
        [
            keras.layers.RandomRotation(40 / 360, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
            keras.layers.RandomShear(x_factor=float(np.sin(np.deg2rad(0.2))), fill_mode="nearest"),
            keras.layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2), fill_mode="nearest"),
            keras.layers.RandomFlip("horizontal"),
        ]
    )


def mapped(images: np.ndarray) -> tf.data.Dataset:
    """The layers in a tf.data map over batches."""
    stack = layers()
    data = tf.data.Dataset.from_tensor_slices(images).batch(BATCH)
    scaled = data.map(lambda batch: tf.cast(batch, tf.float32) / 255, num_parallel_calls=tf.data.AUTOTUNE)
    return scaled.map(lambda batch: stack(batch, training=True), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def drain(batches: object, count: int | None = None) -> None:
    """Takes the batches, or the first `count` of them."""
    for number, _ in enumerate(batches, 1):
        if number == count:
            break


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=2000, help="how many of the images, evenly taken")
    rounds, most = (settings := parser.parse_args()).rounds, settings.images
    folder = Path(os.environ["CNNVIZ_DATA"]) / "cats_and_dogs" / "train"
    found = sorted(folder.glob("*/*.jpg"))
    paths = [found[place] for place in np.linspace(0, len(found) - 1, min(most, len(found))).astype(int)]
    images = np.stack([fit(decode(path), SIZE) for path in paths])
    steps = -(-len(paths) // BATCH)
    flow = generator().flow(images, batch_size=BATCH, seed=0)
    files = generator().flow_from_directory(folder, SIZE, batch_size=BATCH, class_mode="binary", seed=0)
    stack = mapped(images)
    # Two pieces of work more than cores: a piece waits for the disk and for Python in turns.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        runs: dict[str, Callable[[int], None]] = {
            "cnnviz, from memory": lambda epoch: ours(images, epoch),
            "ImageDataGenerator.flow": lambda epoch: drain(flow, steps),
            "five Keras layers in tf.data": lambda epoch: drain(stack),
            "cnnviz, from JPEG files": lambda epoch: ours_from_files(paths, pool, epoch),
            "flow_from_directory": lambda epoch: drain(files, steps),
        }
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for epoch in range(rounds + 1):  # the first round warms up and isn't counted
            for name, run in runs.items():
                start = time.perf_counter()
                run(epoch)
                seconds[name].append(time.perf_counter() - start)
    speed = {name: len(paths) / statistics.median(taken[1:]) for name, taken in seconds.items()}
    print(f"{len(paths)} images at {SIZE[0]} × {SIZE[1]}, batches of {BATCH}, {rounds} rounds, {os.cpu_count()} cores")
    for name, rate in speed.items():
        spread = sorted(len(paths) / taken for taken in seconds[name][1:])
        print(f"{name:30} {rate:7.0f} images/s  ({spread[0]:.0f} to {spread[-1]:.0f})")
    mine, disk = speed["cnnviz, from memory"], speed["cnnviz, from JPEG files"]
    for title, ratio, target in (
        ("from memory, beside ImageDataGenerator", mine / speed["ImageDataGenerator.flow"], 5),
        ("from memory, beside the Keras layers", mine / speed["five Keras layers in tf.data"], 2),
        ("from files, beside flow_from_directory", disk / speed["flow_from_directory"], 2.5),
    ):
        print(f"{title}: {ratio:.1f} × (wanted: {target:g} ×)")


if __name__ == "__main__":
    main()
