"""Patterns and what excites a channel on the Inside page, without a browser: tiny untrained models, real work."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import images, runs
from cnnviz.explain.feature_visualization.patterns import Settings, visualize
from cnnviz.explain.feature_visualization.patterns_of_run import cached_visualizations
from cnnviz.explain.inspection.top_activations_of_run import cached_ablation, samples
from cnnviz.explain.inspection.top_activations_of_run import cached_top_activations as kept_excited
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.ui.inputs import model_cache as models
from tests import pages_run
from tests.app.pages import html, page_about, words_of
from tests.made_runs import give_model, make_run

LAYERS = [
    {"type": "Conv2D", "filters": 5, "padding": "same"},
    {"type": "MaxPool", "pool_size": 4},
    {"type": "Conv2D", "filters": 3},
    {"type": "GAP"},
]
QUICK = {"inside_patterns_mode": "plain", "inside_patterns_steps_plain": 3, "inside_patterns_size_conv2d": 16}
SETTINGS = Settings("plain", 3, 1.0, 16)


def script() -> None:
    """A page that is nothing but one part."""
    from dataclasses import replace

    import streamlit as st

    from cnnviz import runs
    from cnnviz.explain.inspection.receptive_field import layer_rows
    from cnnviz.ui.inputs.input_image import of_sample
    from cnnviz.ui.inputs.model_cache import of_run
    from cnnviz.ui.inputs.model_cache import open_models as all_models
    from cnnviz.ui.inside.feature_visualization import feature_visualization_part, visualization_of_channel
    from cnnviz.ui.inside.selection import Inspection
    from cnnviz.ui.inside.top_activations import top_activations_part

    state = st.session_state
    source = of_run(runs.open_run(state["run"]))
    if found := all_models([source]):
        [model] = found
        image = of_sample("chelsea")
        seen = model.classifier.fit(image.whole())
        if state.get("without_run"):
            source = replace(source, run=None)
        opened = Inspection(
            model,
            source,
            image,
            seen,
            model.classifier.pixels(seen[None]),
            layer_rows(model.classifier),
            state.get("layer", "conv2d"),
            state.get("channel", 0),
        )
        {
            "patterns": feature_visualization_part,
            "channel": lambda one: visualization_of_channel(one, one.channel),
            "excites": top_activations_part,
        }[state.get("view", "patterns")](opened)


@pytest.fixture(scope="module")
def made(shared_checkpoints: Path) -> Run:
    """A small run of digits; what tests make is kept in it."""
    return give_model(make_run(replace(PRESETS["Q"], {"data.image_size": [16, 16], "network.layers": LAYERS})))


@pytest.fixture
def digits(made: Run) -> Run:
    """The run of digits, as it is now."""
    return runs.open_run(made.id)


@pytest.fixture
def rested(until: Callable[..., None]) -> Callable[..., AppTest]:
    """Runs the page until nothing is at work any more."""

    def run(app: AppTest | Run, **state: object) -> AppTest:
        return pages_run.rested(page_about(script, app, **state), until)

    return run


def said(app: AppTest) -> str:
    """All that is said, without the marks that keep it from being read as Markdown."""
    return words_of(app, "markdown", "caption", "info", "error")


def told(page: str) -> list:
    """The pairs of percentages that stand as "11 % → 12 %", each equal to what rounds to it."""
    found = re.findall(r"([\d.]+) % → ([\d.]+) %", page)
    return [pytest.approx((float(one) / 100, float(other) / 100), abs=0.005) for one, other in found]


def grid_of(app: AppTest) -> dict:
    """What the browser gets of the grid that can be clicked."""
    [element] = app.get("bidi_component")
    return json.loads(element.proto.json)


def test_the_mode_that_shows_clean_patterns_comes_first(digits: Run, rested) -> None:
    app = rested(digits)
    assert app.segmented_control(key="inside_patterns_mode").value == "robust"
    assert app.number_input(key="inside_patterns_steps_robust").value == 128
    assert "is changed 128 times" in said(app)


def test_patterns_are_made_when_asked_and_the_second_time_they_are_there(
    digits: Run, rested, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = rested(digits, channel=3, **QUICK)
    assert cached_visualizations(digits, "conv2d", range(5), SETTINGS) is None
    assert "begins as grey noise" in said(app)
    assert app.button(key="inside_patterns_make").label == "Make 5 patterns"
    app.button(key="inside_patterns_make").click()
    rested(app)
    there = cached_visualizations(digits, "conv2d", range(5), SETTINGS)
    assert there.filters == (0, 1, 2, 3, 4)
    assert "channels 0 to 4 in rows, 3 steps of 1, raw gradient, 16 × 16 pixels" in said(app)
    page = grid_of(app)
    assert page["labels"] == [
        f"Channel {channel}: mean output {before:.3g} for noise, {after:.3g} for its feature visualization"
        for channel, before, after in zip(there.filters, there.before, there.after, strict=True)
    ]
    image = images.decode(base64.b64decode(page["image"].partition(",")[2]))
    for channel in range(5):
        np.testing.assert_array_equal(image[:, 21 * channel : 21 * channel + 16, :1], there.images[channel])
    assert page["marked"] == [0, 3]
    assert "inside_patterns_make" not in [button.key for button in app.button]
    assert app.get("download_button")

    def never(*arguments: object) -> None:
        pytest.fail("What is kept was made again.")

    monkeypatch.setattr("cnnviz.explain.feature_visualization.patterns.draw", never)
    assert grid_of(rested(digits, channel=3, **QUICK)) == page
    other = rested(digits, channel=3, **(QUICK | {"inside_patterns_mode": "robust"}))
    assert other.button(key="inside_patterns_make").label == "Make 5 patterns"


def test_a_stop_keeps_what_is_whole_and_the_rest_can_be_made_later(
    digits: Run, rested, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnviz.explain.feature_visualization.patterns._BATCH", 2)
    steps = {"inside_patterns_mode": "plain", "inside_patterns_steps_plain": 400, "inside_patterns_size_conv2d": 24}
    settings = Settings("plain", 400, 1.0, 24)
    app = rested(digits, **steps)
    app.button(key="inside_patterns_make").click().run()
    model = model_of(digits)

    def stopped() -> bool:
        with model.lock:  # it stands still meanwhile
            latest = app.session_state["inside_patterns_growing"].latest
            if latest is None or latest.steps[0] < 400:
                return False
            app.run()
            assert re.search(r"Channel 0: mean output .*Channel 4: \d+ of 400 steps", html(app), re.S)
            assert app.get("progress")
            app.button(key="stop_inside_patterns").click().run()
            return True

    until(stopped)
    rested(app)
    there = cached_visualizations(digits, "conv2d", range(5), settings)
    assert 2 <= len(there.filters) < 5
    assert f"{len(there.filters)} of 5 are whole" in said(app)
    missing = 5 - len(there.filters)
    monkeypatch.setattr("cnnviz.explain.feature_visualization.patterns._BATCH", 8)
    assert app.button(key="inside_patterns_make").label == f"Make the {missing} that are missing"
    app.button(key="inside_patterns_make").click()
    rested(app)
    whole = cached_visualizations(digits, "conv2d", range(5), settings)
    assert whole.filters == (0, 1, 2, 3, 4)
    np.testing.assert_array_equal(whole.images[: len(there.filters)], there.images)
    assert "whole" not in said(app)


def model_of(run: Run) -> models.LockedModel:
    """The model that the page has."""
    [model] = models.open_models([models.of_run(run)])
    return model


def test_others_are_let_in_between_steps(digits: Run, rested, until) -> None:
    app = rested(digits, inside_patterns_mode="plain", inside_patterns_steps_plain=2000, inside_patterns_size_conv2d=32)
    app.button(key="inside_patterns_make").click().run()
    model, source_images = model_of(digits), np.zeros((1, *digits.recipe.data.image_size, 1), np.uint8)
    predictions = [model.predict(source_images)[0] for _ in range(5)]
    assert len(predictions) == 5
    assert app.session_state["inside_patterns_growing"].latest.steps[-1] < 2000
    app.button(key="stop_inside_patterns").click()
    rested(app)


def test_channels_that_nothing_raises_are_named(digits: Run, rested) -> None:
    silent = give_model(make_run(digits.recipe))
    model = keras.saving.load_model(silent.best_path, compile=False)
    kernel, bias = model.get_layer("conv2d").get_weights()
    kernel[..., [1, 3]], bias[[1, 3]] = 0, -1
    model.get_layer("conv2d").set_weights([kernel, bias])
    model.save(silent.best_path)
    app = rested(silent, **QUICK)
    app.button(key="inside_patterns_make").click()
    rested(app)
    assert "2 could not be raised (1, 3), being silent for noise: shift-robust may wake them up" in said(app)


def test_without_a_run_patterns_are_kept_for_the_visit(digits: Run, rested) -> None:
    app = rested(digits, without_run=True, **(QUICK | {"inside_patterns_steps_plain": 4}))
    app.button(key="inside_patterns_make").click()
    rested(app)
    page = grid_of(app)
    assert page["labels"][4].startswith("Channel 4: mean output")
    assert cached_visualizations(digits, "conv2d", range(5), Settings("plain", 4, 1.0, 16)) is None
    assert grid_of(rested(app)) == page


def test_a_channels_own_pattern(digits: Run, rested) -> None:
    app = rested(
        digits,
        view="channel",
        channel=2,
        inside_patterns_mode="plain",
        inside_patterns_steps_plain=5,
        inside_patterns_size_conv2d=16,
    )
    app.button(key="inside_pattern_make").click()
    rested(app)
    settings = Settings("plain", 5, 1.0, 16)
    there = cached_visualizations(digits, "conv2d", range(5), settings)
    assert there.filters == (2,)
    np.testing.assert_array_equal(there.images, visualize(load_run(digits), "conv2d", [2], settings).images)
    assert "inside_pattern_make" not in [button.key for button in app.button]
    assert len(app.get("image")) == 1


def test_a_size_that_does_not_fit_is_a_sentence(digits: Run, rested) -> None:
    app = rested(digits, layer="conv2d_1", inside_patterns_size_conv2d_1=8)
    app.button(key="inside_patterns_make").click()
    rested(app)
    assert "conv2d_1 can't be computed for images of 8 × 8 pixels: choose a larger size" in said(app)
    assert app.button(key="inside_patterns_make").label == "Make 3 patterns"


def test_what_excites_a_channel(digits: Run, rested) -> None:
    app = rested(digits, view="excites", channel=1)
    assert kept_excited(digits, "conv2d") is None
    app.button(key="inside_excites_look").click()
    rested(app)
    there, given = kept_excited(digits, "conv2d"), samples(digits)
    page = html(app)
    for value, row in zip(there.values[1], there.rows[1], strict=True):
        assert f'alt="{given.labels["label"][row]}, {given.names[row]}: {value:.3g}"' in page
    assert page.count('alt="The part: ') == 12
    assert f"Selectivity {there.selectivity('label')[1]:.2f}" in said(app)
    assert 'aria-label="Mean output of channel 1 for each class of label"' in page
    assert "inside_excites_look" not in [button.key for button in app.button]
    app.button(key="inside_excites_off").click()
    rested(app)
    known = cached_ablation(digits, "conv2d", [1])
    with_it, without = known.accuracy["label"]
    assert (with_it, without) in told(html(app))
    again = html(rested(digits, view="excites", channel=1))
    assert (with_it, without) in told(again)
    assert page.split("<div", 1)[1] in again


def test_units_see_the_whole_image_and_have_no_places(digits: Run, rested) -> None:
    app = rested(digits, view="excites", layer="label", channel=4)
    app.button(key="inside_excites_look").click()
    rested(app)
    assert "every output sees all of it here" in said(app)
    assert "Strongest positions" not in said(app)


def test_without_a_run_it_says_what_is_missing(digits: Run, rested) -> None:
    app = rested(digits, view="excites", without_run=True)
    assert "is of no run, so that the images it was trained on aren't known here" in said(app)
    assert not app.button
