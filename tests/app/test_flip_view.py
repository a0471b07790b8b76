"""The smallest change that flips an answer, as a person looks for it on Predict, without a browser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.data import open_dataset
from cnnviz.errors import ModelError
from cnnviz.explain.robustness.adversarial import fgsm, pgd, smallest_flip
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.probabilities import percent
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.ui.predict import flip_view
from tests.addresses import address_of
from tests.app.pages import app_on, html, words_of
from tests.made_runs import give_model, make_run
from tests.pages_run import rested

LAYERS = [{"type": "Conv2D", "filters": 4, "padding": "same"}, {"type": "Flatten"}]


@pytest.fixture
def digits(checkpoints) -> Run:
    return give_model(make_run(replace(PRESETS["Q"], {"network.layers": LAYERS})), seed=1)


@pytest.fixture
def opened(digits: Run, bundled_data_only: None, until: Callable[..., None]) -> Callable[..., AppTest]:
    """Opens the panel of the third test image, or runs the page that is open, until it rests."""

    def run(app: AppTest | None = None, **address: str) -> AppTest:
        if app is None:
            app = app_on("predict")
            app.query_params.update({"run": digits.id, "item": "3", "view": "flip", **address})
        return rested(app, until)

    return run


@pytest.fixture
def given(digits: Run) -> tuple[Classifier, np.ndarray]:
    """The model, and the image as it sees it."""
    classifier = load_run(digits)
    return classifier, classifier.fit(open_dataset(PRESETS["Q"].data).splits["test"].image(2))


def answer(classifier: Classifier, image: np.ndarray) -> str:
    values = classifier.predict(image[None])[0][0]
    return f"{values.argmax()}: {percent(float(values.max()))}"


def changed(app: AppTest, level: int, method: str = "pgd") -> np.ndarray:
    """The image that was made for a level."""
    [found] = [
        one
        for key, one in app.session_state["predict_flip_store"]._items.items()
        if key[1:] == (level,) and key[0][-1] == method
    ]
    return found.image


def said(app: AppTest) -> str:
    return html(app).replace("&gt;", ">")


def test_the_smallest_flip_is_found_and_shown_at_once(opened, given) -> None:
    classifier, image = given
    flip = smallest_flip(classifier, image)
    assert flip is not None
    app = opened()
    level = round(255 * flip.epsilon)
    assert app.slider(key="predict_flip_level").value == level
    assert f"{answer(classifier, image)} → {answer(classifier, flip.image)}" in said(app)
    assert f"Flipped by at most {level} of 255 levels, the smallest ε that was found." in said(app)
    np.testing.assert_array_equal(changed(app, level), flip.image)
    assert app.button(key="predict_flip_smallest").disabled
    captions = [image.caption for one in app.get("image") for image in one.proto.imgs]
    assert f"× {127 // flip.levels}\\, around grey" in captions
    assert "flip" not in address_of(app)


def test_another_epsilon_is_in_the_address_and_costs_nothing_when_shown_again(
    opened, given, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, image = given
    app = opened()
    smallest = app.slider(key="predict_flip_level").value
    app.slider(key="predict_flip_level").set_value(smallest + 3)
    opened(app)
    assert address_of(app)["flip"] == f"pgd-{smallest + 3}"
    expected = pgd(classifier, image[None], epsilon=(smallest + 3) / 255).images[0]
    np.testing.assert_array_equal(changed(app, smallest + 3), expected)
    assert f"{answer(classifier, image)} → {answer(classifier, expected)}" in said(app)
    assert f"the smallest ε that was found to flip it is {smallest}/255." in said(app)
    monkeypatch.setattr(flip_view, "pgd", None)
    monkeypatch.setattr(flip_view, "smallest_flip", None)
    app.button(key="predict_flip_smallest").click()
    opened(app)
    assert app.slider(key="predict_flip_level").value == smallest
    app.slider(key="predict_flip_level").set_value(smallest + 3)
    opened(app)
    assert f"{answer(classifier, image)} → {answer(classifier, expected)}" in said(app)


def test_a_link_names_method_and_epsilon(opened, given) -> None:
    classifier, image = given
    app = opened(flip="fgsm-3")
    assert app.segmented_control(key="predict_flip_method").value == "fgsm"
    np.testing.assert_array_equal(changed(app, 3, "fgsm"), fgsm(classifier, image[None], epsilon=3 / 255).images[0])
    assert address_of(app)["flip"] == "fgsm-3"


@pytest.mark.parametrize("value", ["pgd-0", "pgd-17", "pgd-x", "cw-3", "fgsm-1.5", "-", "pgd-03"])
def test_a_change_that_cannot_be_is_left(opened, value: str) -> None:
    app = opened(flip=value)
    assert app.segmented_control(key="predict_flip_method").value == "pgd"
    assert "flip" not in address_of(app)


def test_what_no_change_flips_is_said(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flip_view, "smallest_flip", lambda *_, **__: None)
    app = opened()
    assert app.slider(key="predict_flip_level").value == 16
    assert "no ε up to 16/255 was found that flips it" in said(app)


def test_what_goes_wrong_is_a_sentence(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ModelError("The model can't be attacked.")

    monkeypatch.setattr(flip_view, "smallest_flip", broken)
    app = opened()
    assert "The model can't be attacked." in words_of(app, "error")
    assert "→" not in said(app)


def test_the_difference_is_enlarged_around_grey_as_far_as_it_fits() -> None:
    seen = np.array([[[10], [200], [0]]], np.uint8)
    drawn, most = flip_view._difference(np.array([[[7], [200], [2]]], np.uint8), seen)
    assert (drawn.ravel().tolist(), most) == ([128 - 3 * 42, 128, 128 + 2 * 42], 3)
    assert flip_view._difference(seen, seen)[0].ravel().tolist() == [128] * 3
