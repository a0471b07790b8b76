"""Slices beneath two runs that are compared image by image, as a person uses them, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.data import open_dataset
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.results_cache import model_digest
from tests.addresses import address_of
from tests.app.pages import app_on, shown, words_of
from tests.made_runs import make_run

RECIPE = replace(PRESETS["Q"], {})


def measured(wrong: Callable[[np.ndarray], np.ndarray], created: float) -> runs.Run:
    """A run whose predictions are invented: wrong where `wrong` says so of the test images' labels."""
    made = make_run(RECIPE, created=created)
    made.best_path.write_bytes(b"never opened here")
    labels = open_dataset(RECIPE.data).splits["test"].labels["label"]
    predicted = np.where(wrong(labels), (labels + 1) % 10, labels)
    probabilities = np.full((len(labels), 10), 1e-3, np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.75
    found = Predictions(
        "test",
        model_digest(made.best_path),
        "x",
        np.arange(len(labels)),
        {"label": labels},
        {"label": probabilities},
        {"label": np.ones(len(labels), np.float32)},
        {"label": tuple("0123456789")},
    )
    evaluated.save(made.folder, found)
    return made


def turn(labels: np.ndarray) -> np.ndarray:
    """Of each image how many of its class are before it."""
    return np.array([np.count_nonzero(labels[:k] == label) for k, label in enumerate(labels)])


@pytest.fixture(scope="module")
def pair(shared_checkpoints: Path) -> tuple[runs.Run, runs.Run]:
    """Of class 8 the second run has 20 images wrong, of the others none; the first has one of each class wrong."""
    first = measured(lambda labels: turn(labels) == 25, 1e9)
    return first, measured(lambda labels: (labels == 8) & (turn(labels) < 20), 2e9)


@pytest.fixture
def visit(shared_checkpoints: Path, pair, until: Callable[..., None]) -> Callable[..., AppTest]:
    """Goes there, until the images are measured."""

    def go(**query: str) -> AppTest:
        app = app_on("runs", runs_selected=[run.id for run in pair])
        app.query_params.update(query | {"run": ",".join(run.id for run in pair)})
        until(lambda: "Clusters: k-means" in told(shown(app)))
        return app

    return go


def part(app: AppTest, name: str) -> dict:
    (found,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name == f"cnnviz_{name}"]
    return json.loads(found.json)


def told(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "info", "warning", "error", "html")


def test_the_worst_slice_and_the_one_that_changed_most_are_named(visit) -> None:
    app = visit()
    rows = part(app, "slice_list")["rows"]
    labels = open_dataset(RECIPE.data).splits["test"].labels["label"]
    count = int((labels == 8).sum())
    assert rows[0]["name"] == "All images"
    assert rows[0]["accuracy"] == f"{100 - 2000 / len(labels):.1f} %"
    assert rows[1]["name"] == "class: 8"
    assert rows[1]["accuracy"] == f"{100 - 2000 / count:.1f} %"
    assert (rows[1]["below"], rows[1]["sure"], rows[1]["unranked"]) == (True, True, False)
    assert f"Worst on **class: 8**: {100 - 2000 / count:.1f} %" in told(app)
    assert "Changed most: **class: 8**, −" in told(app)
    assert rows[1]["change"].startswith("−")


def test_images_in_memory_are_measured_at_once_and_kept(visit, pair) -> None:
    rows = part(visit(), "slice_list")["rows"]
    kinds = {row["name"].split(":")[0] for row in rows[1:]}
    assert kinds == {"class", "brightness", "cluster"}, "all digits have one size"
    assert len(list((pair[1].folder / "slices").glob("*.npz"))) == 1
    assert "k-means of small grey thumbnails" in told(visit())


def test_a_slice_filters_the_images_and_stands_in_the_address(visit) -> None:
    app = visit(images="broken")
    assert len(part(app, "image_gallery")["tiles"]) == 12
    app.session_state["runs_slice"] = "class: 8"
    shown(app)
    assert {tile["title"] for tile in part(app, "image_gallery")["tiles"]} == {"8"}
    assert address_of(app)["slice"] == "class: 8"
    assert "Right before, wrong after. Of class: 8." in told(app)
    app = visit(images="mended", slice="class: 3")
    assert [tile["title"] for tile in part(app, "image_gallery")["tiles"]] == ["3"]
    chosen = [row["name"] for row in part(app, "slice_list")["rows"] if row.get("chosen")]
    assert chosen == ["class: 3"]


def test_a_slice_that_there_is_not_is_all_images(visit) -> None:
    app = visit(slice="class: cat")
    assert [row["name"] for row in part(app, "slice_list")["rows"] if row.get("chosen")] == ["All images"]
    assert "slice" not in address_of(app)


def test_figures_above_are_of_all_images_whatever_the_slice(visit) -> None:
    count = len(open_dataset(RECIPE.data).splits["test"])
    assert f"{100 - 2000 / count:.2f} %" in told(visit(slice="class: 3"))


def test_another_choice_of_runs_takes_the_slice_out_of_the_address(visit, pair) -> None:
    app = visit(images="broken", slice="class: 8")
    app.session_state["runs_selected"] = [pair[0].id]
    assert set(address_of(shown(app))) == {"run"}


def test_the_report_of_a_single_run_is_of_the_slice_that_is_chosen_there(visit, pair, shared_checkpoints) -> None:
    app = app_on("runs", runs_selected=[pair[1].id])
    app.query_params.update({"run": pair[1].id, "show": "report", "slice": "class: 8"})
    shown(app)
    rows = part(app, "slice_list")["rows"]
    assert "change" not in rows[1]
    assert "Worst on **class: 8**" in told(app)
    assert "The matrix and the images are of class: 8." in told(app)
    cells = part(app, "confusion_matrix")["cells"]
    filled = [row for row, line in enumerate(cells) if any(cell[0] != "·" for cell in line)]
    assert filled == [8]
    assert "20 of 35 predictions are wrong" in told(app)
    assert address_of(app)["slice"] == "class: 8"
    app.session_state["runs_report_slices"] = False
    shown(app)
    assert "slice" not in address_of(app)
    assert "The matrix and the images" not in told(app)
    assert f"20 of {len(open_dataset(RECIPE.data).splits['test'])} predictions are wrong" in told(app)
