"""Two side by side, as a person meets them: the same layer's channels of two images, models or epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.inspection.activations import activations
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run, snapshots
from cnnviz.runs.snapshots import Maps, Moment, Probe, Snapshot
from cnnviz.ui.inputs.input_image import of_sample
from tests.app.pages import page_about, words_of
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

LAYERS = [{"type": "Conv2D", "filters": 4, "padding": "same"}, {"type": "MaxPool", "pool_size": 4}, {"type": "GAP"}]


def script() -> None:
    import streamlit as st

    from cnnviz import runs
    from cnnviz.explain.inspection.receptive_field import layer_rows
    from cnnviz.ui.inputs.input_image import of_sample
    from cnnviz.ui.inputs.model_cache import models_of_runs, of_run
    from cnnviz.ui.inputs.selection import Choice
    from cnnviz.ui.inside.comparison import beside_part
    from cnnviz.ui.inside.selection import Inspection, settle_layer

    run = runs.open_run(st.session_state["run"])
    if found := models_of_runs([run]):
        classifier, image = found[0].classifier, of_sample("chelsea")
        seen, rows = classifier.fit(image.whole()), layer_rows(classifier)
        layer, channel = settle_layer(Choice(), rows)
        beside_part(Inspection(found[0], of_run(run), image, seen, classifier.pixels(seen[None]), rows, layer, channel))
        st.session_state["loaded"] = classifier


@pytest.fixture
def shapes(checkpoints: Path) -> Run:
    return give_model(make_run(replace(PRESETS["S"], {"data.image_size": [16, 16], "network.layers": LAYERS})))


@pytest.fixture
def shown(until: Callable[..., None]) -> Callable[..., AppTest]:
    """Opens the part and runs the page until nothing is computed any more."""

    def run(app: AppTest | Run) -> AppTest:
        return rested(page_about(script, app), until, errors=False)

    return run


def words(app: AppTest) -> str:
    return words_of(app, "caption", "markdown", "info", "html")


def snapshot(epoch: int) -> Snapshot:
    levels = np.zeros((2, 4, 4, 3), np.uint8)
    levels[1, ..., 2] = 50 * epoch
    low, high = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    probabilities = {"shape": np.array([[0.7, 0.3], [0.1 * epoch, 1 - 0.1 * epoch]], np.float32)}
    return Snapshot(Moment(epoch), probabilities, maps=(Maps("conv2d", (16, 16, 8), levels, low, high),))


def test_two_images_go_through_one_model(shapes: Run, shown) -> None:
    app = shown(shapes)
    assert app.segmented_control(key="inside_beside_what").options == ["Two images", "Two models"]
    other = app.selectbox(key="inside_beside_photo")
    assert "Chelsea" not in other.options  # it is the one above
    other.set_value("coffee")
    shown(app)
    classifier = app.session_state["loaded"]
    one, two = (
        activations(classifier, classifier.pixels(classifier.fit(of_sample(name).whole())[None]), ["conv2d"])["conv2d"]
        for name in ("chelsea", "coffee")
    )
    distance = np.abs(one - two).mean(axis=(0, 1))
    first = int(distance.argmax())
    assert f"channels {first} ({distance[first]:.3g})" in words(app)
    assert f"Chelsea: from {one[..., 0].min():.3g} to {one[..., 0].max():.3g}" in words(app)
    assert f"Coffee: from {two[..., 0].min():.3g} to {two[..., 0].max():.3g}" in words(app)
    other = shown(app).selectbox(key="inside_beside_photo")
    other.set_value("A test image")
    shown(app)
    assert "Test 1" in words(app)


def test_one_image_goes_through_two_models(shapes: Run, shown) -> None:
    app = shown(shapes)
    app.segmented_control(key="inside_beside_what").set_value("networks")
    shown(app)
    assert "There is no other run with a model" in app.info[0].value
    other = give_model(make_run(replace(PRESETS["Q"], {"network.layers": [*LAYERS[:1], *LAYERS]})))
    shown(app)
    assert app.selectbox(key="inside_beside_network").value == other.id
    layer = next(box for box in app.selectbox if box.label == "Its layer")
    assert layer.value == "conv2d"
    layer.set_value("conv2d_1")
    shown(app)
    assert "conv2d_1: 4 channels, 8 × 8" in words(app)
    assert "Channels with the same number have nothing to do with each other" in words(app)
    assert "Furthest apart" not in words(app)


def test_two_epochs_of_a_run_are_those_of_its_snapshots(shapes: Run, shown) -> None:
    images = np.zeros((2, 16, 16, 3), np.uint8)
    probe = Probe(images, ("one.png", "two.png"), {"shape": np.array([0, 1])}, {"shape": ("<b>disc</b>", "star")})
    snapshots.save_images(shapes.folder, probe)
    for epoch in range(4):
        snapshots.save(shapes.folder, snapshot(epoch))
    app = shown(shapes)
    app.segmented_control(key="inside_beside_what").set_value("epochs")
    shown(app)
    assert "Untrained" in words(app)
    assert "Epoch 3" in words(app)
    app.selectbox(key="inside_beside_probe").set_value(1)
    app.selectbox(key="inside_beside_moment").set_value(Moment(1))
    shown(app)
    assert f"channels 2 ({100 / 255:.3g})" in words(app)
    assert "The first of its 8 channels. Means of 16 × 16 positions." in words(app)
    assert "<b>" not in words(app)
    assert words(app).index("90 %") < words(app).index("70 %")
