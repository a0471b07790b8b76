"""The end of a run: its best epoch measured, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from cnnviz.data.fingerprint import fingerprint
from cnnviz.files import write_json
from cnnviz.models.build.feature_extractor import head_alone, head_of
from cnnviz.runs import metrics, predictions
from cnnviz.runs.results_cache import model_digest
from cnnviz.train.evaluate import evaluate_split, facts_of, of_logits, report_of, scoring
from cnnviz.train.resume_callback import weights_digest
from cnnviz.train.run_writer import RunWriter
from cnnviz.train.split_reader import Reader, Stem
from cnnviz.train.training_features import keep_training_features

__all__ = ["conclude"]


Cached = tuple[keras.Model, Stem, list[np.ndarray] | None]
"""Where a head alone was fitted: the whole model, its stem, and the head's weights of the best epoch, if known."""


def conclude(writer: RunWriter, reader: Reader, last_weights: str, cached: Cached | None = None) -> None:
    """Measures the best epoch's model on validation and test images and writes `report.json`.

    Args:
        writer: the run's.
        reader: its data.
        last_weights: the digest of its last epoch's weights.
        cached: where its head alone was fitted; then features are measured too.
    """
    dataset, recipe, began = reader.dataset, reader.recipe, time.perf_counter()
    best, asked, read = _asked(writer, reader, cached)
    of: dict[str, Any] = {"stamp": model_digest(writer.folder / "best.keras"), "data": fingerprint(dataset)}
    of["progress"] = writer.progress  # which is also where it can be stopped
    kept = [evaluate_split(asked, recipe, dataset, "validation", read("validation")[0], began=began, **of)]
    if dataset.validates_on_test:  # the very images that were measured just now
        kept.append(replace(kept[0], split="test", same_as="validation"))
    elif "test" in dataset.splits:
        began = time.perf_counter()
        kept.append(evaluate_split(asked, recipe, dataset, "test", read("test")[0], began=began, **of))
    splits = {found.split: report_of(found) for found in kept}
    samples = reader.samples | {found.split: len(found.indices) for found in kept}
    test = splits["test"]["figures"] if "test" in splits else {}
    if test:
        writer.say("Test: " + ", ".join(f"{name} {value:.4f}" for name, value in test.items()))
    for found in kept:
        predictions.save(writer.folder, found)
    epochs = metrics.epochs(writer.folder / "metrics.jsonl")
    report = {
        "best_epoch": writer.state.best_epoch,
        "last_weights_sha256": last_weights,
        "best_weights_sha256": weights_digest(best),
        "validation": writer.state.metrics,
        "test": test,
        "splits": splits,
        **facts_of(dataset, recipe, samples, reader.skipped),
        "seconds": round(writer.state.earlier_seconds + time.time() - (writer.state.started or time.time()), 1),
        "durations": {
            "epochs": round(sum(record.get("epoch_seconds", 0) for record in epochs), 1),
            "evaluation": round(sum(found.seconds for found in kept), 1),
        },
    }
    write_json(writer.folder / "report.json", report)
    writer.write(test=test)
    per_image = kept[0].seconds / max(1, len(kept[0].indices))
    keep_training_features(writer, samples, report["seconds"], per_image)


def _asked(
    writer: RunWriter, reader: Reader, cached: Cached | None
) -> tuple[keras.Model, keras.Model, Callable[[str], Any]]:
    """The model with the best epoch's weights, what is asked, with heads that give logits, and what it is asked about.

    The file's own words are not looked at: a run to be continued may come from somewhere else.
    """
    recipe, path = reader.recipe, writer.folder / "best.keras"
    if cached is None:
        model = scoring(recipe)
        model.load_weights(path)
        return model, model, reader.images
    model, stem, weights = cached
    head, asked = head_of(model, recipe.network), head_alone(of_logits(recipe).network, recipe.data.input_shape)
    if weights is None:
        model.load_weights(path)
    else:
        head.set_weights(weights)
    asked.set_weights(head.get_weights())
    return model, asked, lambda name: reader.features(name, stem)
