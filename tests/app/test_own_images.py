"""Images of a person's own on the Train page: dropped in class by class, without a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import images
from cnnviz.data.own_images import classes_of
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse
from tests.addresses import address_of
from tests.app.pages import html, new_app, sentences, shown


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))  # no backbone's weights are there


def pngs(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    return [(f"{n}.png", images.to_png(np.full((9, 8, 3), n, np.uint8))) for n in range(start, start + count)]


def draft(app: AppTest):
    return app.session_state["train_draft"]


def begin(app: AppTest) -> None:
    shown(app)
    app.button(key="train_own_images").click()
    shown(app, errors=False)


def drop(app: AppTest, files: Sequence[tuple[str, bytes]], name: str = "") -> None:
    app.text_input(key=draft(app).name("own.class")).set_value(name)
    app.file_uploader(key=draft(app).name("own.files")).set_value([(*file, "image/png") for file in files])
    shown(app, errors=False)


def counts(app: AppTest) -> dict[str, int]:
    return {name: len(files) for name, files in (classes_of(draft(app).get("data.dataset")) or {}).items()}


def start(app: AppTest):
    return app.button(key="train_start")


def test_class_after_class_makes_a_recipe_that_can_start(app: AppTest) -> None:
    begin(app)
    assert start(app).disabled
    assert sentences(app.info) == ["Name a class and drop its images in, then the next class."]
    drop(app, pngs(6), "cat")
    assert start(app).disabled
    assert not app.text_input(key=draft(app).name("own.class")).value  # ready for the next one
    drop(app, pngs(3, 50), "dog")
    assert sentences(app.info) == ["At least 5 images a class are needed: dog has 3."]
    assert start(app).disabled
    drop(app, pngs(3, 60), "dog")
    assert counts(app) == {"cat": 6, "dog": 6}
    assert html(app).count('alt="An image of cat"') == 6
    assert not start(app).disabled
    assert not app.info
    assert str(Path(draft(app).get("data.dataset")).parent) not in html(app) + "".join(sentences(app.caption))


def test_what_it_is_trained_with_suits_few_images_until_the_person_chooses(app: AppTest) -> None:
    begin(app)
    drop(app, [*(("cat/" + n, d) for n, d in pngs(6)), *(("dog/" + n, d) for n, d in pngs(6, 50))])
    recipe, small = parse(draft(app).tree), PRESETS["P"]
    fit = small.fit.model_copy(update={"epochs": 20})
    assert recipe.fit == fit
    assert (recipe.network.layers, recipe.augmentation) == (small.network.layers, small.augmentation)
    assert recipe.data.image_size == small.data.image_size
    assert (recipe.network.heads[0].units, recipe.data.channels) == (2, 3)
    assert app.number_input(key=draft(app).name("fit.epochs")).value == 20
    app.number_input(key=draft(app).name("fit.epochs")).set_value(3)
    shown(app)
    drop(app, pngs(6, 90), "bird")
    assert parse(draft(app).tree).fit.epochs == 3
    assert parse(draft(app).tree).network.heads[0].units == 3
    app.button(key="train_suggestion").click()
    shown(app)
    assert parse(draft(app).tree).fit == fit
    assert not [one for one in app.button if one.key == "train_suggestion"]


def test_a_model_that_the_person_chose_stays(app: AppTest) -> None:
    shown(app)
    app.selectbox(key="train_preset").set_value("S")
    begin(app)
    drop(app, [*(("cat/" + n, d) for n, d in pngs(6)), *(("dog/" + n, d) for n, d in pngs(6, 50))])
    assert parse(draft(app).tree).network.layers == PRESETS["S"].network.layers
    assert app.button(key="train_suggestion")


def test_what_was_dropped_is_there_after_a_reload_on_another_page_and_under_another_preset(app: AppTest) -> None:
    begin(app)
    drop(app, pngs(6), "cat")
    one = address_of(app)
    drop(app, pngs(6, 50), "dog")
    for link, wanted in ((one, {"cat": 6}), (address_of(app), {"cat": 6, "dog": 6})):
        other = new_app()
        other.query_params.update(link)
        shown(other, errors=False)
        assert counts(other) == wanted
        assert other.file_uploader(key=draft(other).name("own.files"))
    app.switch_page("pages/augment.py")
    shown(app)
    app.switch_page("pages/train.py")
    shown(app)
    assert counts(app) == {"cat": 6, "dog": 6}
    app.selectbox(key=draft(app).name("picker")).set_value("digits")
    shown(app)
    app.button(key="train_own_images").click()
    shown(app, errors=False)
    assert counts(app) == {"cat": 6, "dog": 6}
    app.selectbox(key="train_preset").set_value("P")
    shown(app, errors=False)
    assert counts(app) == {"cat": 6, "dog": 6}


def test_classes_are_renamed_and_removed(app: AppTest) -> None:
    begin(app)
    drop(app, pngs(6), "cat")
    drop(app, pngs(6, 50), "dog")
    app.text_input(key=draft(app).name("own.name.cat")).set_value("tiger")
    shown(app, errors=False)
    assert counts(app) == {"dog": 6, "tiger": 6}
    app.text_input(key=draft(app).name("own.name.dog")).set_value("../tiger")
    shown(app, errors=False)
    assert "can't be a class's name" in sentences(app.warning)[0]
    assert app.text_input(key=draft(app).name("own.name.dog")).value == "dog"
    app.button(key=draft(app).name("own.remove.dog")).click()
    shown(app, errors=False)
    assert counts(app) == {"tiger": 6}
    assert not app.warning
    app.button(key=draft(app).name("own.remove.tiger")).click()
    shown(app, errors=False)
    assert sentences(app.info)[0].startswith("Name a class")


def test_what_was_not_taken_is_said_and_a_name_is_only_text(app: AppTest) -> None:
    begin(app)
    script = "<img src=x onerror=alert(1)>"
    drop(app, [*pngs(6), *pngs(1), (f"{script}.png", b"no"), *((f"{n}.txt", b"no") for n in range(9))], script[:50])
    (said,) = sentences(app.warning)
    assert "0.png: The same image is in" in said.replace("*", "")
    assert "0.txt" in said
    assert "and 5 more: This is not an image" in said.replace("*", "")
    assert "<img src=x" not in html(app).replace("&lt;", "")
    assert len(said.splitlines()) == 2
    app.button(key="train_own_dismiss").click()
    shown(app, errors=False)
    assert not app.warning


def test_a_folder_or_file_greets_calmly_and_an_upload_shows_no_path_of_the_cache(app: AppTest) -> None:
    shown(app)
    app.selectbox(key=draft(app).name("picker")).set_value("own")
    shown(app, errors=False)
    assert sentences(app.info) == ["Type the path of a folder or a file, or upload one."]
    assert start(app).disabled
