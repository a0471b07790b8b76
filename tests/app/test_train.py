"""The Train page, as a person uses it, without a browser."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.architecture import describe
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse, replace
from cnnviz.ui.session.packed_state import pack
from tests.addresses import address_of, by_link
from tests.app.pages import html, new_app, sentences, shown, words_of

SMALL = replace(
    PRESETS["Q"],
    {
        "network.layers": [
            {"type": "Conv2D", "filters": 32, "padding": "same"},
            {"type": "MaxPooling2D"},
            {"type": "Flatten"},
            {"type": "Dense", "units": 64},
        ]
    },
)


def field(app: AppTest, kind: str, name: str):
    return getattr(app, kind)(key="train_preset" if name == "preset" else draft(app).name(name))


def captions(app: AppTest) -> list[str]:
    """What stands under the page's small images."""
    return re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", html(app))


def start(app: AppTest):
    return app.button(key="train_start")


def draft(app: AppTest):
    return app.session_state["train_draft"]


def recipe(app: AppTest):
    return parse(draft(app).tree)


def test_first_sight_is_the_quick_preset_ready_to_start(app: AppTest) -> None:
    shown(app)
    assert recipe(app) == PRESETS["Q"]
    assert start(app).label == "Start training"
    assert not start(app).disabled
    assert html(app).count("<img") >= 16
    total = sum(row.parameters for row in describe(PRESETS["Q"].network, (8, 8, 1)))
    assert f">{total:,}<" in html(app)
    assert not app.error


def unfold(app: AppTest) -> None:
    """Opens what is folded away on the page."""
    for name in ("train_more_data", "train_more_fit", "train_files"):
        app.session_state[name] = True
    shown(app)


def test_every_control_has_help_and_every_image_a_caption(app: AppTest) -> None:
    unfold(app)
    assert len(app.number_input) >= 12
    for kind in ("selectbox", "number_input", "text_input", "slider", "toggle", "button", "multiselect"):
        for widget in getattr(app, kind):
            assert widget.help, f"{kind} {widget.label!r} has no help"
    images = re.findall(r'<img [^>]*alt="([^"]*)"', html(app))
    assert len(images) >= 16
    assert all(images)
    assert len(captions(app)) == len(images)
    assert all(captions(app))


def test_a_preset_fills_in_everything(app: AppTest) -> None:
    shown(app)
    field(app, "selectbox", "preset").set_value("S")
    shown(app)
    assert recipe(app) == PRESETS["S"]
    assert address_of(app) == {"preset": "S"}
    assert field(app, "multiselect", "heads").value == ["shape", "colour"]
    assert field(app, "number_input", "fit.epochs").value == PRESETS["S"].fit.epochs


def test_the_address_holds_what_was_changed_and_a_link_shows_just_that(app: AppTest) -> None:
    by_link(app, preset="S")
    field(app, "number_input", "fit.epochs").set_value(7)
    shown(app)
    wanted, link = recipe(app), address_of(app)
    assert wanted.fit.epochs == 7
    assert set(link) == {"preset", "recipe"}
    other = new_app()
    other.query_params.update(link)
    shown(other)
    assert recipe(other) == wanted
    assert draft(other).origin == "S"
    assert address_of(other) == link
    other.button(key="train_undo").click()
    shown(other)
    assert address_of(other) == {"preset": "S"}


def test_while_there_is_a_mistake_the_address_has_the_recipe_before_it_and_names_no_preset(app: AppTest) -> None:
    by_link(app, preset="S")
    unfold(app)
    field(app, "number_input", "data.image_size.0").set_value(None)
    shown(app)
    assert start(app).disabled
    link = address_of(app)
    assert set(link) == {"recipe"}
    by_link(app, **link)
    assert recipe(app) == PRESETS["S"]


def test_a_link_that_was_cut_off_is_said_and_q_is_shown(app: AppTest) -> None:
    by_link(app, preset="S", recipe=pack(PRESETS["S"].model_dump(mode="json"))[:-5])
    assert not app.exception
    assert "cut off" in app.warning[0].value
    assert recipe(app) == PRESETS["Q"]
    assert address_of(app) == {"preset": "Q"}


def test_a_recipe_that_is_too_long_for_an_address_says_so(app: AppTest) -> None:
    names = [f"test:{random.Random(nth).random()}" for nth in range(2000)]
    app.session_state["train_recipe"] = replace(PRESETS["Q"], {"data.without": names})
    shown(app)
    assert address_of(app) == {}
    assert any("too long for an address" in one.value for one in app.caption)


def test_edits_of_images_are_said_and_taken_back(app: AppTest) -> None:
    edits = {
        "data.without": ["#1"],
        "data.labels": {"#2": {"label": "7"}},
        "data.splits": {"#2": "test", "#3": "train"},
    }
    app.session_state["train_recipe"] = replace(PRESETS["Q"], edits)
    shown(app)
    said = [one.value for one in app.caption]
    for line in ("1 image left out", "1 image relabelled", "2 images moved to another split"):
        assert line in said
    assert not start(app).disabled
    assert app.button(key="train_labels").help == "\\#2 → 7"
    assert address_of(app)["recipe"]
    for name in ("labels", "splits", "without"):
        app.button(key=f"train_{name}").click()
        shown(app)
        assert not draft(app).get(f"data.{name}")
    assert recipe(app).data == PRESETS["Q"].data
    assert not any("relabelled" in one.value for one in app.caption)


def test_other_data_has_none_of_the_edits(app: AppTest) -> None:
    edits = {"data.without": ["#1"], "data.labels": {"#2": {"label": "7"}}, "data.splits": {"#2": "test"}}
    app.session_state["train_recipe"] = replace(PRESETS["Q"], edits)
    shown(app)
    field(app, "selectbox", "picker").set_value("shapes")
    shown(app)
    data = recipe(app).data
    assert (data.dataset, data.without, data.labels, data.splits) == ("shapes", (), {}, {})


def test_an_edit_of_an_image_that_is_not_there_is_a_mistake_in_words(app: AppTest) -> None:
    app.session_state["train_recipe"] = replace(PRESETS["Q"], {"data.labels": {"#9999": {"label": "7"}}})
    shown(app)
    assert start(app).disabled
    assert "to relabel: take it out of Images relabelled" in words_of(app, "error", "warning", "info", "html")
    app.button(key="train_labels").click()
    shown(app)
    assert not start(app).disabled


def test_the_address_names_a_preset(app: AppTest) -> None:
    app.query_params["preset"] = "S"
    shown(app)
    assert recipe(app) == PRESETS["S"]


def test_an_unknown_preset_in_the_address_is_said_and_q_is_shown(app: AppTest) -> None:
    app.query_params["preset"] = "<b>Z9</b>"
    shown(app)
    assert len(app.warning) == 1
    assert "There is no preset" in app.warning[0].value.replace("\\", "")
    assert "<b>" not in app.warning[0].value
    assert recipe(app) == PRESETS["Q"]


def test_changes_stay_when_another_page_was_shown(app: AppTest) -> None:
    shown(app)
    field(app, "number_input", "fit.epochs").set_value(7)
    field(app, "selectbox", "policy").set_value("light")
    shown(app)
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/train.py")
    shown(app)
    assert field(app, "number_input", "fit.epochs").value == 7
    assert recipe(app).fit.epochs == 7
    assert recipe(app).augmentation.name == "light"
    assert [button for button in app.button if button.label == "Undo changes"]


def test_settings_that_are_folded_away_are_kept(app: AppTest) -> None:
    unfold(app)
    field(app, "number_input", "data.image_size.0").set_value(16)
    field(app, "selectbox", "fit.schedule").set_value("cosine")
    shown(app)
    for name in ("train_more_data", "train_more_fit", "train_files"):
        app.session_state[name] = False
    shown(app)
    assert len(app.number_input) < 12
    assert recipe(app).data.image_size == (16, 8)
    assert recipe(app).fit.schedule == "cosine"
    unfold(app)
    assert field(app, "number_input", "data.image_size.0").value == 16


def test_undo_goes_back_to_the_preset(app: AppTest) -> None:
    shown(app)
    field(app, "number_input", "fit.epochs").set_value(7)
    shown(app)
    app.button(key="train_undo").click()
    shown(app)
    assert recipe(app) == PRESETS["Q"]
    assert field(app, "number_input", "fit.epochs").value == 12


def test_a_recipe_from_another_page_is_taken_over(app: AppTest) -> None:
    wanted = replace(PRESETS["S"], {"fit.epochs": 3, "name": "again"})
    app.session_state["train_recipe"] = wanted
    shown(app)
    assert recipe(app) == wanted
    assert "train_recipe" not in app.session_state


def edit(app: AppTest, **changes) -> None:
    app.session_state[f"train_layers_{draft(app).table}"] = {
        "edited_rows": {},
        "added_rows": [],
        "deleted_rows": [],
        **changes,
    }
    shown(app)


@pytest.fixture
def table(app: AppTest) -> AppTest:
    """The page with the four layers of `SMALL`, which are being edited."""
    app.session_state["train_recipe"] = SMALL
    shown(app)
    field(app, "toggle", "editing").set_value(True)
    return shown(app)


def types(app: AppTest) -> list[str]:
    return [layer.type for layer in recipe(app).network.layers]


def test_numbers_in_the_table_change_the_model_at_once(table: AppTest) -> None:
    version = draft(table).table
    edit(table, edited_rows={0: {"size": 8}})
    assert recipe(table).network.layers[0].filters == 8
    assert f">{(9 + 1) * 8 + (4 * 4 * 8 + 1) * 64 + (64 + 1) * 10:,}<" in html(table)
    assert draft(table).table == version, "typing a number must not give the table anew"


def test_a_number_out_of_range_is_said_as_it_is_seen_with_the_way_to_it(table: AppTest) -> None:
    edit(table, edited_rows={0: {"size": 100_000}})
    assert "Size in row 1 (Conv2D) is 100,000: choose 1 to 4,096." in sentences(table.error)
    assert not any("filters" in message for message in sentences(table.error))
    assert start(table).disabled
    assert any("(#train-network)" in element.value for element in table.markdown)
    edit(table, edited_rows={0: {"size": 8}})
    assert not any("(#train-" in element.value for element in table.markdown)


def test_layers_are_added_moved_and_removed(table: AppTest) -> None:
    edit(table, added_rows=[{"type": "BatchNormalization"}])
    assert types(table) == ["Conv2D", "MaxPooling2D", "Flatten", "Dense", "BatchNormalization"]
    edit(table, edited_rows={4: {"no": 2}})
    assert types(table) == ["Conv2D", "BatchNormalization", "MaxPooling2D", "Flatten", "Dense"]
    edit(table, deleted_rows=[1])
    assert recipe(table) == SMALL


def test_a_layer_of_another_type_gets_that_types_settings(table: AppTest) -> None:
    edit(table, edited_rows={3: {"type": "Dropout"}})
    assert recipe(table).network.layers[3].model_dump() == {"type": "Dropout", "rate": 0.5}
    rows = table.data_editor[0].value
    assert rows["size"].isna().tolist() == [False, True, True, True]
    assert rows["rate"].tolist()[3] == 0.5


def test_a_table_without_layers_is_a_thing_to_mend(table: AppTest) -> None:
    edit(table, deleted_rows=list(range(4)))
    assert start(table).disabled
    assert start(table).label == "Start training · 1 thing to mend"
    assert any("Flatten or GlobalAveragePooling2D" in message for message in sentences(table.error))
    edit(table, added_rows=[{"type": "Flatten"}])
    assert not start(table).disabled


def test_mistakes_are_said_at_their_cards_and_counted(table: AppTest, checkpoints: Path) -> None:
    field(table, "selectbox", "picker").set_value("own")
    shown(table)
    edit(table, edited_rows={1: {"window": 32}})
    assert start(table).label == "Start training · 2 things to mend"
    assert start(table).disabled
    assert any("32×32 window" in message for message in sentences(table.error))
    assert sentences(table.info) == ["Type the path of a folder or a file, or upload one."]  # nothing is wrong yet
    assert list(checkpoints.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["/nowhere/at/all", "no such name", "../..", "/dev/null", "<img src=x onerror=alert(1)>"]
)
def test_a_bad_path_is_one_sentence_at_the_data(app: AppTest, checkpoints: Path, path: str) -> None:
    shown(app)
    field(app, "selectbox", "picker").set_value("own")
    shown(app)
    assert start(app).label == "Start training · 1 thing to mend"
    field(app, "text_input", "path").set_value(path)
    shown(app)
    assert len(sentences(app.error)) == 1
    assert sentences(app.error)[0].endswith(".")
    assert "<img" not in app.error[0].value.replace("\\<", "")
    assert start(app).disabled
    assert list(checkpoints.iterdir()) == []


def test_a_folder_without_images_is_one_sentence(app: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    (folder / "cats").mkdir(parents=True)
    (folder / "dogs").mkdir()
    shown(app)
    field(app, "selectbox", "picker").set_value("own")
    shown(app)
    field(app, "text_input", "path").set_value(str(folder))
    shown(app)
    assert len(sentences(app.error)) == 1
    assert start(app).disabled


def test_own_images_are_taken_and_their_class_names_are_only_text(app: AppTest, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ("**x**", "<img src=x onerror=alert(1)>")
    file = tmp_path / "mine.npz"
    np.savez(file, images=rng.integers(0, 255, (40, 20, 24, 3), np.uint8), labels=np.arange(40) % 2)
    folder = tmp_path / "mine"
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(20):
            cv2.imwrite(str(folder / name / f"{number}.png"), rng.integers(0, 255, (20, 24, 3), np.uint8))
    shown(app)
    field(app, "selectbox", "picker").set_value("own")
    shown(app)
    for path in (file, folder):
        field(app, "text_input", "path").set_value(str(path))
        shown(app)
        assert sentences(app.error) == []
        assert recipe(app).data.image_size == (20, 24)
        assert [head.units for head in recipe(app).network.heads] == [2]
    assert any("x**" in caption for caption in captions(app))
    assert not any("<" in caption for caption in captions(app))


def test_data_that_would_be_downloaded_waits_for_a_word(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    app.query_params["preset"] = "C2"
    shown(app)
    assert app.button(key="train_fetch")
    assert start(app).disabled


def test_a_step_that_destroys_labels_is_warned_of(app: AppTest) -> None:
    shown(app)
    field(app, "selectbox", "policy").set_value("D3")
    shown(app)
    assert len(app.warning) == 1
    field(app, "selectbox", "policy").set_value("light")
    shown(app)
    assert not app.warning
    drawn = captions(app)[-6:]
    assert all("rotation" in caption for caption in drawn)
    assert len(set(drawn)) == 6


def upload(app: AppTest, content: bytes) -> None:
    unfold(app)
    app.file_uploader(key="train_upload").set_value(("recipe.json", content, "application/json"))
    shown(app)


def test_a_recipe_file_is_taken_over(app: AppTest) -> None:
    shown(app)
    wanted = replace(PRESETS["S"], {"seed": 5})
    upload(app, wanted.to_json().encode())
    assert recipe(app) == wanted
    assert not app.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[1]", "expected a JSON object"),
        (b"\xff\xfe\x00", "not JSON"),
        (PRESETS["Q"].to_json().replace("epochs", "epoch").encode(), "did you mean 'epochs'?"),
        (json.dumps({**json.loads(PRESETS["Q"].to_json()), "seed": -1}).encode(), "seed"),
    ],
)
def test_a_bad_recipe_file_is_one_sentence_and_changes_nothing(app: AppTest, content: bytes, said: str) -> None:
    shown(app)
    upload(app, content)
    assert len(sentences(app.error)) == 1
    assert said in sentences(app.error)[0]
    assert recipe(app) == PRESETS["Q"]


def test_start_makes_a_run_of_this_recipe_and_leads_to_it(app: AppTest, checkpoints: Path) -> None:
    shown(app)
    field(app, "number_input", "fit.epochs").set_value(1)
    field(app, "text_input", "name").set_value("mine")
    shown(app)
    wanted = recipe(app)
    start(app).click()
    shown(app)
    (run,) = runs.listing()
    try:
        assert run.recipe == wanted
        assert app.session_state["runs_selected"] == [run.id]
        assert address_of(app) == {"run": run.id}
    finally:
        if runs.open_run(run.id).active:
            runs.request_stop(run.id)
        for _ in range(300):
            if not runs.open_run(run.id).active:
                break
            time.sleep(0.2)


def test_a_refused_upload_blocks_the_start(app: AppTest, tmp_path: Path) -> None:
    """The earlier data never stands in for a file that was refused, under whose name it would be."""
    shown(app)
    assert not app.button(key="train_start").disabled
    field(app, "selectbox", "picker").set_value("own")
    shown(app)
    pets = tmp_path / "pets"
    for name in ("cat", "dog"):
        (pets / name).mkdir(parents=True)
        for number in range(5):
            cv2.imwrite(str(pets / name / f"{number}.png"), np.full((8, 8, 3), 40 * number, np.uint8))
    field(app, "text_input", "path").set_value(str(pets))
    shown(app)
    assert not app.button(key="train_start").disabled

    def upload(name: str, data: bytes) -> str:
        (uploader,) = app.file_uploader
        uploader.set_value((name, data, "application/zip"))
        shown(app)
        return " ".join(error.value for error in app.error)

    for name, data in (("broken.zip", b"no archive"), ("photos.rar", b"Rar!"), ("again.npz", b"")):
        said = upload(name, data)
        assert name.split(".")[0] in said
        assert "Nothing is chosen now" in said
        assert app.button(key="train_start").disabled
        assert not captions(app)  # nothing of the earlier data is shown
    app.file_uploader[0].set_value([])
    shown(app)
    assert not app.error
    assert draft(app).get("data.dataset") == str(pets)
    assert not app.button(key="train_start").disabled
    upload("broken.zip", b"no archive")
    field(app, "text_input", "path").set_value(str(tmp_path / "pets") + "/")
    shown(app)
    assert not app.error
    assert not app.button(key="train_start").disabled
    assert not app.file_uploader[0].value  # its field is empty: the name there was not of these images
    upload("broken.zip", b"no archive")
    field(app, "selectbox", "picker").set_value("digits")
    shown(app)
    assert not app.button(key="train_start").disabled
