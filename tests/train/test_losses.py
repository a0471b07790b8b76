"""The losses of several heads, against NumPy."""

import json

import keras
import numpy as np
import pytest

from cnnviz import runs
from cnnviz.data import open_dataset
from cnnviz.data.split_images import prepare
from cnnviz.presets import preset
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.runs import metrics
from cnnviz.train.loop import carry_out
from cnnviz.train.run_writer import RunWriter
from tests.train.test_resume_callback import TIMES


@pytest.mark.parametrize(("class_weight", "mixed"), [("balanced", False), ("none", True)])
def test_the_losses_of_heads_are_means_over_samples_and_add_up_to_the_total(checkpoints, class_weight, mixed):
    """Against NumPy, over predictions: nothing is learned at this rate, so that every epoch's figures, training's too,
    are those of the saved model. 100 and 150 samples fill no whole number of batches."""
    changes = {
        "data.limits": {"train": 100, "validation": 150, "test": 150},
        "network.layers": [{"type": "Conv2D", "filters": 4}, {"type": "GlobalAveragePooling2D"}],
        "augmentation.steps": [{"type": "mixup", "low": 0, "high": 0.4}] if mixed else [],
        "fit.epochs": 2,
        "fit.learning_rate": 1e-30,
        "fit.class_weight": class_weight,
    }
    run = runs.create(replace(preset("S"), changes))
    carry_out(RunWriter(run.folder, run.written))  # as its worker does
    records = metrics.epochs(run.metrics_path)
    report = json.loads((run.folder / "report.json").read_text())["splits"]
    for found in (*records, {f"val_{name}": value for name, value in report["validation"]["figures"].items()}):
        for prefix in ("val_", "") if "loss" in found else ("val_",):
            total = found[f"{prefix}shape_loss"] + found[f"{prefix}colour_loss"]
            assert found[f"{prefix}loss"] == pytest.approx(total, abs=1e-6)
    model, dataset = keras.models.load_model(run.best_path), open_dataset(run.recipe.data)
    for prefix, name in (("", "train"), ("val_", "validation")):
        if prefix == "" and mixed:
            continue  # which samples were mixed is nothing that a prediction can tell
        split = dataset.splits[name]
        predictions = model.predict(prepare(split, run.recipe.data).array, verbose=0)
        for head, probabilities in zip(run.recipe.network.heads, predictions, strict=True):
            labels = split.labels[head.name]
            losses = -np.log(probabilities[np.arange(len(labels)), labels].astype(np.float64))
            counts = np.bincount(labels, minlength=head.units)
            balanced = name == "train" and class_weight == "balanced"
            weights = len(labels) / (head.units * counts[labels]) if balanced else 1
            for record in records:
                assert record[f"{prefix}{head.name}_loss"] == pytest.approx(np.mean(weights * losses), abs=1e-6)
                assert not any("sample" in key for key in record)


def test_a_run_of_several_heads_that_was_interrupted_has_the_same_history(checkpoints):
    changes = {
        "data.limits": {"train": 70, "validation": 150, "test": 20},
        "fit.epochs": 4,
        "fit.batch_size": 32,
        "network.layers": [{"type": "Conv2D", "filters": 4}, {"type": "GlobalAveragePooling2D"}],
    }
    recipe, times = replace(preset("S"), changes), TIMES | {"kind"}

    class Interrupted(RunWriter):
        """Stops in its third epoch."""

        def stopping(self):
            return self.state.epoch == 2

    def ended(*diaries):
        run = runs.create(recipe)
        for kind in diaries:
            writer = kind(run.folder, runs.open_run(run.id).written)
            try:
                carry_out(writer)
            except Cancelled:
                assert kind is Interrupted
            writer.figures.close()
        report = json.loads((run.folder / "report.json").read_text())
        history = [{k: v for k, v in one.items() if k not in times} for one in metrics.epochs(run.metrics_path)]
        return report["last_weights_sha256"], report["best_weights_sha256"], report["test"], history

    whole = ended(RunWriter)
    assert len(whole[-1]) == 4
    assert ended(Interrupted, RunWriter) == whole
