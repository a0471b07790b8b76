"""LiteRT files with smaller numbers, and what that costs: accuracy before and after on images it never learned from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from cnnviz.data import open_dataset
from cnnviz.data.dataset import Dataset
from cnnviz.data.split_images import prepare
from cnnviz.errors import DataError, ModelError, first_line
from cnnviz.models.classifier import Classifier
from cnnviz.models.probabilities import probabilities
from cnnviz.progress import Progress, batches
from cnnviz.temporary import own_name, room_for

__all__ = ["Accuracies", "accuracies", "calibration_images", "litert"]

CALIBRATION_IMAGES, MEASURED_IMAGES, _BATCH = 200, 2_000, 32


@dataclass(frozen=True)
class Accuracies:
    """Accuracy, 0..1, of each head before and after, on so many images of a split."""

    split: str
    images: int
    before: dict[str, float]
    after: dict[str, float]


def litert(classifier: Classifier, quantize: str | None = None, images: np.ndarray | None = None) -> bytes:
    """Returns the model as a LiteRT file, by Keras's `model.export(format="litert")`.

    Args:
        classifier: the model.
        quantize: "float16" for weights in half the bytes; "int8" for weights and activations in a quarter, whose
            ranges are measured on `images`; inputs and outputs stay float32. `None` changes nothing.
        images: uint8 (n, *image_size, channels) of the training split, for "int8".

    Raises:
        ModelError: no images for "int8", or Keras can't write the model so.
    """
    options: dict[str, Any] = {}
    if quantize is not None:
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}
    if quantize == "int8":
        if images is None or not len(images):
            raise ModelError("int8 measures the ranges of activations on training images: it takes a run, not a file.")
        pixels = classifier.pixels(images)

        def representative() -> Iterator[list[np.ndarray]]:
            for one in pixels:
                yield [one[None]]

        options["representative_dataset"] = representative
    with room_for("the model's file"), tempfile.TemporaryDirectory(**own_name()) as place:
        path = Path(place) / "network.tflite"
        classifier.model.export(str(path), format="litert", verbose=False, **options)
        return path.read_bytes()


def calibration_images(classifier: Classifier, progress: Progress | None = None) -> np.ndarray:
    """Returns `CALIBRATION_IMAGES` of the training split, evenly from all of it: uint8 (n, *image_size, channels).

    Raises:
        ModelError: the model is no run's.
        DataError: the run's data can't be opened, or no image read.
    """
    _, images, _ = _images(classifier, _dataset(classifier, progress), ("train",), CALIBRATION_IMAGES, progress)
    return images


def accuracies(classifier: Classifier, data: bytes, progress: Progress | None = None) -> Accuracies:
    """Returns how often the model and its LiteRT file are right about test images, or validation's without them.

    The same images go to both, `MEASURED_IMAGES` at most, evenly from the whole split; the file is run by
    `ai_edge_litert.interpreter`.

    Raises:
        ModelError: `ai-edge-litert` isn't installed, the file can't be run, or the model is no run's.
        DataError: the run's data can't be opened, or no image read.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise ModelError(
            "A LiteRT file is measured by ai-edge-litert: pip install -r requirements-export.txt."
        ) from None
    split, images, labels = _images(
        classifier, _dataset(classifier, progress), ("test", "validation"), MEASURED_IMAGES, progress
    )
    try:
        run = Interpreter(model_content=data).get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"The LiteRT file can't be run: {first_line(error)}.") from None
    name = next(iter(run.get_input_details()))
    right = {head.name: [0, 0] for head in classifier.heads}
    for part in batches(len(images), _BATCH, "Measuring the LiteRT file", progress):
        pixels = classifier.pixels(images[part])
        outputs = run(**{name: pixels})
        ordered = [outputs[key] for key in sorted(outputs, key=lambda key: int("".join(filter(str.isdigit, key)) or 0))]
        both = classifier.predict(images[part]), probabilities(ordered, classifier.heads, len(pixels))
        for head, *predicted in zip(classifier.heads, *both, strict=True):
            for at, one in enumerate(predicted):
                right[head.name][at] += int((one.argmax(axis=1) == labels[head.name][part]).sum())
    before, after = ({name: counts[at] / len(images) for name, counts in right.items()} for at in (0, 1))
    return Accuracies(split, len(images), before, after)


def _dataset(classifier: Classifier, progress: Progress | None) -> Dataset:
    if classifier.recipe is None:
        raise ModelError("A file doesn't say what it was trained on, so its accuracy isn't known: give a run's id.")
    return open_dataset(classifier.recipe.data, [head.name for head in classifier.heads], progress=progress)


def _images(
    classifier: Classifier, dataset: Dataset, splits: tuple[str, ...], most: int, progress: Progress | None
) -> tuple[str, np.ndarray, dict[str, np.ndarray]]:
    """The first of these splits that there is, its images as the model sees them, and their labels."""
    assert classifier.recipe is not None
    name = next((name for name in splits if name in dataset.splits and len(dataset.splits[name])), None)
    if name is None:
        raise DataError(f"{dataset.title} has no {' or '.join(splits)} images.")
    split = dataset.splits[name]
    split = split.take(np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).round().astype(np.int64)))
    found = prepare(split, classifier.recipe.data, progress=progress)
    if not len(found) or found.array is None:
        raise DataError(f"None of the {len(split)} {name} images of {dataset.title} could be read.")
    return name, np.asarray(found.array), {head: values[found.kept] for head, values in split.labels.items()}
