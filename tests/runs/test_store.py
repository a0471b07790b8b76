"""Runs as folders: made, listed, opened, deleted, whatever lies about."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS
from cnnviz.processes import Process, boot_id, this_process
from cnnviz.recipe import replace
from cnnviz.runs import store
from cnnviz.runs.launch import pause_requested, stop_requested
from cnnviz.runs.status import State
from cnnviz.runs.store import write_state
from tests.made_runs import make_run

STRANGE_IDS = ["", ".", "..", "../other", "/etc", "a/b", "a\\b", "a\0b", ".hidden", "x" * 101, "a b", "é", "-x", "a\n"]


@pytest.fixture
def sleeper():
    """A process that stands for a worker, and who it is."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process, Process(pid=process.pid, started=psutil.Process(process.pid).create_time(), boot=boot_id())
    process.kill()
    process.wait()


def test_no_folder_is_no_runs(tmp_path):
    assert runs.listing(tmp_path / "gone") == []


def test_another_folder_in_the_place_of_one_of_the_same_time_is_read(checkpoints, tmp_path):
    made, place = make_run(epochs=1), tmp_path / "place"
    for folder in (tmp_path / "none", checkpoints):
        folder.mkdir(exist_ok=True)
        os.utime(folder, (1_700_000_000, 1_700_000_000))
        place.unlink(missing_ok=True)
        place.symlink_to(folder)
        found = runs.listing(place)
    assert [run.id for run in found] == [made.id]


def test_the_newest_run_comes_first(checkpoints):
    made = [make_run(epochs=1, created=1_700_000_000.0 + shift) for shift in (5, 1, 9, 3)]
    assert [run.id for run in runs.listing()] == [made[at].id for at in (2, 0, 3, 1)]


def test_a_run_holds_what_was_written(checkpoints):
    made = make_run(replace(PRESETS["Q"], {"name": "Mine"}), 3)
    run = runs.open_run(made.id)
    assert run.recipe.name == "Mine"
    assert (run.state, run.written.epoch, run.written.best_epoch, run.seconds) == ("finished", 3, 3, 6.0)
    assert runs.listing() == [run]


def test_ended_runs_are_read_once(checkpoints, until):
    for number in range(5):
        make_run(epochs=1, created=1_700_000_000.0 + number)
    time.sleep(0.15)  # a fresh time of the folder is not trusted
    first = runs.listing()
    again = runs.listing()
    assert len(first) == 5
    assert all(old.written is new.written and old.recipe is new.recipe for old, new in zip(first, again, strict=True))


def test_a_new_state_is_seen_at_once(checkpoints, sleeper):
    run = make_run(epochs=0, state="running", process=sleeper[1], ended=None)
    for epoch in range(1, 200):
        write_state(run.folder, run.written.model_copy(update={"epoch": epoch % 10}))
        assert runs.listing()[0].written.epoch == epoch % 10


def test_a_run_that_ends_or_goes_is_seen_at_once(checkpoints, sleeper):
    run, other = make_run(state="running", process=sleeper[1]), make_run()
    time.sleep(0.15)
    assert {entry.id: entry.state for entry in runs.listing()} == {run.id: "running", other.id: "finished"}
    write_state(run.folder, run.written.model_copy(update={"state": "finished"}))
    assert {entry.state for entry in runs.listing()} == {"finished"}
    runs.delete(other.id)
    assert [entry.id for entry in runs.listing()] == [run.id]


@pytest.mark.parametrize("name", STRANGE_IDS)
def test_an_id_that_is_a_path_or_no_name_is_refused(checkpoints, name):
    (checkpoints.parent / "other").mkdir()
    (checkpoints.parent / "other" / "recipe.json").write_text("{}")
    for verb in (runs.open_run, runs.delete, runs.request_stop, runs.folder_of):
        with pytest.raises(RunError, match="There is no run"):
            verb(name)
    assert (checkpoints.parent / "other" / "recipe.json").exists()


def test_what_is_no_run_is_not_listed(checkpoints):
    run = make_run()
    (checkpoints / "notes.txt").write_text("mine")
    (checkpoints / "empty").mkdir()
    (checkpoints / ".slots").mkdir(exist_ok=True)
    (checkpoints / ".new-x").mkdir()
    (checkpoints / ".new-x" / "recipe.json").write_text("{}")
    assert [entry.id for entry in runs.listing()] == [run.id]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 3}', b"\xff\xfe", b"[" * 100_000])
def test_an_unreadable_recipe_leaves_a_run_that_can_be_deleted(checkpoints, content):
    run = make_run()
    (run.folder / "recipe.json").write_bytes(content)
    assert runs.open_run(run.id).recipe is None
    runs.delete(run.id)
    assert not run.folder.exists()


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"state": "dancing"}', b"\xff\xfe"])
def test_an_unreadable_state_is_a_crash_with_a_sentence(checkpoints, content):
    run = make_run()
    (run.folder / "state.json").unlink()
    if content is not None:
        (run.folder / "state.json").write_bytes(content)
    found = runs.listing()[0]
    assert (found.state, found.written.message) == ("crashed", "Its state can't be read.")
    runs.delete(run.id)


def test_a_run_that_goes_on_is_not_deleted(checkpoints, sleeper):
    run = make_run(state="running", process=sleeper[1])
    with pytest.raises(RunError, match="running; stop it before"):
        runs.delete(run.id)
    assert run.folder.is_dir()


def test_deleting_twice_says_so(checkpoints):
    run = make_run()
    runs.delete(run.id)
    with pytest.raises(RunError, match="There is no run"):
        runs.delete(run.id)
    assert [path.name for path in checkpoints.iterdir()] == [".slots"], "the locks, and nothing else"


@pytest.mark.parametrize("state", ["finished", "running"])
def test_a_run_that_is_deleted_while_it_is_read_is_no_run(checkpoints, monkeypatch, state):
    kept, going = make_run(), make_run(state=state, process=this_process())
    read = store._read

    def deleted_first(folder):
        if folder == going.folder:
            shutil.rmtree(folder, ignore_errors=True)
        return read(folder)

    monkeypatch.setattr(store, "_read", deleted_first)
    assert runs.listing() == [kept]
    with pytest.raises(RunError, match=r"There is no run|has just been deleted"):
        runs.open_run(going.id)


def test_a_stop_is_not_turned_into_a_pause(checkpoints):
    run = make_run(state="running", process=this_process())
    runs.request_pause(run.id)
    runs.request_stop(run.id)
    with pytest.raises(RunError, match="was asked to stop"):
        runs.request_pause(run.id)
    assert stop_requested(run.folder)
    assert not pause_requested(run.folder)


def test_only_what_goes_on_can_be_stopped(checkpoints):
    run = make_run()
    with pytest.raises(RunError, match="only a run that goes on"):
        runs.request_stop(run.id)
    assert not (run.folder / "request.json").exists()


def test_another_process_with_the_pid_is_a_crash_and_is_left_alone(checkpoints, sleeper):
    process, who = sleeper
    pretender = who.model_copy(update={"started": who.started - 3600})
    for identity in (pretender, who.model_copy(update={"boot": "another"})):
        run = make_run(state="running", process=identity)
        assert run.state == "crashed"
        with pytest.raises(RunError, match="only a run that goes on"):
            runs.request_stop(run.id)
        runs.delete(run.id)
    assert process.poll() is None


def test_a_worker_that_was_killed_is_a_crash(checkpoints, sleeper, until):
    process, who = sleeper
    run = make_run(epochs=2, state="running", process=who)
    assert runs.listing()[0].state == "running"
    process.send_signal(signal.SIGKILL)
    until(lambda: runs.listing()[0].state == "crashed")  # still a zombie: nobody has collected it
    assert runs.open_run(run.id).seconds == pytest.approx(run.metrics_path.stat().st_mtime - run.written.started)


def test_a_run_deleted_by_hand_while_listed_is_left_out(checkpoints, sleeper):
    run = make_run(state="running", process=sleeper[1])
    time.sleep(0.15)
    assert len(runs.listing()) == 1
    changed = checkpoints.stat()
    for path in run.folder.iterdir():
        path.unlink()
    run.folder.rmdir()
    os.utime(checkpoints, ns=(changed.st_atime_ns, changed.st_mtime_ns))  # as within one tick of the clock
    assert runs.listing() == []


def test_names_from_data_are_harmless_folders(checkpoints):
    run = runs.create(replace(PRESETS["Q"], {"data.dataset": "/tmp/../My «odd» data; rm -rf.npz"}))
    assert run.folder.parent == checkpoints
    assert runs.open_run(run.id).recipe == run.recipe
    write_state(run.folder, State(state="stopped"))


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="No run can be stored in"):
        runs.create(PRESETS["Q"], tmp_path / "file" / "runs")


def test_the_state_on_disk_is_plain_json(checkpoints):
    run = make_run()
    assert json.loads((run.folder / "state.json").read_text())["state"] == "finished"


HOLDER = """
import sys, time
from pathlib import Path
from cnnviz.runs.lease import take
with take(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("change", [runs.delete, runs.resume])
def test_a_run_that_seems_crashed_is_left_alone_while_a_worker_holds_it(checkpoints, change):
    run = make_run(epochs=2, state="crashed")
    worker = subprocess.Popen([sys.executable, "-c", HOLDER, str(run.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="a worker still has it in hand"):
            change(run.id)
        assert runs.open_run(run.id).written == run.written
    finally:
        worker.kill()
        worker.wait()
    change(run.id)
