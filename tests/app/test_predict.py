"""The Predict page, as a person uses it, without a browser: the models are real, if small and untrained."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.data.samples import sample
from cnnviz.explain import METHODS, Target, explain
from cnnviz.explain.metrics.verdicts import deletion_insertion_verdict
from cnnviz.explain.robustness.covering import cover
from cnnviz.models.load.load import load_run
from cnnviz.overlay import overlay
from cnnviz.presets import PRESETS
from cnnviz.probabilities import percent, percents
from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import LockedModel, of_run
from cnnviz.ui.predict import metrics_job
from cnnviz.ui.predict.downloads import TOP, numbers
from cnnviz.ui.predict.metrics_view import LEVELS
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from tests.addresses import address_of, by_link
from tests.app.drawn import colours, component, html_images
from tests.app.pages import APP, app_on, html, sentences
from tests.made_runs import give_model, make_run
from tests.pages_run import rested


@pytest.fixture
def shapes(checkpoints: Path) -> Run:
    """A run with two heads."""
    return give_model(make_run(PRESETS["S"], created=1_700_000_100.0))


@pytest.fixture
def digits(checkpoints: Path) -> Run:
    """A run with one head that takes grey images."""
    return give_model(make_run(PRESETS["Q"]))


@pytest.fixture
def app(checkpoints: Path, bundled_data_only: None) -> AppTest:
    """The app before the page is opened, with no data but what is bundled."""
    return app_on("predict")


@pytest.fixture
def shown(until: Callable[..., None]) -> Callable[[AppTest], AppTest]:
    """Runs the page until nothing is being loaded or computed any more."""

    def run(app: AppTest) -> AppTest:
        return rested(app, until)

    return run


def choice(app: AppTest):
    return app.session_state["predict_choice"]


def probabilities(text: str) -> list[str]:
    return re.findall(r"[\d.]+ %", text)


def jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95)
    return file.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> None:
    app.file_uploader(key="predict_files").set_value([(name, data, "image/jpeg") for name, data in files])


def test_first_sight_is_the_cat_its_answer_and_where_it_came_from(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    assert [image.title for image in choice(app).images] == ["Chelsea"]
    assert "Heat map over Chelsea" in html(app)
    classifier = load_run(shapes)
    for values, (head, classes) in zip(
        classifier.predict(classifier.fit(sample("chelsea"))[None]), classifier.classes.items(), strict=True
    ):
        assert head in html(app)
        assert classes[values[0].argmax()] in html(app)
    told = zip(sentences(app.caption), app.caption, strict=True)
    (why,) = [one.proto.help for text, one in told if text.startswith("**Grad-CAM** of")]
    assert "is the last convolution" in why
    assert "Strongest point" in why
    assert address_of(app) == {"run": shapes.id, "sample": "chelsea"}
    assert not app.error
    assert not app.warning


def test_without_a_model_the_image_and_the_way_to_one_are_shown(app: AppTest, shown) -> None:
    shown(app)
    assert any("No model is chosen" in text for text in sentences(app.markdown))
    assert "The image Chelsea" in html(app)
    assert not app.error


def test_every_control_has_help(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    app.query_params.update({"run": f"{shapes.id},{digits.id}", "sample": "chelsea,coffee"})
    shown(app)
    for kind in ("selectbox", "slider", "toggle", "button", "button_group", "multiselect", "file_uploader"):
        for one in getattr(app, kind):
            assert one.proto.help, f"{kind} {one.label!r} has no help"


def test_a_class_a_head_and_a_layer_are_chosen_and_stand_in_the_address(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    app.selectbox(key="predict_head").set_value("colour")
    shown(app)
    app.selectbox(key="predict_class").set_value("green")
    shown(app)
    app.selectbox(key="predict_layer").set_value("conv2d_1")
    shown(app)
    assert any(text.startswith("**Grad-CAM** of **green** at **conv2d_1**") for text in sentences(app.caption))
    assert address_of(app) == {
        "run": shapes.id,
        "sample": "chelsea",
        "head": "colour",
        "class": "green",
        "layer": "conv2d_1",
    }


def test_a_link_opens_the_same_view(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    app.query_params.update(
        {"run": shapes.id, "item": "17", "head": "colour", "class": "green", "layer": "conv2d_1", "method": "layer-cam"}
    )
    shown(app)
    assert [image.address for image in choice(app).images] == [("item", f"{shapes.id}:17")]
    assert any(text.startswith("**LayerCAM** of **green** at **conv2d_1**") for text in sentences(app.caption))
    assert "true label" in html(app)
    assert address_of(app)["item"] == "17"


def test_one_head_of_a_run_is_a_model_of_its_own(app: AppTest, shapes: Run, shown) -> None:
    app.query_params.update({"run": shapes.id, "item": "17"})
    shown(app)
    own = f"{shapes.id}/colour"
    field = app.multiselect(key="predict_networks")
    assert [one for one in field.options if "only" in one] == [
        f"{field.options[0]} · {n} only" for n in ("shape", "colour")
    ]
    field.set_value([own])
    shown(app)
    assert not app.error
    assert not [one for one in app.selectbox if one.key == "predict_head"]
    comparisons = {"What it predicts", "Prediction against second", "Prediction against truth"}  # its image has labels
    classes = set(load_run(shapes).classes["colour"])
    assert set(app.selectbox(key="predict_class").options) == comparisons | classes
    assert "true label" in html(app)
    assert address_of(app) == {"run": own, "item": f"{shapes.id}:17"}
    app.session_state["predict_choice"].sources = None
    by_link(app, run=own, item=f"{shapes.id}:18")
    shown(app)
    assert choice(app).sources == [own]
    assert [image.address for image in choice(app).images] == [("item", f"{shapes.id}:18")]
    assert address_of(app) == {"run": own, "item": f"{shapes.id}:18"}


def test_a_link_to_what_is_not_there_says_so_and_shows_the_rest(app: AppTest, shapes: Run, shown) -> None:
    app.query_params.update(
        {
            "run": f"gone,{shapes.id}",
            "sample": "nobody,coffee",
            "item": "x:y",
            "head": "taste",
            "class": "<b>sour</b>",
            "layer": "dense",
            "method": "guess",
        }
    )
    shown(app)
    warnings = " ".join(sentences(app.warning))
    for part in ("'gone'", "'nobody'", "'x:y'", "'taste'", "sour", "'guess'", "'dense'"):
        assert part in warnings
    assert [image.title for image in choice(app).images] == ["Coffee"]
    assert any(text.startswith("**Grad-CAM** of") for text in sentences(app.caption))
    assert "Heat map over Coffee" in html(app)
    assert "<b>sour" not in html(app)
    assert address_of(app) == {"run": shapes.id, "sample": "coffee"}


def test_the_answer_against_the_second(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    app.selectbox(key="predict_class").set_value(" second")
    shown(app)
    classifier = load_run(shapes)
    values = classifier.predict(classifier.fit(sample("chelsea"))[None])[0][0]
    first, second = (classifier.classes["shape"][index] for index in np.argsort(-values)[:2])
    assert any(f"of **{first} rather than {second}** at" in text for text in sentences(app.caption))
    assert address_of(app)["against"] == "second"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_draws_a_map(app: AppTest, digits: Run, shown, method: str) -> None:
    app.query_params.update({"run": digits.id, "item": "3", "method": method})
    shown(app)
    assert any(text.startswith(f"**{METHODS[method].title}**") for text in sentences(app.caption))
    assert not app.error
    assert not app.warning
    assert ("Layer" in [one.label for one in app.selectbox]) == (METHODS[method].family == "cam")
    image, heat = html_images(app, "Heat map over ")[:2]
    assert image.shape == heat.shape
    classifier = load_run(digits)
    seen = classifier.fit(open_dataset(PRESETS["Q"].data).splits["test"].image(2))[None]
    target = Target(0, int(classifier.predict(seen)[0][0].argmax()))
    map_ = explain(classifier.model, classifier.pixels(seen), method=method, target=target).map[0]
    white = np.full_like(heat, 255)  # what is clear is white here
    expected = overlay(white, np.maximum(map_, 0), 1.0, by_strength=METHODS[method].family == "pixel")
    assert colours(heat) > 20
    assert np.mean(np.abs(heat.astype(int) - expected)) < 12  # JPEG


def test_a_methods_settings_are_fields_and_stand_in_the_address(app: AppTest, digits: Run, shown) -> None:
    app.query_params.update({"run": digits.id, "item": "3", "method": "occlusion", "settings": "patch:3"})
    shown(app)
    assert any("Patches of 3 × 3 pixels, 1 apart" in text for text in sentences(app.caption))
    app.number_input(key="predict_occlusion_stride").set_value(2)
    shown(app)
    assert any("Patches of 3 × 3 pixels, 2 apart" in text for text in sentences(app.caption))
    assert address_of(app)["settings"] == "patch:3,stride:2"
    app.number_input(key="predict_occlusion_patch").set_value(None)
    shown(app)
    assert address_of(app)["settings"] == "stride:2"
    app.selectbox(key="predict_method").set_value("integrated-gradients")
    shown(app)
    assert "settings" not in address_of(app)
    assert app.number_input(key="predict_integrated-gradients_steps").value == 32


@pytest.mark.parametrize("settings", ["steps:0", "steps:many", "patch:3", "steps:1e999", "steps:2.5"])
def test_settings_that_cannot_be_are_told_and_left(app: AppTest, digits: Run, shown, settings: str) -> None:
    app.query_params.update({"run": digits.id, "item": "3", "method": "integrated-gradients", "settings": settings})
    shown(app)
    assert not app.error
    assert any("steps" in text for text in sentences(app.caption) if "32 steps" in text)
    assert settings.startswith("steps:1e") or len(app.warning) == 1


def test_every_layer_is_shown_in_place_for_the_image_it_is_pressed_at(app: AppTest, shapes: Run, shown) -> None:
    app.query_params["sample"] = "chelsea,coffee,rocket"
    shown(app)
    app.segmented_control(key="predict_cell_1_view").set_value("layers")
    shown(app)
    count = sum(layer.type == "Conv2D" for layer in PRESETS["S"].network.layers)
    coffee, rocket = (html(app).index(f"Heat map over {name}") for name in ("Coffee", "Rocket"))
    assert html(app).count("Heat map at ") == html(app)[coffee:rocket].count("Heat map at ") == count
    classifier = load_run(shapes)
    seen = classifier.fit(sample("coffee"))[None]
    target = Target(0, int(classifier.predict(seen)[0][0].argmax()))
    made = explain(classifier.model, classifier.pixels(seen), method="grad-cam", layer="conv2d", target=target)
    assert f"{made.strength[0]:.3g}" in html(app)[coffee:rocket]
    assert address_of(app)["view"] == "layers:2"
    app.button(key="predict_cell_1_remove").click()
    shown(app)
    assert "Heat map at " not in html(app)
    assert "view" not in address_of(app)


def test_nothing_is_measured_before_the_panel_is_opened(app: AppTest, digits: Run, shown) -> None:
    shown(app)
    assert not app.get("plotly_chart")
    app.segmented_control(key="predict_view").set_value("trust")
    shown(app)
    assert len(app.get("plotly_chart")) == 3
    assert address_of(app)["view"] == "trust"
    app.button(key="predict_panel_close").click()
    shown(app)
    assert not app.get("plotly_chart")


def badge(app: AppTest) -> str:
    (label,) = [button.label for button in app.button if button.key == "predict_0_badge"]
    return label


def test_a_map_that_takes_little_time_is_measured_unasked(
    app: AppTest, digits: Run, shown, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_job, "QUICK_SECONDS", 600.0)
    shown(app)

    def measured() -> bool:
        app.run()
        return "not measured" not in badge(app)

    until(measured)
    (found,) = app.session_state["trust_found"].values()
    assert len(found.quick.random) == 10
    seen = load_run(digits).fit(sample("chelsea"))[None]
    subject = load_run(digits).classes["label"][load_run(digits).predict(seen)[0][0].argmax()]
    level = deletion_insertion_verdict(found.quick, subject).level
    assert LEVELS[level][2] in badge(app)
    app.button(key="predict_0_badge").click()
    shown(app)
    assert address_of(app)["view"] == "trust"
    app.button(key="predict_0_badge").click()
    shown(app)
    assert "view" not in address_of(app)


def test_a_map_that_would_take_long_is_called_not_measured(
    app: AppTest, digits: Run, shown, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_job, "QUICK_SECONDS", 0.0)
    shown(app)
    until(lambda: [found.tried for found in app.session_state["trust_found"].values()] == [True])
    app.run()
    assert "Map not measured" in badge(app)


def test_a_covered_image_is_answered_and_explained_beside_the_whole_one(app: AppTest, digits: Run, shown) -> None:
    app.query_params.update({"run": digits.id, "item": "3", "view": "cover", "cover": "mean-0-0-50-100"})
    shown(app)
    classifier = load_run(digits)
    seen = classifier.fit(open_dataset(PRESETS["Q"].data).splits["test"].image(2))
    covered = cover(seen, (0, 0, 8, 4), "mean")
    before, after = classifier.predict(np.stack([seen, covered]))[0]
    index = int(before.argmax())
    assert f"{index}: {percent(before[index])} → {percent(after[index])} (" in html(app).replace("&gt;", ">")
    target = Target(0, index)
    maps = [
        explain(classifier.model, classifier.pixels(one[None]), method="grad-cam", target=target).map[0]
        for one in (seen, covered)
    ]
    greatest = max(float(map_.max()) for map_ in maps)
    for name, map_ in zip(("As it is", "Covered"), maps, strict=True):
        heat = html_images(app, f"{name}: heat map over ")[1]
        expected = overlay(np.zeros_like(heat), map_, 1.0, greatest=greatest)
        assert np.mean(np.abs(heat.astype(int) - expected)) < 12  # JPEG
    assert component(app, "predict_cover_box")["box"] == [0, 0, 50, 100]
    assert address_of(app)["cover"] == "mean-0-0-50-100"


@pytest.mark.parametrize("value", ["tape-0-0-50-50", "blur-0-0-50", "blur-60-0-50-50", "blur-0-0-1-1", "blur-a-0-9-9"])
def test_a_box_that_cannot_be_is_left(app: AppTest, digits: Run, shown, value: str) -> None:
    app.query_params.update({"run": digits.id, "view": "cover", "cover": value})
    shown(app)
    assert component(app, "predict_cover_box")["box"] == [35, 35, 30, 30]


def test_two_models_stand_side_by_side_or_one_below_the_other(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    app.query_params["run"] = f"{shapes.id},{digits.id}"
    shown(app)
    assert len(app.get("grid_container")) == 1
    app.toggle(key="predict_columns").set_value(False)
    shown(app)
    assert not app.get("grid_container")
    assert html(app).count("Heat map over Chelsea") == 2


def test_opacity_changes_the_style_and_nothing_else(app: AppTest, digits: Run, shown) -> None:
    before = html(shown(app))
    assert "--cnnviz-map: 0.6;" in before
    app.slider(key="predict_opacity").set_value(25)
    app.run()
    assert html(app) == before.replace("--cnnviz-map: 0.6;", "--cnnviz-map: 0.25;")


def test_an_upload_is_answered_as_the_model_itself_answers(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    image = np.repeat(np.repeat(sample("rocket"), 3, axis=0), 3, axis=1)  # larger than what is kept for show
    data = jpeg(image)
    upload(app, ("**my** <i>rocket</i>.jpg", data))
    shown(app)
    classifier = load_run(shapes)
    wanted = classifier.predict(classifier.fit(images.decode(data))[None])
    for classes, values in zip(classifier.classes.values(), wanted, strict=True):
        order = np.argsort(-values[0], kind="stable")[:TOP]
        rows = zip(order.tolist(), percents(values[0][order].tolist()), strict=True)
        listed = re.findall(r'<div title="([^"]+)"|text-align:right">([^<]+)</div>', html(app))
        words = [name or share.replace("&lt;", "<").replace("&gt;", ">") for name, share in listed]
        assert [word for index, share in rows for word in (classes[index], share)] in [
            words[at : at + 2 * len(order)] for at in range(len(words))
        ]
    assert "<i>" not in html(app)
    assert "sample" not in address_of(app)


def test_an_upload_is_there_after_a_reload_and_says_so_when_it_is_gone(app: AppTest, digits: Run, shown) -> None:
    shown(app)
    upload(app, ("mine.jpg", jpeg(np.asarray(sample("rocket")))), ("yours.jpg", jpeg(np.asarray(sample("coffee")))))
    shown(app)
    address = address_of(app)
    other = app_on("predict")  # another session, as after a reload
    other.query_params.update(address)
    shown(other)
    assert [image.title for image in choice(other).images] == ["mine.jpg", "yours.jpg"]
    assert address_of(other) == address
    other = app_on("predict")
    other.query_params.update(address | {"upload": "x" * 22})
    shown(other)
    assert any("kept for an hour" in text for text in sentences(other.warning))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png() -> bytes:
    """400 megapixels that take 100 bytes."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


BAD = {
    "text.jpg": (b"Dear Sir or Madam", "not an image"),
    "empty.png": (b"", "0 bytes"),
    "cut.jpg": (jpeg(np.asarray(Image.effect_noise((300, 200), 80).convert("RGB")))[:4000], "damaged or cut off"),
    "huge.png": (huge_png(), "at most 60 megapixels are allowed, 178 in a JPEG"),
    "drawing.svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + b"\0" * 64, "HEIC image"),
    "page.pdf": (b"%PDF-1.7\n", "PDF file"),
    "large.jpg": (jpeg(np.zeros((8, 8, 3), np.uint8)) + b"\0" * (30 << 20), "at most 20 MB"),
    "net.h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "HDF5"),
    "net.keras": (b"PK\x03\x04" + b"\0" * 64, "choose the model under Model"),
}


def test_bad_files_get_a_sentence_each_and_the_rest_is_answered(app: AppTest, digits: Run, shown) -> None:
    shown(app)
    files = [(name, data) for name, (data, _) in BAD.items()]
    upload(app, *files[:4], ("good.jpg", jpeg(np.asarray(sample("coffee")))), *files[4:])
    shown(app)
    (messages,) = sentences(app.error)
    lines = messages.splitlines()
    assert len(lines) == len(BAD)
    for line, (name, (_, part)) in zip(lines, BAD.items(), strict=True):
        assert line.startswith(f"- **{name}**: ")
        assert part in line
        assert line.count(". ") == 0
        assert line.endswith(".")
    assert [image.title for image in choice(app).images] == ["good.jpg"]
    assert "Heat map over good.jpg" in html(app)
    app.button(key="predict_dismiss").click()
    shown(app)
    assert not app.error


def test_only_bad_files_leave_what_was_shown(app: AppTest, digits: Run, shown) -> None:
    shown(app)
    upload(app, ("text.jpg", b"no"))
    shown(app)
    assert [image.title for image in choice(app).images] == ["Chelsea"]
    assert len(app.error) == 1


def test_several_images_and_models_stand_in_a_grid(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    shown(app)
    app.toggle(key="predict_beside").set_value(True)
    shown(app)
    app.button(key="predict_sample_coffee").click()
    shown(app)
    app.multiselect(key="predict_networks").set_value([shapes.id, digits.id])
    shown(app)
    assert [html(app).count(f"Heat map over {name}") for name in ("Chelsea", "Coffee")] == [2, 2]
    assert address_of(app) == {"run": f"{shapes.id},{digits.id}", "sample": "chelsea,coffee"}
    app.button(key="predict_cell_0_remove").click()
    shown(app)
    assert [html(app).count(f"Heat map over {name}") for name in ("Chelsea", "Coffee")] == [0, 2]


def test_one_damaged_model_leaves_the_other_answering(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    digits.best_path.write_bytes(b"no network")
    app.query_params.update({"run": f"{digits.id},{shapes.id}"})
    shown(app)
    (message,) = sentences(app.error)
    assert "damaged" in message
    assert html(app).count("Heat map over Chelsea") == 1
    give_model(digits)
    app.button(key="networks_again").click()
    shown(app)
    assert not app.error
    assert html(app).count("Heat map over Chelsea") == 2


def test_choices_survive_other_pages(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    app.button(key="predict_sample_rocket").click()
    shown(app)
    app.selectbox(key="predict_head").set_value("colour")
    app.selectbox(key="predict_colours").set_value("jet")
    app.slider(key="predict_opacity").set_value(30)
    shown(app)
    before = html(app)
    app.query_params.clear()  # as a browser does when it changes the page
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/predict.py")
    shown(app)
    assert html(app) == before
    assert app.selectbox(key="predict_colours").value == "jet"


def test_a_model_without_convolutions_is_explained_by_other_means(app: AppTest, checkpoints: Path, shown) -> None:
    recipe = PRESETS["Q"]
    flat = [layer for layer in recipe.network.layers if layer.type in ("Flatten", "Dense")]
    run = give_model(
        make_run(recipe.model_copy(update={"network": recipe.network.model_copy(update={"layers": tuple(flat)})}))
    )
    app.query_params.update({"run": run.id})
    shown(app)
    assert any("no convolution" in text for text in sentences(app.caption))
    assert any(text.startswith("**Occlusion** of") for text in sentences(app.caption))
    assert set(app.selectbox(key="predict_method").options) == {
        method.title for method in METHODS.values() if method.family == "pixel"
    }


def own_file(shape: tuple[int, ...], tmp_path: Path) -> bytes:
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape)
    inner = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    path = tmp_path / "own.keras"
    keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inner)).save(path)
    return path.read_bytes()


def use_file(app: AppTest, shown, name: str, data: bytes, classes: str = "") -> None:
    app.session_state["predict_other"] = True
    shown(app)
    app.file_uploader(key="predict_file").set_value((name, data, "application/octet-stream"))
    app.text_area(key="predict_classes").set_value(classes)
    shown(app)
    app.button(key="predict_use_file").click()
    shown(app)


def test_a_keras_file_is_asked_with_its_class_names(app: AppTest, checkpoints: Path, shown, tmp_path: Path) -> None:
    shown(app)
    use_file(app, shown, "own.keras", own_file((40, 40, 3), tmp_path), "left, <b>right</b>")
    assert not app.error
    assert "Heat map over Chelsea" in html(app)
    assert re.search("left|&lt;b&gt;right", html(app))
    assert "<b>right" not in html(app)
    assert "run" not in address_of(app)
    use_file(app, shown, "own.keras", own_file((40, 40, 3), tmp_path), "near, far")
    assert {"own.keras", "own.keras (2)"} <= set(app.multiselect(key="predict_networks").options)
    assert re.search("near|far", html(app))


def test_what_cannot_be_known_is_said_and_chosen(app: AppTest, checkpoints: Path, shown, tmp_path: Path) -> None:
    """One number between 0 and 1 that nothing says is a probability; the shares are those of plain Keras."""
    pixels = keras.Input((40, 40, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    kernel = keras.initializers.Constant(0.5)
    model = keras.Model(pixels, 0.9 * keras.ops.sigmoid(keras.layers.Dense(1, kernel_initializer=kernel)(x)))
    model.save(tmp_path / "own.keras")
    seen = images.fit(sample("chelsea"), (40, 40), channels=3, crop="whole")[None].astype(np.float32)
    gives = float(model(seen)[0, 0])
    shown(app)
    use_file(app, shown, "own.keras", (tmp_path / "own.keras").read_bytes(), "no, yes")
    (message,) = [one for one in sentences(app.warning) if "It can't be known" in one]
    assert "own.keras" in message
    assert message.endswith("They are taken for probabilities.")
    assert f"{gives:.1%}".replace("%", "") in html(app)
    next(one for one in app.button if one.label == "They are raw scores (logits)").click()
    shown(app)
    assert not [one for one in sentences(app.warning) if "It can't be known" in one]
    share = 1 / (1 + np.exp(-gives))
    assert f"{share:.1%}" != f"{gives:.1%}"
    assert f"{share:.1%}".replace("%", "") in html(app)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "part"),
    [
        ("five.keras", (8, 8, 5), "", "expected one input of images"),
        ("own.keras", (8, 8, 3), "a, b, c", "3 class names were given"),
        ("net.h5", None, "", "HDF5"),
        ("text.keras", b"hello", "", "not a .keras file"),
    ],
)
def test_a_file_that_is_no_use_is_one_sentence(
    app: AppTest, checkpoints: Path, shown, tmp_path: Path, name: str, shape, classes: str, part: str
) -> None:
    shown(app)
    data = b"\x89HDF\r\n\x1a\n" + b"\0" * 99 if shape is None else shape
    use_file(app, shown, name, own_file(data, tmp_path) if isinstance(data, tuple) else data, classes)
    (message,) = sentences(app.error)
    assert part in message
    assert "The image Chelsea" in html(app)


def test_a_model_of_nan_is_one_sentence(app: AppTest, checkpoints: Path, shown, tmp_path: Path) -> None:
    own_file((8, 8, 3), tmp_path)
    model = keras.models.load_model(tmp_path / "own.keras")
    model.set_weights([np.full_like(one, np.nan) for one in model.get_weights()])
    model.save(tmp_path / "own.keras")
    shown(app)
    use_file(app, shown, "own.keras", (tmp_path / "own.keras").read_bytes())
    (message,) = sentences(app.error)
    assert "is not a number (NaN) or infinite" in message
    assert not app.exception
    assert "nan%" not in html(app).replace(" ", "").casefold()


def test_the_numbers_are_the_answers(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    request, _, ((*key,),) = app.session_state["predict_wanted"][0]
    store, (image,) = app.session_state["predict_store"], choice(app).images
    prediction, drawn = store.get(tuple(key)), store.get((*key, request))
    assert isinstance(prediction, Prediction)
    assert isinstance(drawn, Shown)
    pair = Pair(of_run(shapes, "S"), LockedModel(load_run(shapes)), image, None, prediction, drawn)
    record = json.loads(json.dumps(numbers(pair)))
    assert (record["photo"], record["network"]) == ("Chelsea", "S")
    made = record["heads"]
    assert [record["head"] for record in made] == ["shape", "colour"]
    for record in made:
        assert record["top"][0] == [record["class"], record["probability"]]
        assert record["probability"] == pytest.approx(float(prediction.probabilities[record["head"]].max()))
    assert made[0]["method"] == "grad-cam"
    assert made[0]["strength"] == pytest.approx(float(drawn.explanation.map.max()))
    assert "method" not in made[1]


def test_a_run_is_asked_from_the_runs_page(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    app.query_params["run"] = digits.id
    app.switch_page("pages/runs.py").run()
    app.button(key="runs_ask").click()
    app.run()
    app.switch_page("pages/predict.py")  # as a browser does; AppTest goes back to the page that it was on
    shown(app)
    assert choice(app).sources == [digits.id]
    assert "Heat map over Chelsea" in html(app)


FRESH = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60)
app.run()
app.switch_page("pages/predict.py").run()
assert not app.exception
print(*({"tensorflow", "keras"} & set(sys.modules)))
"""


def test_the_page_opens_without_tensorflow(checkpoints: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(APP)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=APP.parent,
        env={**os.environ, "CNNVIZ_DATA": str(tmp_path)},
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
