"""From a run's folder to its model, and what is said where there is none."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.files import write_json
from cnnviz.models.build.model import build
from cnnviz.models.load.load import keep_state, load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.runs.store import create


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of two heads that kept a model, without a report."""
    made = create(PRESETS["S"], tmp_path)
    build(PRESETS["S"]).save(made.best_path)
    return made


def test_the_model_comes_with_its_recipe_and_class_names(run: Run) -> None:
    classifier = load_run(run)
    assert classifier.recipe == PRESETS["S"]
    assert classifier.classes["shape"] == ("circle", "square", "triangle", "cross")
    pixels = np.zeros((2, 64, 64, 3), np.float32)
    again = keras.models.load_model(run.best_path, compile=False)
    for one, other in zip(classifier.model(pixels), again(pixels), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_names_are_the_reports_where_they_fit(run: Run) -> None:
    shapes, colours = [f"s{n}" for n in range(4)], [f"c{n}" for n in range(6)]
    write_json(run.folder / "report.json", {"classes": {"shape": shapes, "colour": colours}})
    assert load_run(run).classes == {"shape": tuple(shapes), "colour": tuple(colours)}
    write_json(run.folder / "report.json", {"classes": {"shape": shapes[:2], "colour": colours}})
    assert load_run(run).classes["shape"] == ("circle", "square", "triangle", "cross")


def test_without_report_and_data_classes_are_numbered(tmp_path: Path) -> None:
    recipe = replace(PRESETS["Q"], {"data.dataset": "/gone"})
    run = create(recipe, tmp_path)
    build(recipe).save(run.best_path)
    assert load_run(run).classes == {"label": tuple("0123456789")}


def test_a_run_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model yet"):
        load_run(create(PRESETS["Q"], tmp_path))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_one_sentence(run: Run, content: bytes) -> None:
    run.best_path.write_bytes(content)
    with pytest.raises(ModelError, match="can't be read") as raised:
        load_run(run)
    assert "\n" not in str(raised.value)


def test_a_model_of_another_size_is_refused(run: Run) -> None:
    other = dataclasses.replace(run, recipe=replace(PRESETS["S"], {"data.image_size": 32}))
    with pytest.raises(ModelError, match="takes"):
        load_run(other)


def test_streamlit_can_no_longer_clear_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "clear_session", keras.backend.clear_session)
    keras.Sequential([keras.layers.Dense(1)])
    keep_state()
    try:
        before = keras.layers.Dense(1).name
        keras.backend.clear_session()
        assert keras.layers.Dense(1).name != before
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
