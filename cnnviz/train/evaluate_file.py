"""Measuring a model that came as a `.keras` file on data that it is said to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cnnviz import recipe
from cnnviz.data import Dataset, open_dataset, prepare
from cnnviz.errors import DataError, one_of
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.graph import flatten, trace
from cnnviz.models.graph.traversal import run
from cnnviz.models.probabilities import probabilities
from cnnviz.progress import Progress
from cnnviz.runs.report import split_report
from cnnviz.train.evaluate import losses_of

__all__ = ["evaluate_file"]


def evaluate_file(
    classifier: Classifier, dataset: str, split: str = "", *, progress: Progress | None = None
) -> dict[str, Any]:
    """Returns a report as `runs.report.split_report` does, and under `split` which one it is of.

    Outputs are paired with the data's heads by their names, or in order where there are as many; classes by their
    names where a person gave them, and else by their order.

    Args:
        classifier: the model.
        dataset: as `open_dataset` takes it.
        split: train, validation or test; by default test, or else validation.
        progress: called with what is done and how far.

    Raises:
        DataError: the data can't be opened, has no such split, or other heads or classes than the model.
    """
    data = recipe.Data(
        dataset=dataset, image_size=classifier.image_size, channels=classifier.channels, crop=classifier.crop
    )
    opened = open_dataset(data, progress=progress)
    split = split or ("test" if "test" in opened.splits else "validation")
    if split not in opened.splits:
        raise DataError(f"{opened.title} has no {split} split: {one_of(split, opened.splits)}.")
    own = {head.name: _order(classifier, head.name, opened, name) for head, name in _pairs(classifier, opened)}
    images = prepare(opened.splits[split], data, progress=progress)
    labels = {mine: order[opened.splits[split].labels[name][images.kept]] for mine, (name, order) in own.items()}
    parts, ask, size = [], _logits_and_outputs(classifier), classifier.at_once
    for start in range(0, len(images), size):
        seen = np.stack([images[at] for at in range(start, min(start + size, len(images)))])
        logits, outputs = ask(classifier.pixels(seen))
        found = probabilities(outputs, classifier.heads, len(seen))
        parts.append([(score.numpy(), shares) for score, shares in zip(logits, found, strict=True)])
        if progress is not None:
            progress(f"Evaluating {split} images", start + len(seen), len(images))
    losses, by_head = {}, {}
    for head, of_head in zip(classifier.heads, zip(*parts, strict=True), strict=True):
        scores, by_head[head.name] = (np.concatenate(each) for each in zip(*of_head, strict=True))
        losses[head.name] = losses_of(scores, labels[head.name])
    return {"split": split, **split_report(labels, by_head, losses, classifier.classes)}


def _logits_and_outputs(classifier: Classifier) -> Callable[[Any], tuple[list[Any], list[Any]]]:
    """What gives each head's logits and what the model gives, both from one pass over its layers."""
    graph, whole = flatten(classifier.model), flatten(classifier.model, logits=False)
    steps = {step.outputs: step for one in (whole, graph) for step in one.program.steps}.values()

    def compute(pixels: Any) -> tuple[list[Any], list[Any]]:
        values = run(steps, {0: pixels})
        logits = [tf.cast(values[at], tf.float32) for at in graph.program.outputs]
        return logits, [values[at] for at in whole.program.outputs]

    return trace(compute, graph.signature)


def _pairs(classifier: Classifier, dataset: Dataset) -> list[tuple[Any, str]]:
    """Each head of the model with the name of the data's."""
    there = [head.name for head in dataset.heads]
    if all(head.name in there for head in classifier.heads):
        return [(head, head.name) for head in classifier.heads]
    if len(classifier.heads) != len(there):
        raise DataError(
            f"{classifier.name} has {len(classifier.heads)} outputs but {dataset.title} has the heads "
            f"{', '.join(there)}: they can't be paired."
        )
    return list(zip(classifier.heads, there, strict=True))


def _order(classifier: Classifier, mine: str, dataset: Dataset, name: str) -> tuple[str, np.ndarray]:
    """The data's head and, for each of its classes, which of the model's it is."""
    own, theirs = classifier.classes[mine], dataset.head(name).classes
    if len(own) != len(theirs):
        raise DataError(
            f"The output {mine!r} has {len(own)} classes but {dataset.title} has {len(theirs)}: "
            f"{', '.join(theirs[:20])}."
        )
    if own == tuple(map(str, range(len(own)))):
        return name, np.arange(len(own))
    if sorted(own) != sorted(theirs):
        unknown = next(one for one in own if one not in theirs)
        raise DataError(f"{dataset.title} has no class {unknown!r}: {one_of(unknown, theirs)}.")
    return name, np.array([own.index(one) for one in theirs])
