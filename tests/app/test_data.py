"""The Data page without a browser: which data set it opens, what it says of a wrong one, decisions that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz.audit.audit import audit
from cnnviz.data import open_dataset
from cnnviz.data.review import Decision, Review, review_to_csv, review_to_json
from cnnviz.recipe import Data
from cnnviz.ui.data import review_draft
from tests.addresses import address_of, by_link
from tests.app.pages import app_on, shown


@pytest.fixture
def app(checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with a data set of twenty images, audited, of which a test image is in training."""
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 4)):
        for label, shade in (("dark", 0), ("light", 160)):
            place = tmp_path / "data" / "paint" / split / label
            place.mkdir(parents=True)
            for n in range(count):
                Image.fromarray(rng.integers(shade, shade + 90, (12, 12, 3), np.uint8)).save(place / f"{n}.png")
    paint = tmp_path / "data" / "paint"
    (paint / "test/dark/0.png").write_bytes((paint / "train/dark/0.png").read_bytes())
    audit(open_dataset(Data(dataset="paint", image_size=(64, 64))))
    return app_on("data")


def chosen(app: AppTest) -> str:
    return app.selectbox(key="data_name").value


def test_a_link_opens_a_data_set_and_what_it_shows(app: AppTest) -> None:
    by_link(app, data="paint", show="odd", colour="split")
    shown(app, errors=True)
    assert chosen(app) == "paint"
    assert app.session_state["data_show"] == "odd"
    assert address_of(app) == {"data": "paint", "show": "odd", "colour": "split"}
    assert any("1 test image is in the training data" in error.value for error in app.error)


@pytest.mark.parametrize("name", ["nowhere", "/etc", "paint\n# big", "[x](javascript:alert(1))"])
def test_a_link_to_no_data_set_says_so(app: AppTest, name: str) -> None:
    by_link(app, data=name)
    shown(app, errors=True)
    assert len(app.error) == 1
    assert ("be printed" if "\n" in name else "There is no dataset") in app.error[0].value


def test_what_a_link_names_of_a_finding_that_there_is_not_is_left(app: AppTest) -> None:
    by_link(app, data="paint", show="<b>", colour="taste")
    shown(app, errors=True)
    assert app.session_state["data_show"] == "leaks"
    assert app.session_state["data_colour"] == "label"


def test_all_but_one_of_each_group_are_left_out_and_taken_back(app: AppTest) -> None:
    by_link(app, data="paint")
    shown(app)
    app.button(key="data_spare").click()
    shown(app)
    assert review_draft.read("paint").decisions == {"train/dark/0.png": Decision(leave_out=True)}
    assert "**1** left out" in [part.value for part in app.markdown]
    app.button(key="data_undo").click()
    shown(app)
    assert not review_draft.read("paint").decisions
    assert app.button(key="data_undo").disabled
    assert app.button(key="data_train").disabled


def test_a_review_is_opened_from_a_file(app: AppTest) -> None:
    review = Review.model_validate({"dataset": "paint", "decisions": {"test/light/1.png": {"split": "train"}}})
    by_link(app, data="paint")
    shown(app)
    for name, text in (("r.json", review_to_json(review)), ("r.csv", review_to_csv(review))):
        app.file_uploader(key="data_review_file").upload(name, text.encode(), "text/plain")
        shown(app)
        assert review_draft.read("paint").decisions == review.decisions
        app.button(key="data_clear").click()
        shown(app)
        assert not review_draft.read("paint").decisions
    app.file_uploader(key="data_review_file").upload("r.csv", b"image,decision\na.png,burn\n", "text/csv")
    shown(app)
    assert any("Line 2 of the review has the decision" in error.value for error in app.error), app.error
    assert not review_draft.read("paint").decisions


def test_the_mended_data_is_handed_to_train(app: AppTest) -> None:
    review_draft_of = {"dataset": "paint", "decisions": {"train/dark/0.png": {"leave_out": True}}}
    by_link(app, data="paint")
    shown(app)
    app.button(key="data_spare").click()
    shown(app)
    app.button(key="data_train").click().run()
    assert not app.exception
    draft = app.session_state["train_draft"]
    assert draft.get("data.dataset") == "paint"
    assert draft.get("data.without") == list(review_draft_of["decisions"])
