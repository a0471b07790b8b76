"""A backbone on the Train page: chosen, frozen or trained, fine-tuned, and where its weights are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.architecture import counts, describe
from cnnviz.backbones import openings
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse
from tests.app.pages import html, shown, words_of
from tests.app.test_train import draft, field, recipe, start


@pytest.fixture
def shapes(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with the preset for shapes, on a computer without any weights."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    app.query_params["preset"] = "S"
    return chosen(shown(app), "selectbox", "backbone.name", "MobileNetV2")


def chosen(app: AppTest, kind: str, name: str, value: object) -> AppTest:
    """Sets a control and runs the page twice: what follows from it is drawn, and stays."""
    field(app, kind, name).set_value(value)
    return shown(shown(app))


def words(app: AppTest) -> str:
    return words_of(app, "caption")


def test_a_backbone_is_frozen_until_something_else_is_chosen(shapes: AppTest) -> None:
    model = recipe(shapes).network
    assert model.backbone.model_dump() == {
        "name": "MobileNetV2",
        "weights": "imagenet",
        "trainable_from": None,
        "cached": False,
    }
    found = counts(model, describe(model, (64, 64, 3)))
    assert found.frozen == 2_257_984
    assert f">{found.frozen:,}<" in html(shapes)
    assert f">{found.trainable:,}<" in html(shapes)
    assert "batch normalisations" not in words(shapes)
    assert "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5 into" in words(shapes)
    assert not start(shapes).disabled


def test_random_weights_need_no_file(shapes: AppTest) -> None:
    chosen(shapes, "selectbox", "backbone.MobileNetV2.weights", "none")
    assert recipe(shapes).network.backbone.weights == "none"
    assert "no_top.h5" not in words(shapes)


def test_it_is_trained_from_a_layer_on_or_whole(shapes: AppTest) -> None:
    chosen(shapes, "selectbox", "backbone.MobileNetV2.way", "part")
    assert recipe(shapes).network.backbone.trainable_from == openings("MobileNetV2")[-1]
    chosen(shapes, "selectbox", "backbone.MobileNetV2.from", "block_16_expand")
    assert recipe(shapes).network.backbone.trainable_from == "block_16_expand"
    assert "batch normalisations" in words(shapes)
    chosen(shapes, "selectbox", "backbone.MobileNetV2.way", "all")
    model = recipe(shapes).network
    assert model.backbone.trainable_from == ""
    assert f">{counts(model, describe(model, (64, 64, 3))).trainable:,}<" in html(shapes)


def test_kept_features_leave_no_augmentation(shapes: AppTest) -> None:
    chosen(shapes, "selectbox", "backbone.MobileNetV2.way", "cached")
    assert start(shapes).disabled
    assert any("can't be augmented" in error.value.replace("\\", "") for error in shapes.error)
    chosen(shapes, "selectbox", "policy", "none")
    assert recipe(shapes).network.backbone.cached
    assert not start(shapes).disabled


def test_a_second_stage_is_set_and_taken_back(shapes: AppTest) -> None:
    chosen(shapes, "toggle", "backbone.MobileNetV2.later", True)
    chosen(shapes, "selectbox", "backbone.MobileNetV2.later.trainable_from", "block_15_expand")
    chosen(shapes, "number_input", "backbone.MobileNetV2.later.learning_rate", 2e-5)
    chosen(shapes, "number_input", "backbone.MobileNetV2.later.epochs", 4)
    later = recipe(shapes).fit.finetune
    assert (later.trainable_from, later.learning_rate, later.epochs) == ("block_15_expand", 2e-5, 4)
    assert "In the second stage" in words(shapes)
    chosen(shapes, "selectbox", "backbone.name", "")
    assert recipe(shapes).network.backbone is None
    assert recipe(shapes).fit.finetune is None


@pytest.mark.parametrize("name", ["D4", "D6", "E3", "M4", "M6"])
def test_presets_fill_the_controls_in(app: AppTest, name: str) -> None:
    app.query_params["preset"] = name
    shown(shown(app))
    backbone = PRESETS[name].network.backbone
    assert parse(draft(app).tree) == PRESETS[name]
    assert field(app, "selectbox", "backbone.name").value == backbone.name
    wanted = {None: "frozen", "": "all"}.get(backbone.trainable_from, "part")
    assert field(app, "selectbox", f"backbone.{backbone.name}.way").value == ("cached" if backbone.cached else wanted)
    assert field(app, "toggle", f"backbone.{backbone.name}.later").value == (PRESETS[name].fit.finetune is not None)
