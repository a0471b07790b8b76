"""The Inside page without a browser: tiny untrained models, real values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.data import open_dataset
from cnnviz.data.samples import sample
from cnnviz.drawing import pack_strokes, prepare, rasterize
from cnnviz.figures.channels import GAP, columns_of
from cnnviz.models.load.load import load_run
from cnnviz.mosaics import in_colours
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import Run, snapshots
from cnnviz.runs.snapshots import Moment, Probe, Snapshot
from tests.addresses import address_of, by_link
from tests.app.drawn import colours, component, pixels_of
from tests.app.pages import app_on, html, sentences, words_of
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

LAYERS = [
    {"type": "Conv2D", "filters": 6, "padding": "same"},
    {"type": "MaxPool", "pool_size": 4},
    {"type": "Conv2D", "filters": 3},
    {"type": "GAP"},
]


def small(preset: str, layers: list[dict]) -> Recipe:
    return replace(PRESETS[preset], {"data.image_size": [24, 20], "network.layers": layers})


@pytest.fixture(scope="module")
def shapes(shared_checkpoints: Path) -> Run:
    """Two heads, images in colour; the newest."""
    return give_model(make_run(small("S", LAYERS), created=1_700_000_900.0))


@pytest.fixture(scope="module")
def digits(shared_checkpoints: Path) -> Run:
    """One head, grey images, and a convolution with a single filter."""
    return give_model(make_run(small("Q", [{"type": "Conv2D", "filters": 1}, {"type": "Flatten"}])))


@pytest.fixture(scope="module")
def flat(shared_checkpoints: Path) -> Run:
    """No convolution at all."""
    return give_model(make_run(small("Q", [{"type": "Flatten"}]), created=1_700_000_300.0))


@pytest.fixture
def app(shapes: Run, digits: Run, flat: Run, bundled_data_only: None) -> AppTest:
    """The app before the page is opened, with no data but what is bundled."""
    return app_on("inside")


@pytest.fixture
def shown(until: Callable[..., None]) -> Callable[..., AppTest]:
    """Opens an address and runs the page until nothing is at work any more."""

    def run(app: AppTest, **address: str) -> AppTest:
        if address:
            by_link(
                app,
                **({"sample": "chelsea"} if address.keys().isdisjoint({"sample", "item", "draw"}) else {}),
                **address,
            )

        return rested(app, until)

    return run


def said(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "info", "error", "warning")


def given(run: Run, layer: str, image: str = "chelsea") -> np.ndarray:
    """What a layer gives, by Keras alone."""
    classifier = load_run(run)
    part = keras.Model(classifier.model.inputs[0], classifier.model.get_layer(layer).output)
    return part(classifier.pixels(classifier.fit(sample(image))[None]), training=False).numpy()[0]


def told(words: str) -> list[float]:
    """The mean, the least and the greatest value of the layer."""
    return [float(one) for one in re.search(r"values?, mean (\S+), from (\S+) to (\S+)\.(?= |$)", words, re.M).groups()]


def figures(values: np.ndarray) -> pytest.approx:
    return pytest.approx([values.mean(), values.min(), values.max()], rel=0.006, abs=1e-6)


def test_first_sight_is_the_first_convolution_with_its_strongest_channel(app: AppTest, shapes: Run, shown) -> None:
    shown(app, sample="chelsea")
    values = given(shapes, "conv2d")
    strongest = int(values.mean(axis=(0, 1)).argmax())
    assert address_of(app) == {"run": shapes.id, "sample": "chelsea", "layer": "conv2d", "channel": str(strongest)}
    assert app.selectbox(key="inside_layer").value == "conv2d"
    assert app.number_input(key="inside_channel").value == strongest
    words = said(app)
    assert "Conv2D · gives 24 × 20, 6 channels · 168 parameters · sees 3 × 3 pixels" in words
    assert "The 6 channels of conv2d" in words
    assert told(words) == figures(values)
    assert not app.warning


def test_a_model_that_can_not_be_taken_apart_is_a_sentence(
    app: AppTest, shapes: Run, shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnviz.ui.inside.page.table_of", lambda *_: "It has a loop.")
    shown(app, run=shapes.id)
    assert "It has a loop." in said(app)
    assert not app.exception


def test_layers_are_walked_and_channels_opened(app: AppTest, shapes: Run, shown) -> None:
    shown(app, run=shapes.id)
    layers = app.selectbox(key="inside_layer").options
    trunk = ["rescaling", "conv2d", "max_pooling2d", "conv2d_1", "global_average_pooling2d"]
    assert (layers[:5], set(layers[5:])) == (trunk, {"shape", "colour"})
    for layer in layers:
        app.selectbox(key="inside_layer").set_value(layer)
        values = given(shapes, layer)
        words = said(shown(app))
        assert f"of {layer}**" in words
        if layer not in load_run(shapes).classes:  # whose probabilities are bars
            assert told(words) == figures(values)
        assert address_of(app)["layer"] == layer
        assert address_of(app)["channel"] == str(values.reshape(-1, values.shape[-1]).mean(axis=0).argmax())
    head, values = layers[-1], given(shapes, layers[-1])
    bars = component(app, "inside_bars")
    assert [row["name"] for row in bars["rows"]] == list(load_run(shapes).classes[head])
    assert [float(row["width"]) for row in bars["rows"]] == pytest.approx(100 * values, abs=0.01)
    assert [row["most"] for row in bars["rows"]].index(True) == values.argmax()
    assert [row["open"] for row in bars["rows"]].index(True) == int(address_of(app)["channel"])
    [unit] = app.metric
    assert unit.label.replace("\\", "").startswith("Unit ")
    assert unit.label.rpartition(" ")[2] in load_run(shapes).classes[layers[-1]]
    app.selectbox(key="inside_layer").set_value("conv2d_1")
    shown(app)
    plane = given(shapes, "conv2d_1")[..., 2]
    app.number_input(key="inside_channel").set_value(2).run()
    low, high, mean = re.search(r"From (\S+) to (\S+), mean (\S+?)[.;]? ", said(app)).groups()
    assert [float(one) for one in (mean, low, high)] == figures(plane)
    assert address_of(app)["channel"] == "2"
    app.selectbox(key="inside_scale").set_value("one").run()
    app.selectbox(key="inside_order").set_value("strength").run()
    assert "one scale, strongest first" in said(app)
    assert app.number_input(key="inside_channel").value == 2


def test_every_view_is_drawn_for_every_layer(app: AppTest, shapes: Run, shown) -> None:
    shown(app)
    views = app.segmented_control(key="inside_view").options
    assert views == [
        "Activations",
        "Kernels",
        "Feature visualization",
        "Output breakdown",
        "Top activations",
        "Side by side",
    ]
    lines: dict[tuple[str, str], set[str]] = {}
    for view in ("kernels", "patterns", "numbers", "excites", "beside"):
        app.segmented_control(key="inside_view").set_value(view)
        for layer in ("conv2d_1", "global_average_pooling2d", "colour"):
            app.selectbox(key="inside_layer").set_value(layer)
            shown(app)
            assert address_of(app)["view"] == view
            assert not app.error
            lines[layer, view] = {*said(app).splitlines(), *urls(app)}
            if layer == "conv2d_1" and view in ("kernels", "numbers", "beside"):  # the others begin with a button
                drawn = [pixels_of(url) for url in urls(app)]
                assert max(map(colours, drawn), default=0) > 8, f"{view} draws nothing"
    for (layer, view), own in lines.items():
        others = set().union(*(their for (at, name), their in lines.items() if at == layer and name != view))
        assert own - others, f"{view} says and draws nothing of its own for {layer}"


def urls(app: AppTest) -> list[str]:
    """All images on the page in HTML and in components."""
    found = re.findall(r'src="(data:image/(?:png|jpeg)[^"]+)"', html(app))
    for one in app.get("bidi_component"):
        found += re.findall(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+", one.proto.json)
    return found


def test_zero_has_one_colour_in_the_mosaic_and_in_each_channels_large_image(app: AppTest, shapes: Run, shown) -> None:
    """One value, one colour, whatever the scale; below 0 another one."""
    values = given(shapes, "conv2d")
    assert (values == 0).any(), "the ReLU must make zeros"
    shown(app, run=shapes.id, layer="conv2d")
    columns = columns_of(values.shape)
    rows = -(-values.shape[2] // columns)
    for scale in ("each", "one"):
        app.selectbox(key="inside_scale").set_value(scale)
        shown(app)
        mosaic = pixels_of(component(app, "inside_mosaic")["image"])
        height, width = mosaic.shape[0] // rows, mosaic.shape[1] // columns
        for channel in range(values.shape[2]):
            app.number_input(key="inside_channel").set_value(channel)
            shown(app)
            large = pixels_of(component(app, "inside_peek")["images"][0][0])
            top, left = channel // columns * height, channel % columns * width
            tile = mosaic[top : top + height - GAP, left : left + width - GAP]
            plane = values[..., channel]
            for row, column in [*np.argwhere(plane == 0)[:3], *np.argwhere(plane > 0)[:3]]:
                positions = [
                    image[int((row + 0.5) * image.shape[0] / 24), int((column + 0.5) * image.shape[1] / 20)]
                    for image in (tile, large)
                ]
                if plane.any():  # else it is crossed out
                    np.testing.assert_array_equal(*positions)
                if plane[row, column] == 0:
                    np.testing.assert_array_equal(positions[1], in_colours(np.zeros((1, 1), np.int16))[0, 0])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"layer": "<script>x</script>"}, ("has no layer '<script>x</script>'",)),
        ({"layer": "conv2d_1", "channel": "77"}, ("has no channel 77: its channels are 0 to 2",)),
        ({"layer": "conv2d_1", "channel": "-1"}, ()),
        ({"channel": "٣", "view": "nonsense"}, ()),
        ({"channel": "9" * 400, "layer": "a" * 5000}, ("has no layer",)),
        ({"run": "../../etc", "sample": "nobody"}, ("There is no model of a run", "'nobody'")),
        ({"item": "x:y"}, ("There is no held-out image",)),
    ],
)
def test_addresses_that_name_nothing_are_told(
    app: AppTest, shapes: Run, shown, asked: dict[str, str], told: tuple[str, ...]
) -> None:
    shown(app, **asked)
    warnings = sentences(app.warning)
    assert len(warnings) == len(told)
    assert all(part in one for part, one in zip(told, warnings, strict=True)), warnings
    layer = asked["layer"] if asked.get("layer") == "conv2d_1" else "conv2d"
    assert address_of(app)["layer"] == layer
    assert address_of(app)["channel"].isdigit()
    assert int(address_of(app)["channel"]) < 6
    values = given(shapes, layer)
    assert f"The {values.shape[-1]} channels of {layer}" in said(app)
    assert colours(pixels_of(component(app, "inside_mosaic")["image"])) > 8
    assert f"Channel {address_of(app)['channel']} of {layer}" in component(app, "inside_peek")["images"][0][1]
    assert "view" not in address_of(app)


def test_a_model_without_convolutions_opens_all_the_same(app: AppTest, flat: Run, shown) -> None:
    shown(app, run=flat.id)
    assert app.selectbox(key="inside_layer").options == ["rescaling", "flatten", "label"]
    assert app.selectbox(key="inside_layer").value == "rescaling"
    assert "The only channel of rescaling" in said(app)
    assert app.number_input(key="inside_channel").disabled
    app.selectbox(key="inside_layer").set_value("flatten")
    assert "The 480 values of flatten" in said(shown(app))
    for view in ("kernels", "patterns", "numbers", "excites", "beside"):
        shown(app, view=view)
        assert address_of(app)["view"] == view


def test_a_layer_with_one_channel_is_shown(app: AppTest, digits: Run, shown) -> None:
    shown(app, run=digits.id, layer="conv2d")
    assert "The only channel of conv2d" in said(app)
    assert told(said(app)) == figures(given(digits, "conv2d"))


def test_a_model_of_small_images_opens_with_one_of_its_own(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    rested = shown(by_link(app, run=digits.id))
    split = open_dataset(digits.recipe.data).splits["test"]
    row = int(split.spread("label", 1)[0])
    assert f"Test {row + 1}, as it is seen: 20 × 24 grey" in said(rested)
    row_of_images = component(app, "held_out_images")
    assert len(row_of_images["tiles"]) == 12
    assert row_of_images["marked"] == 0
    np.testing.assert_array_equal(pixels_of(row_of_images["tiles"][0]["image"])[::11, ::11, :1], split.image(row))
    app.selectbox(key="inside_network").set_value(shapes.id)
    assert "as it is seen: 20 × 24" in said(shown(app))
    assert address_of(app)["item"] != str(row + 1)
    assert "sample" not in address_of(app)


def test_a_drawing_is_shown_kept_in_the_address_and_taken_along(app: AppTest, digits: Run, shown) -> None:
    strokes = ((70, 60, 190, 60, 120, 210),)
    packed = pack_strokes(strokes)
    shown(app, run=digits.id, draw=packed)
    assert "Drawing, as it is seen: 20 × 24 grey" in said(app)
    pad = component(app, "drawing_pad")
    assert [tuple(one) for one in pad["strokes"]] == list(strokes)
    prepared = prepare(rasterize(strokes), (24, 20))
    np.testing.assert_array_equal(pixels_of(pad["seen"])[..., :1], prepared)
    [probabilities] = load_run(digits).predict(prepared[None])
    assert pad["rows"][0][0] == str(probabilities[0].argmax())
    assert len(pad["rows"]) == 3
    assert address_of(app)["draw"] == packed
    assert {"sample", "item"}.isdisjoint(address_of(app))
    app.query_params.clear()
    app.switch_page("pages/predict.py").run()
    assert component(app, "drawing_pad")["strokes"] == pad["strokes"]
    assert address_of(app)["draw"] == packed


def test_an_empty_pad_says_what_to_do(app: AppTest, digits: Run, shown) -> None:
    shown(app, run=digits.id)
    app.toggle(key="drawing_on").set_value(True)
    shown(app)
    assert component(app, "drawing_pad")["message"] == "Draw a digit."
    assert "draw" not in address_of(app)
    by_link(app, run=digits.id, draw="nonsense")
    assert "drawing in the link can't be read" in "".join(sentences(app.warning))


def test_without_its_data_a_sample_stands_in(app: AppTest, digits: Run, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnviz.ui.inputs.held_out_images.at_hand", lambda name: False)
    shown(by_link(app, run=digits.id))
    assert address_of(app)["sample"] == "chelsea"
    assert app.button(key="predict_sample_coffee")


def test_model_and_image_are_those_of_predict(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    shown(app, run=shapes.id)
    app.selectbox(key="inside_network").set_value(digits.id)
    by_link(app, run=digits.id, sample="coffee")
    assert "Coffee, as it is seen: 20 × 24 grey" in said(shown(app))
    assert address_of(app)["sample"] == "coffee"
    app.query_params.clear()  # as a browser does when it changes the page
    app.switch_page("pages/predict.py").run()
    assert app.multiselect(key="predict_networks").value == [digits.id]
    app.multiselect(key="predict_networks").set_value([digits.id, shapes.id]).run()
    app.query_params.clear()
    app.switch_page("pages/inside.py")
    shown(app)
    assert app.selectbox(key="inside_network").value == digits.id
    assert address_of(app)["run"] == digits.id
    app.selectbox(key="inside_network").set_value(shapes.id)
    shown(app)
    app.query_params.clear()
    app.switch_page("pages/predict.py").run()
    assert app.multiselect(key="predict_networks").value == [shapes.id]
    drawn = html(app)
    assert "Heat map over Coffee" in drawn
    assert "Chelsea" not in drawn


def test_without_a_model_the_way_to_one_is_shown(app: AppTest, tmp_path: Path, monkeypatch, shown) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path / "none"))
    assert "No model is chosen" in said(shown(app))


def test_a_run_that_kept_its_epochs_is_watched(app: AppTest, shapes: Run, digits: Run, shown) -> None:
    probabilities = {"label": np.full((2, 10), 0.1, np.float32)}
    probe = Probe(
        np.zeros((2, 8, 8, 1), np.uint8), ("one", "two"), {"label": np.array([1, 2])}, load_run(digits).classes
    )
    snapshots.save_images(digits.folder, probe)
    for epoch in range(3):
        snapshots.save(digits.folder, Snapshot(Moment(epoch), probabilities))
    shown(app, run=digits.id, view="epochs")
    assert address_of(app)["view"] == "epochs"
    assert list(app.select_slider(key="inside_epochs_epoch").options) == ["Untrained", "Epoch 1", "Epoch 2"]
    app.selectbox(key="inside_network").set_value(shapes.id)  # kept nothing
    shown(app)
    assert "view" not in address_of(app)
    assert "Watch it learn" not in app.segmented_control(key="inside_view").options


def test_a_run_leads_here(app: AppTest, digits: Run) -> None:
    app.query_params["run"] = digits.id
    app.switch_page("pages/runs.py").run()
    app.button(key="runs_inside").click().run()
    assert app.title[0].value == "Inside"
    assert address_of(app)["run"] == digits.id
