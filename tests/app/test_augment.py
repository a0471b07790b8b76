"""The Augment page, as a person uses it, without a browser."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz import augment
from cnnviz.augment.preview import short_caption
from cnnviz.policy import POLICIES, STEPS, Policy, Step
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse
from cnnviz.ui.markdown import plain
from tests.addresses import address_of, by_link
from tests.app.pages import app_on, sentences, shown


@pytest.fixture
def app(checkpoints: Path, bundled_data_only: None) -> AppTest:
    """The page as it was just opened, with no data but what is bundled and no runs."""
    return app_on("augment")


def draft(app: AppTest):
    return app.session_state["augment_draft"]


def policy(app: AppTest) -> Policy:
    """The policy of the draft, without its name."""
    now = draft(app)
    return Policy(
        name="", steps=tuple(row.step for row in now.rows if row.on), fill_mode=now.fill_mode, fill_value=now.fill_value
    )


def named(name: str) -> Policy:
    return POLICIES[name].model_copy(update={"name": ""})


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.image for caption in image.captions]


def widget(app: AppTest, kind: str, place: int, name: str):
    now = draft(app)
    return getattr(app, kind)(key=f"augment_{now.version}_{now.rows[place].id}_{name}")


def press(app: AppTest, place: int, name: str) -> None:
    now = draft(app)
    app.button(key=f"augment_{name}_{now.version}_{now.rows[place].id}").click()
    shown(app)


def group(app: AppTest, key: str):
    return next(one for one in app.button_group if one.key == key)


def test_first_sight_is_the_cat_and_nine_draws_of_d3(app: AppTest) -> None:
    shown(app)
    assert policy(app) == named("D3")
    drawn = [augment.draw(POLICIES["D3"], seed=0, epoch=epoch, sample=0) for epoch in range(9)]
    assert captions(app) == ["Original\\:\u2060 chelsea", *(plain(short_caption(one)) for one in drawn)]
    assert address_of(app) == {"policy": "D3", "sample": "chelsea"}
    assert not app.error
    assert not app.warning


def test_every_control_has_help_and_every_image_a_caption(app: AppTest) -> None:
    shown(app)
    for view in ("Grid", "One step from low to high", "Two images × five", "Before and after"):
        group(app, "augment_view").set_value(view)
        shown(app)
        for kind in ("selectbox", "number_input", "slider", "toggle", "button", "button_group", "text_input"):
            for one in getattr(app, kind):
                assert one.help, f"{kind} {one.label!r} has no help"
        assert app.image
        assert all(all(image.captions) for image in app.image)


def test_a_slider_changes_the_draws_and_the_address(app: AppTest) -> None:
    before = captions(shown(app))
    widget(app, "slider", 0, "range").set_value((-5.0, 5.0))
    shown(app)
    assert policy(app).steps[0] == Step(type="rotation", low=-5, high=5)
    assert captions(app)[1:] != before[1:]
    assert "policy" not in address_of(app)


def test_the_address_holds_what_was_changed_and_what_is_switched_off(app: AppTest) -> None:
    by_link(app, policy="light")
    widget(app, "slider", 0, "range").set_value((-5.0, 5.0))
    widget(app, "toggle", 1, "on").set_value(False)
    shown(app)
    rows, link = draft(app).rows, address_of(app)
    assert set(link) == {"steps", "sample"}
    by_link(app, policy="D3")
    by_link(app, **link)
    assert draft(app).rows == rows
    assert [row.on for row in rows][:3] == [True, False, True]
    assert draft(app).name == "light changed"
    assert address_of(app) == link
    by_link(app, steps=link["steps"][:-4])
    assert "cut off" in sentences(app.warning)[0]
    assert draft(app).rows == rows


@pytest.mark.parametrize("kind", STEPS)
def test_the_widest_range_of_every_step_can_be_drawn(app: AppTest, kind: str) -> None:
    bounds = STEPS[kind].bounds or (None, None)
    app.session_state["augment_policy"] = Policy(name="x", steps=(Step(type=kind, low=bounds[0], high=bounds[1]),))
    shown(app)
    assert not app.error
    assert len(captions(app)) == 10
    if STEPS[kind].bounds:
        widget(app, "slider", 0, "range").set_value(widget(app, "slider", 0, "range").value[:1] * 2)
        shown(app)
        assert policy(app).steps[0].low == policy(app).steps[0].high == STEPS[kind].bounds[0]
    for view in ("One step from low to high", "Two images × five", "Before and after"):
        group(app, "augment_view").set_value(view)
        app.toggle(key="augment_mark").set_value(True)
        shown(app)
        assert not app.error


def test_steps_are_added_moved_switched_off_and_removed(app: AppTest) -> None:
    app.session_state["augment_policy"] = POLICIES["none"]
    shown(app)
    assert captions(app)[1] == "unchanged"
    for kind in ("hue", "noise", "rotation"):
        app.selectbox(key="augment_add").set_value(kind)
        shown(app)
    assert [step.type for step in policy(app).steps] == ["hue", "noise", "rotation"]
    assert policy(app).steps[0] == Step(type="hue", low=-0.05, high=0.05)
    press(app, 2, "up")
    assert [step.type for step in policy(app).steps] == ["hue", "rotation", "noise"]
    press(app, 0, "down")
    assert [step.type for step in policy(app).steps] == ["rotation", "hue", "noise"]
    widget(app, "toggle", 1, "on").set_value(False)
    shown(app)
    assert [step.type for step in policy(app).steps] == ["rotation", "noise"]
    assert widget(app, "slider", 1, "range").disabled
    press(app, 0, "remove")
    assert [step.type for step in policy(app).steps] == ["noise"]
    widget(app, "slider", 1, "probability").set_value(25.0)
    shown(app)
    assert policy(app).steps[0].probability == 0.25


def test_a_policy_takes_no_more_than_thirty_steps(app: AppTest) -> None:
    app.session_state["augment_policy"] = Policy(name="full", steps=(Step(type="grey"),) * 30)
    shown(app)
    assert app.selectbox(key="augment_add").disabled


def test_presets_and_the_address_name_policies(app: AppTest) -> None:
    app.query_params["policy"] = "strong"
    shown(app)
    assert policy(app) == named("strong")
    app.selectbox(key="augment_preset").set_value("light")
    shown(app)
    assert policy(app) == named("light")
    assert address_of(app)["policy"] == "light"


def test_an_unknown_policy_in_the_address_is_said(app: AppTest) -> None:
    app.query_params["policy"] = "<b>D33</b>"
    shown(app)
    assert sentences(app.warning)[0].startswith("There is no policy")
    assert "<b>" not in app.warning[0].value
    assert policy(app) == named("D3")


def test_policy_and_image_survive_other_pages(app: AppTest) -> None:
    shown(app)
    widget(app, "slider", 0, "range").set_value((-5.0, 5.0))
    group(app, "picture_source").set_value("data")
    group(app, "augment_view").set_value("Two images × five")
    shown(app)
    wanted, images = policy(app), captions(app)
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/augment.py")
    shown(app)
    assert policy(app) == wanted
    assert captions(app) == images
    assert len(captions(app)) == 12


def epoch(app: AppTest):
    return next(one for one in app.number_input if one.label == "From epoch")


def test_another_epoch_draws_anew_and_the_same_one_again(app: AppTest) -> None:
    first = captions(shown(app))
    app.button(key="augment_again").click()
    shown(app)
    assert epoch(app).value == 10
    assert not set(captions(app)[1:]) & set(first[1:])
    epoch(app).set_value(1)
    shown(app)
    assert captions(app) == first


def test_data_that_a_step_destroys_is_warned_of(app: AppTest) -> None:
    shown(app)
    group(app, "picture_source").set_value("data")
    shown(app)
    assert sentences(app.warning) == [
        "Horizontal flip: A mirrored digit is no longer that digit: 2, 3, 4, 5, 6, 7 and 9 become signs nobody writes."
    ]
    widget(app, "toggle", 5, "on").set_value(False)
    shown(app)
    assert not app.warning


def test_the_draw_is_the_one_that_training_sees(app: AppTest) -> None:
    """The number that draws are keyed by is the image's position in the training split."""
    app.query_params["data"] = "shapes"
    app.query_params["item"] = "5"
    shown(app)
    number = int(captions(app)[0].partition("\\#")[2].partition("\\")[0])
    drawn = augment.draw(POLICIES["D3"], seed=0, epoch=0, sample=number)
    assert captions(app)[1] == plain(short_caption(drawn))


def upload(app: AppTest, content: bytes) -> None:
    app.file_uploader(key="augment_upload").set_value(("policy.json", content, "application/json"))
    shown(app)


def test_a_saved_policy_is_opened_again(app: AppTest) -> None:
    wanted = Policy(name="mine", steps=(Step(type="erasing", low=0.1, high=0.3, probability=0.7),), fill_mode="wrap")
    shown(app)
    upload(app, wanted.model_dump_json().encode())
    assert policy(app) == wanted.model_copy(update={"name": ""})
    assert draft(app).name == "mine"
    assert not app.error


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not JSON"),
        (b"[1]", "expected a JSON object"),
        (b"\xff\xfe\x00", "not JSON"),
        (json.dumps({"name": "x", "stepz": []}).encode(), "did you mean 'steps'?"),
        (json.dumps({"steps": [{"type": "rotation", "low": -400, "high": 4}]}).encode(), "within -180 to 180"),
        (json.dumps({"steps": [{"type": "<script>alert(1)</script>"}]}).encode(), "choose one of"),
    ],
)
def test_a_bad_policy_file_is_one_sentence_and_changes_nothing(app: AppTest, content: bytes, expected: str) -> None:
    shown(app)
    upload(app, content)
    assert len(app.error) == 1
    assert expected in sentences(app.error)[0]
    assert "<script>" not in app.error[0].value
    assert policy(app) == named("D3")


def image(app: AppTest, name: str, content: bytes) -> None:
    group(app, "picture_source").set_value("upload")
    shown(app)
    app.file_uploader(key="picture_file").set_value((name, content, "image/png"))
    shown(app)


def png(height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_an_upload_is_shown_and_its_name_is_only_text(app: AppTest) -> None:
    shown(app)
    image(app, "**<img src=x>**.png", png(60, 90))
    assert len(captions(app)) == 10
    assert "<img" not in captions(app)[0].replace("\\<", "")
    assert not app.error


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2500, 2)])
def test_uploads_of_odd_shapes_are_drawn(app: AppTest, size: tuple[int, int]) -> None:
    shown(app)
    image(app, "thin.png", png(*size))
    for view in ("Grid", "One step from low to high", "Two images × five", "Before and after"):
        group(app, "augment_view").set_value(view)
        app.toggle(key="augment_mark").set_value(True)
        shown(app)
        assert not app.error


@pytest.mark.parametrize("content", [b"", b"no picture", png(60, 90)[:300]])
def test_a_bad_upload_is_one_sentence(app: AppTest, content: bytes) -> None:
    shown(app)
    image(app, "bad.png", content)
    assert len(app.error) == 1
    assert sentences(app.error)[0].endswith(".")


def test_use_for_training_hands_the_policy_over_and_keeps_the_rest(app: AppTest) -> None:
    app.switch_page("pages/train.py")
    shown(app)
    app.number_input(key=app.session_state["train_draft"].name("fit.epochs")).set_value(7)
    shown(app)
    app.switch_page("pages/augment.py")
    shown(app)
    widget(app, "slider", 0, "range").set_value((-5.0, 5.0))
    shown(app)
    wanted = policy(app)
    app.button(key="augment_use").click()
    shown(app)
    recipe = parse(app.session_state["train_draft"].tree)
    assert recipe.augmentation.model_copy(update={"name": ""}) == wanted
    assert recipe.augmentation.name == "D3 changed"
    assert recipe.fit.epochs == 7
    assert recipe.network == PRESETS["Q"].network
    assert sentences(app.success) == ["Training now uses this policy."]
    app.selectbox(key=app.session_state["train_draft"].name("policy")).set_value("light")
    shown(app)
    assert not app.success


def test_a_train_page_with_mistakes_takes_the_policy_too(app: AppTest) -> None:
    app.switch_page("pages/train.py")
    shown(app)
    app.session_state["train_draft"].tree["network"]["layers"] = []
    app.switch_page("pages/augment.py")
    shown(app)
    app.button(key="augment_use").click()
    shown(app)
    assert app.session_state["train_draft"].tree["augmentation"]["name"] == "D3"
    assert app.session_state["train_draft"].tree["network"]["layers"] == []
    assert sentences(app.success) == ["Training now uses this policy."]


def test_without_a_model_the_way_to_one_is_shown(app: AppTest) -> None:
    shown(app)
    app.toggle(key="augment_ask").set_value(True)
    shown(app)
    assert any("No run has a model yet" in text.value for text in app.markdown)
    assert not app.error


def test_an_image_of_ones_own_is_read_as_on_predict(app: AppTest) -> None:
    """With the same sentences on what it is, and the notes on how it was read."""
    shown(app)
    group(app, "picture_source").set_value("upload")
    shown(app)
    app.file_uploader(key="picture_file").set_value(("mine.png", b"%PDF-1.7 and so on", "image/png"))
    shown(app)
    assert [plain("This is a PDF file: save the page as a PNG or JPEG image.")] == [error.value for error in app.error]
    file = io.BytesIO()
    frames = [Image.new("RGB", (2400, 1200), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    app.file_uploader(key="picture_file").set_value(("moving.gif", file.getvalue(), "image/gif"))
    shown(app)
    assert not app.error
    assert captions(app)[0] == plain("Original: moving.gif")
    assert app.session_state["picture_choice"].upload.shown.shape == (800, 1600, 3)
    (note,) = app.session_state["picture_choice"].upload.notes
    assert plain(note) in [one.value for one in app.caption]
