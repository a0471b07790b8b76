"""The slider over the epochs of a run, without a browser."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.recipe import replace
from cnnviz.runs import snapshots
from cnnviz.runs.snapshots import Maps, Moment, Probe, Snapshot
from cnnviz.runs.store import write_state
from cnnviz.ui.runs import snapshot_player as part
from tests.app.pages import page_about, pieces, shown, words_of
from tests.made_runs import make_run

NASTY = "<script>x</script>"
TRUTH = {"shape": [0, 1, 2], "colour": [1, 0, 1]}
CLASSES = {"shape": (NASTY, "disc", "star"), "colour": ("red", "blue")}


def script() -> None:
    import streamlit as st

    from cnnviz import runs
    from cnnviz.ui.runs.snapshot_player import epochs_part

    epochs_part(runs.open_run(st.session_state["run"]), "part")


def snapshot(epoch: int, *, convolutions: bool = True) -> Snapshot:
    """Of three images; the model is right about the first `epoch` of them."""
    rng = np.random.default_rng(epoch)
    probabilities = {}
    for head, truths in TRUTH.items():
        probabilities[head] = np.full((3, len(CLASSES[head])), 0.1, np.float32)
        for at, truth in enumerate(truths):
            probabilities[head][at, truth if at < epoch else truth - 1] = 0.5 + epoch / 10
    if not convolutions:
        return Snapshot(Moment(epoch), probabilities)
    cams = {head: rng.random((3, 4, 4), np.float32) for head in TRUTH}
    low, high = np.zeros((3, 5), np.float32), np.ones((3, 5), np.float32)
    maps = tuple(
        Maps(name, (8, 8, 12), rng.integers(0, 256, (3, 4, 4, 5), dtype=np.uint8), low, high)
        for name in ("conv2d", "conv2d_1")
    )
    return Snapshot(
        Moment(epoch), probabilities, "conv2d_1", cams, maps, rng.normal(size=(3, 3, 3, 7)).astype(np.float32)
    )


@pytest.fixture
def run(checkpoints: Path) -> runs.Run:
    """A run of three epochs with its snapshots."""
    made = make_run(PRESETS["S"], 3)
    give(made, 3)
    return made


def give(run: runs.Run, epochs: int, **more) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 12, 3), dtype=np.uint8)
    labels = {head: np.array(truths) for head, truths in TRUTH.items()}
    snapshots.save_images(run.folder, Probe(images, ("one.png", "two.png", NASTY), labels, CLASSES))
    for epoch in range(epochs + 1):
        snapshots.save(run.folder, snapshot(epoch, **more))


@pytest.fixture
def opened() -> Callable[[runs.Run], AppTest]:
    def go(run: runs.Run) -> AppTest:
        return shown(page_about(script, run))

    return go


def words(app: AppTest) -> str:
    return words_of(app, "caption", "markdown", "html")


def test_the_slider_shows_what_the_model_was(run, opened):
    app = opened(run)
    slider = app.select_slider(key="part_epoch")
    assert (slider.value, list(slider.options)) == (Moment(3), ["Untrained", "Epoch 1", "Epoch 2", "Epoch 3"])
    assert "3 of 3 right" in words(app)
    assert len(pieces(app)) == 3  # predictions, feature maps, kernels: one piece each
    assert "80 %" in pieces(app)[0]
    last = pieces(app)
    slider.set_value(Moment(1))
    shown(app)
    assert "1 of 3 right" in words(app)
    assert "60 %" in pieces(app)[0]
    assert "✗ true label disc" in pieces(app)[0]
    assert all(before != now for before, now in zip(last, pieces(app), strict=True))
    assert NASTY not in "".join(pieces(app))


def test_head_layer_image_scale_and_heat_are_chosen(run, opened):
    app = opened(run)
    changes = [
        (lambda: app.segmented_control(key="part_head").set_value("colour"), 0),
        (lambda: app.toggle(key="part_heat").set_value(False), 0),
        (lambda: app.selectbox(key="part_layer").set_value("conv2d_1"), 1),
        (lambda: app.selectbox(key="part_picture").set_value(2), 1),
        (lambda: app.segmented_control(key="part_scale").set_value("one"), 1),
    ]
    for change, at in changes:
        before = pieces(app)
        change()
        shown(app)
        assert [old != new for old, new in zip(before, pieces(app), strict=True)] == [n == at for n in range(3)]


def test_all_epochs_are_downloaded_as_a_film(run, opened):
    (button,) = opened(run).get("download_button")
    assert (button.proto.label, button.proto.ignore_rerun) == ("Film (GIF)", True)
    probe = snapshots.read_probe(run.folder)
    (run.folder / "snapshots" / "epoch-00002.z").write_bytes(b"damaged")
    with Image.open(io.BytesIO(part._film(run, snapshots.moments(run.folder), probe, "colour", True))) as film:
        assert (film.format, film.n_frames) == ("GIF", 3)


def test_it_plays_to_the_end(run, opened, until, monkeypatch):
    monkeypatch.setattr(part, "PLAY_SECONDS", 0.2)
    app = opened(run)
    app.button(key="part_button").click()
    shown(app)
    assert app.session_state["part_epoch"] < Moment(3) or not part_playing(app)
    until(lambda: not part_playing(shown(app)), 20)
    assert app.session_state["part_epoch"] == Moment(3)
    assert app.button(key="part_button").label == "Play"


def part_playing(app: AppTest) -> bool:
    return "part_began" in app.session_state


def test_it_pauses_where_it_is_and_at_a_touch_of_the_slider(run, opened, monkeypatch):
    monkeypatch.setattr(part, "PLAY_SECONDS", 1e6)
    app = opened(run)
    for stop in (
        lambda: app.button(key="part_button").click(),
        lambda: app.select_slider(key="part_epoch").set_value(Moment(2)),
    ):
        app.select_slider(key="part_epoch").set_value(Moment(1))
        shown(app)
        app.button(key="part_button").click()
        shown(app)
        assert (part_playing(app), app.session_state["part_epoch"]) == (True, Moment(1))
        assert app.button(key="part_button").label == "Pause"
        stop()
        shown(app)
        assert not part_playing(app)


def test_a_run_that_goes_on_is_followed_until_that_is_switched_off(checkpoints, opened):
    run = make_run(PRESETS["S"], 1, state="running", process=this_process())
    assert "The first snapshot comes" in words(opened(run))
    give(run, 1)
    app = opened(run)
    assert (app.select_slider(key="part_live").value, app.select_slider(key="part_live").disabled) == (Moment(1), True)
    snapshots.save(run.folder, snapshot(2))
    shown(app)
    assert app.select_slider(key="part_live").value == Moment(2)
    app.toggle(key="part_follow").set_value(False)
    shown(app)
    assert (app.select_slider(key="part_epoch").value, app.select_slider(key="part_epoch").disabled) == (
        Moment(2),
        False,
    )
    app.select_slider(key="part_epoch").set_value(Moment(0))
    shown(app)
    snapshots.save(run.folder, snapshot(3))
    shown(app)
    assert app.select_slider(key="part_epoch").value == Moment(0)
    app.button(key="part_button").click()
    shown(app)
    assert part_playing(app)
    app.toggle(key="part_follow").set_value(True)
    shown(app)
    assert (part_playing(app), app.select_slider(key="part_live").value) == (False, Moment(3))
    write_state(run.folder, run.written.model_copy(update={"state": "stopped", "ended": 1.7e9}))
    shown(app)
    assert (app.select_slider(key="part_epoch").value, len(app.toggle)) == (Moment(3), 1)  # only Grad-CAM's is left


def test_damaged_and_missing_files_are_sentences(run, opened, checkpoints):
    path = run.folder / "snapshots" / "epoch-00003.z"
    path.write_bytes(path.read_bytes()[:100])
    app = opened(run)
    assert "can't be shown" in words(app)
    app.select_slider(key="part_epoch").set_value(Moment(2))
    shown(app)
    assert "2 of 3 right" in words(app)
    (run.folder / "snapshots" / "pictures.z").unlink()
    assert "has no snapshots" in words(opened(run))
    assert "has no snapshots" in words(opened(make_run()))


def test_without_convolutions_there_are_the_answers(checkpoints, opened):
    run = make_run(replace(PRESETS["S"], {"network.layers": [{"type": "Flatten"}]}), 2)
    give(run, 2, convolutions=False)
    app = opened(run)
    assert "no convolution" in words(app)
    assert len(pieces(app)) == 1
