"""Two runs image by image on the Runs page, as a person uses it, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.data import open_dataset
from cnnviz.data.edits import names_of
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.compare import run_before
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.results_cache import model_digest
from tests.addresses import address_of
from tests.app.pages import app_on, shown, words_of
from tests.made_runs import make_run

RECIPE = replace(PRESETS["Q"], {"data.limits": {"train": 60, "validation": 40, "test": 40}})
WRONG = {"before": (3, 5, 8), "after": (5, 11)}
"""Positions among the test images before, none of which is left out after."""


def names(recipe: Recipe) -> list[str]:
    dataset = open_dataset(recipe.data)
    return names_of(dataset, "test", range(len(dataset.splits["test"])))


GONE = names(RECIPE)[20]
MENDED = replace(RECIPE, {"data.without": [GONE]})


def measured(recipe: Recipe, wrong: tuple[str, ...], created: float) -> runs.Run:
    """A run whose predictions about its test images are invented: right but for the images of these names."""
    made = make_run(recipe, created=created)
    made.best_path.write_bytes(b"never opened here")
    split = open_dataset(recipe.data).splits["test"]
    labels, told = split.labels["label"], names(recipe)
    predicted = np.where(np.isin(told, wrong), (labels + 1) % 10, labels)
    probabilities = np.full((len(told), 10), 1e-3, np.float32)
    probabilities[np.arange(len(told)), predicted] = 0.75
    found = Predictions(
        "test",
        model_digest(made.best_path),
        "x",
        np.arange(len(told)),
        {"label": labels},
        {"label": probabilities},
        {"label": np.ones(len(told), np.float32)},
        {"label": tuple("0123456789")},
    )
    evaluated.save(made.folder, found)
    return made


@pytest.fixture(scope="module")
def pair(shared_checkpoints: Path) -> tuple[runs.Run, runs.Run]:
    """Two runs, before and after an image was left out; of 39 images two are mended, one is broken, one stays wrong."""
    wrong = {when: tuple(names(RECIPE)[at] for at in positions) for when, positions in WRONG.items()}
    return measured(RECIPE, wrong["before"], 1e9), measured(MENDED, wrong["after"], 2e9)


@pytest.fixture
def visit(shared_checkpoints: Path) -> Callable[..., AppTest]:
    def go(*chosen: runs.Run, **query: str) -> AppTest:
        app = app_on("runs", runs_selected=[run.id for run in chosen])
        if query:
            app.query_params.update(query | {"run": ",".join(run.id for run in chosen)})
        return shown(app)

    return go


def tiles(app: AppTest) -> list[dict]:
    (part,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "cnnviz_image_gallery"]
    return json.loads(part.json)["tiles"]


def told(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "info", "warning", "error", "html")


def test_the_images_that_the_later_run_mends_come_first(visit, pair):
    app = visit(*reversed(pair))
    labels = {"mended": [3, 8], "broken": [11], "wrong": [5]}
    common = [name for name in names(RECIPE) if name in names(MENDED)]
    assert f"{len(common)}" in told(app)
    for outcome, positions in labels.items():
        app.segmented_control(key="runs_pair").set_value(outcome)
        shown(app)
        assert sorted(tile["lines"][2] for tile in tiles(app)) == sorted(names(RECIPE)[at] for at in positions)
    assert address_of(app)["images"] == "wrong"
    count = len(common)
    assert f"{100 * (count - 3) / count:.2f} %" in told(app)
    assert f"{100 * (count - 2) / count:.2f} %" in told(app)


def test_the_other_way_exchanges_what_is_mended_and_broken(visit, pair):
    app = visit(*pair, way="back", images="mended")
    assert [tile["lines"][2] for tile in tiles(app)] == [names(RECIPE)[11]]
    assert tiles(app)[0]["lines"][0].startswith("before ")


def test_a_tile_says_both_predictions_and_leads_to_the_later_run(visit, pair):
    app = visit(*pair)
    tile = next(one for one in tiles(app) if one["lines"][2] == names(RECIPE)[3])
    label = int(tile["title"])
    assert tile["lines"][:2] == [f"before {(label + 1) % 10} · 75 %", f"after {label} · 75 %"]
    assert f"run={pair[1].id}" in tile["href"]


def test_a_run_on_mended_data_leads_to_the_one_before(visit, pair):
    before, after = pair
    assert run_before(after, [before, after]).id == before.id
    assert run_before(before, [before, after]) is None
    app = visit(after)
    app.button(key="runs_before").click()
    assert app.session_state["runs_selected"] == [before.id, after.id] or shown(app)
    assert "Image by image" in told(shown(app))


def test_other_data_and_other_heads_are_said(visit, pair):
    other = make_run(replace(PRESETS["Q"], {"data.dataset": "shapes"}))
    assert "of different data sets" in told(visit(pair[0], other))


def test_runs_of_another_recipe_are_not_before_it(pair):
    before, after = pair
    other = make_run(replace(RECIPE, {"fit.learning_rate": 0.5}), created=1.5e9)
    assert run_before(after, [before, other, after]).id == before.id
