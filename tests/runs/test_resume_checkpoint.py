"""Generations to go on from: whole or not at all, two of them, cut anywhere; and figures taken back to an epoch."""

import json

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics
from cnnviz.runs import resume_checkpoint as saved
from cnnviz.runs.resume_checkpoint import Saved
from tests.conftest import left_in
from tests.made_runs import make_run

RECIPE = PRESETS["Q"]
ARRAYS = {
    "weights": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "seed": np.array([7, 2**32 - 1], np.uint32),
    "steps": np.array(41, np.int64),
    "none": np.empty((0, 3), np.float32),
}


def moment(epoch):
    facts = {"callbacks": [{"best": 0.1 + 0.2, "wait": epoch}, {"best": float("inf")}], "stopped": False}
    return Saved(epoch, facts, {name: array + epoch for name, array in ARRAYS.items()})


def same(one, other):
    assert (one.epoch, one.facts) == (other.epoch, other.facts)
    assert list(one.arrays) == list(other.arrays)
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        np.testing.assert_array_equal(array, other.arrays[name], strict=True)


def test_what_is_saved_is_read_to_the_last_bit(tmp_path):
    assert saved.newest(tmp_path, RECIPE) is None
    saved.save(tmp_path, RECIPE, moment(3))
    same(saved.newest(tmp_path, RECIPE), moment(3))
    assert saved.kept_epoch(tmp_path) == 3


def test_two_generations_are_kept_and_forgotten(tmp_path):
    for epoch in (1, 2, 5, 6):
        saved.save(tmp_path, RECIPE, moment(epoch))
    left_in(tmp_path / "resume")
    saved.save(tmp_path, RECIPE, moment(7))
    assert sorted(path.name for path in (tmp_path / "resume").iterdir()) == ["epoch-00006.bin", "epoch-00007.bin"]
    left_in(tmp_path / "resume")
    saved.remove_checkpoints(tmp_path)
    assert not (tmp_path / "resume").exists()


def test_a_newest_generation_cut_at_any_byte_or_changed_falls_back_to_the_older(tmp_path):
    for epoch in (4, 5):
        saved.save(tmp_path, RECIPE, moment(epoch))
    path = tmp_path / "resume" / "epoch-00005.bin"
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        assert saved.newest(tmp_path, RECIPE).epoch == 4
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert saved.newest(tmp_path, RECIPE).epoch == 4
    saved.save(tmp_path, RECIPE, moment(5))  # repeated, it takes the damaged one's place
    assert saved.newest(tmp_path, RECIPE).epoch == 5


def test_a_generation_of_a_time_that_is_repeated_is_let_go(tmp_path):
    for epoch in (4, 5, 3):
        saved.save(tmp_path, RECIPE, moment(epoch))
    assert saved.newest(tmp_path, RECIPE).epoch == 3


def test_another_recipe_has_nothing_to_go_on_from_but_a_name_is_no_difference(tmp_path):
    saved.save(tmp_path, RECIPE, moment(2))
    assert saved.newest(tmp_path, replace(RECIPE, {"fit.learning_rate": 0.5})) is None
    assert saved.newest(tmp_path, replace(RECIPE, {"name": "Another"})).epoch == 2


@pytest.mark.parametrize("epoch", range(5))
def test_figures_taken_back_to_an_epoch_are_as_they_were_then(tmp_path, epoch):
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"kind": "note", "message": "Reading"})]
    for number in range(1, 5):
        lines += [json.dumps({"kind": kind, "epoch": number, "loss": 1 / number}) for kind in ("batch", "epoch")]
    whole = [line.encode() + b"\n" for line in lines]
    path.write_bytes(b"".join(whole) + b'{"kind": "epo')
    metrics.rewind(path, epoch)
    assert path.read_bytes() == (b"".join(whole[: 1 + 2 * epoch]) if epoch else b"")


def test_state_cut_at_any_byte_breaks_nothing(checkpoints):
    run = make_run()
    path = run.folder / "state.json"
    data = path.read_bytes()
    for cut in range(len(data) - 1):  # what ends a line is no part of it
        path.write_bytes(data[:cut])
        (found,) = runs.listing()
        assert (found.state, found.written.message) == ("crashed", "Its state can't be read.")
    path.write_bytes(data)
    assert runs.open_run(run.id).state == "finished"


def test_every_setting_tells_recipes_apart_but_a_field_left_empty_does_not():
    told = {saved.fingerprint(recipe) for recipe in PRESETS.values()}
    assert len(told) == len(PRESETS)
    changed = {"seed": RECIPE.seed + 1, "data.without": ["one"], "data.image_size": [32, 32]}
    others = {saved.fingerprint(replace(RECIPE, {name: value})) for name, value in changed.items()}
    assert len(others - {saved.fingerprint(RECIPE)}) == len(changed)
    known = RECIPE.model_dump(mode="json", exclude={"name"})
    before = {name: value for name, value in known["data"].items() if name != "without"}
    assert "without" in known["data"]
    assert saved._filled(known | {"data": before}) == saved._filled(known)
