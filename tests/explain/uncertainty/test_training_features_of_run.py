"""What a run keeps of its training images: measured once, found again, and never another model's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import open_dataset
from cnnviz.explain.uncertainty.calibration_of_run import calibration_of, kept_calibration
from cnnviz.explain.uncertainty.embedding import embed
from cnnviz.explain.uncertainty.judgement_of_run import judge, known_of
from cnnviz.explain.uncertainty.novelty import FOREIGN
from cnnviz.explain.uncertainty.training_features_of_run import (
    kept_training_features,
    measure_training_features,
    nearest_training_images,
    novelty_of,
)
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

SMALL = replace(PRESETS["S"], {"data.limits": {"train": 120, "validation": 60}})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return give_model(make_run(SMALL, runs=tmp_path))


def test_it_is_measured_once_and_kept(run: Run) -> None:
    assert kept_training_features(run) is None
    classifier, said = load_run(run), []
    found = measure_training_features(run, classifier, progress=lambda *one: said.append(one))
    assert said
    again = kept_training_features(run)
    assert again is not None
    assert again is measure_training_features(run, classifier, progress=lambda *one: pytest.fail("measured anew"))
    assert again.names == found.names
    assert (again.features == found.features).all()
    assert len(found.rows) == len(found.features) == 120
    assert again.calibration.temperatures == pytest.approx(found.calibration.temperatures)
    split = open_dataset(run.recipe.data).splits["train"]
    for head, labels in found.labels.items():
        assert (labels == split.labels[head][found.rows]).all()
    give_model(run, seed=1)
    assert kept_training_features(run) is None, "of another model"


def test_a_training_image_is_its_own_nearest_and_not_new(run: Run) -> None:
    classifier = load_run(run)
    known = measure_training_features(run, classifier)
    split = open_dataset(run.recipe.data).splits["train"]
    row = int(known.rows[17])
    found = embed(classifier, classifier.fit(split.image(row))[None])
    nearest = nearest_training_images(known, found, 0, "shape", 3)
    assert (nearest[0].row, nearest[0].image) == (row, f"train:{split.name_of(row)}")
    assert nearest[0].distance == pytest.approx(0, abs=1e-3)
    assert nearest[0].label == known.classes["shape"][split.labels["shape"][row]]
    assert [one.distance for one in nearest] == sorted(one.distance for one in nearest)
    assert novelty_of(known, found)[0] < FOREIGN
    noise = np.random.default_rng(0).integers(0, 256, (1, *classifier.image_size, 3), np.uint8)
    assert novelty_of(known, embed(classifier, noise))[0] == 1


def test_a_damaged_file_is_measured_anew(run: Run) -> None:
    measure_training_features(run, load_run(run))
    (kept,) = (run.folder / "training-features").iterdir()
    kept.write_bytes(kept.read_bytes()[:-50])
    assert kept_training_features(run) is None


def test_it_can_be_stopped_and_then_keeps_nothing(run: Run) -> None:
    with pytest.raises(Cancelled):
        measure_training_features(run, load_run(run), cancelled=lambda: True)
    assert not (run.folder / "training-features").exists()


def test_calibration_is_that_of_kept_predictions_where_there_are_some(run: Run) -> None:
    from cnnviz.train.evaluate import evaluate

    assert kept_calibration(run) is None
    classifier = load_run(run)
    found, _ = evaluate(run, classifier.model, "validation")
    known = known_of(run, classifier)
    wanted = calibration_of(found.probabilities, found.labels)
    assert known.calibration is kept_calibration(run)
    assert known.calibration.temperatures == pytest.approx(wanted.temperatures)
    assert known.training is not None
    assert known.training.calibration.temperatures == pytest.approx(wanted.temperatures, rel=1e-3)


def test_what_is_not_known_is_none_with_the_reason(tmp_path: Path) -> None:
    gone = give_model(make_run(replace(PRESETS["Q"], {"data.dataset": str(tmp_path / "gone")}), runs=tmp_path))
    classifier = load_run(gone)
    seen = np.zeros((1, *classifier.image_size, 1), np.uint8)
    for run in (None, gone):
        ((judged,),) = judge(known_of(run, classifier), classifier, seen)
        assert judged.calibrated is judged.classes is judged.foreign is judged.novelty is judged.neighbours is None
        assert judged.note
