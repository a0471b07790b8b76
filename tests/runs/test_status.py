"""A run's true state, and knowing a process from any other."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from cnnviz import runs
from cnnviz.files import write_json
from cnnviz.processes import Process, alive, boot_id, process_of, this_process
from cnnviz.runs.liveness import LAUNCHED, START_GRACE_SECONDS
from cnnviz.runs.status import ENDED, State, current
from tests.made_runs import make_run

ME = Process(pid=1, started=0.0, boot="")


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("lives", [False, True])
@pytest.mark.parametrize("stop_requested", [False, True])
def test_what_has_ended_stays_so(state, lives, stop_requested):
    assert current(State(state=state, process=ME), lives=lives, stop_requested=stop_requested) == state


@pytest.mark.parametrize(
    ("state", "lives", "stop_requested", "expected"),
    [
        ("queued", True, False, "queued"),
        ("starting", True, False, "starting"),
        ("running", True, False, "running"),
        ("queued", True, True, "stopping"),
        ("running", True, True, "stopping"),
        ("queued", False, False, "crashed"),
        ("starting", False, False, "crashed"),
        ("running", False, False, "crashed"),
        ("queued", False, True, "stopped"),
        ("running", False, True, "crashed"),
    ],
)
def test_what_was_written_is_corrected_by_whether_the_worker_lives(state, lives, stop_requested, expected):
    assert current(State(state=state, process=ME), lives=lives, stop_requested=stop_requested) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, "queued"),
        (START_GRACE_SECONDS - 2, "queued"),
        (START_GRACE_SECONDS + 1, "crashed"),
        (-3600, "crashed"),  # the clock was put back: it would wait for ever
    ],
)
def test_a_run_without_a_process_has_a_moment_to_get_one(checkpoints, age, expected):
    run = make_run(state="queued", process=None)
    written = time.time() - age
    os.utime(run.folder / "state.json", (written, written))
    assert runs.open_run(run.id).state == expected


def test_until_a_worker_says_who_it_is_the_one_that_started_it_does(checkpoints):
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    run = make_run(state="queued", process=None)
    write_json(run.folder / LAUNCHED, process_of(worker.pid).model_dump())
    os.utime(run.folder / "state.json", (1000, 1000))  # a machine so busy that its worker has said nothing yet
    assert runs.open_run(run.id).state == "queued"
    os.utime(run.folder / "state.json")
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert runs.open_run(run.id).state == "crashed"
    worker.wait()
    assert runs.open_run(run.id).state == "crashed"
    (run.folder / "request.json").write_text("{}")
    assert runs.open_run(run.id).state == "stopped"


def test_this_process_is_alive():
    assert alive(this_process())


def test_another_start_time_is_another_process():
    other = {"started": psutil.Process().create_time() - 60, "ticks": None}  # as before ticks were written
    assert not alive(this_process().model_copy(update=other))


def test_a_clock_that_was_set_makes_no_other_process():
    """psutil's times move with the clock; this is what is found an hour after it was set an hour back."""
    moved = this_process().model_copy(update={"started": psutil.Process().create_time() + 3600})
    assert moved.ticks
    assert alive(moved)
    assert not alive(moved.model_copy(update={"ticks": moved.ticks + 1}))


def test_another_boot_is_another_process():
    assert not alive(this_process().model_copy(update={"boot": "another"}))


def test_a_zombie_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(child.pid).create_time()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet collected
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not alive(Process(pid=child.pid, started=started, boot=boot_id()))
    child.wait()
    assert not alive(Process(pid=child.pid, started=started, boot=boot_id()))
