"""One worker at a time has a run in hand, on whatever machine, whether it is paused, killed or cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.cluster import HOLDER, wake_after_lease
from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.files import read_json, replacing, write_json
from cnnviz.processes import Process, this_host, this_process
from cnnviz.runs.lease import in_force, lease_seconds, storage_now, take
from cnnviz.runs.status import State
from cnnviz.runs.store import write_state
from tests.made_runs import make_run


@pytest.fixture
def hold(tmp_path):
    """Starts a process that holds the run in a folder, as if on a machine of this name."""
    begun = []

    def start(folder, host, seconds=1.0):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", HOLDER, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "CNNVIZ_HOST": host, "CNNVIZ_LEASE_SECONDS": str(seconds)},
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def tell(process, words):
    process.stdin.write(words + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_lease_is_taken_kept_and_given_back(tmp_path):
    with take(tmp_path) as lease:
        assert (lease.number, lease.lost(), in_force(tmp_path)) == (1, False, True)
        [holder] = tmp_path.glob(".lease/*/holder.json")
        assert Process.model_validate(read_json(holder)["process"]) == this_process()
        write_json(tmp_path / "state.json", 1)
        assert list(lease.drafts.iterdir()) == []
    assert not in_force(tmp_path)
    with take(tmp_path) as lease:
        assert lease.number == 2


def test_who_holds_a_run_here_keeps_it_however_long_it_is_silent(tmp_path, hold, monkeypatch):
    monkeypatch.setattr("cnnviz.runs.lease._LEAVING_SECONDS", 0.5)
    first = hold(tmp_path, this_host())
    assert first.stdout.readline() == "1\n"
    os.kill(first.pid, signal.SIGSTOP)
    with pytest.raises(RunError, match=r"^Another worker has this run in hand\.$"), take(tmp_path):
        pass
    os.kill(first.pid, signal.SIGKILL)
    with take(tmp_path) as lease:
        assert lease.number == 2


def test_who_holds_a_run_elsewhere_keeps_it_by_signs_of_life(tmp_path, hold):
    first = hold(tmp_path, "elsewhere")
    assert first.stdout.readline() == "1\n"
    time.sleep(1.5)  # longer than its lease holds without one
    assert in_force(tmp_path)
    with pytest.raises(RunError, match="Another worker on elsewhere has this run in hand"), take(tmp_path):
        pass
    assert tell(first, "still here") == "written"


def test_one_that_was_paused_past_its_lease_can_write_nothing_more():
    """The same 200 times is `benchmarks/cluster.py`."""
    assert wake_after_lease(3) == {"tries": 3, "two_writers": 0, "noticed": 3}


def test_a_write_that_was_begun_before_the_lease_was_lost_does_not_land(tmp_path):
    """Stopped between writing its draft and putting it in place, and woken when the run is another's."""
    (tmp_path / "best").write_text("the successor's")
    with take(tmp_path) as lease:
        writing = replacing(tmp_path / "best")
        writing.__enter__().write_text("late")
        lease.drafts.rename(lease.drafts.with_name("fenced"))
        with pytest.raises(FileNotFoundError):
            writing.__exit__(None, None, None)
    assert (tmp_path / "best").read_text() == "the successor's"


RACER = HOLDER.replace("with take(folder) as lease:", "sys.stdin.readline()\nwith take(folder) as lease:")


def test_of_many_that_want_a_run_at_once_one_gets_it(tmp_path):
    for round in range(1, 6):
        folder = tmp_path / str(round)
        folder.mkdir()
        racing = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "CNNVIZ_HOST": f"machine-{number}", "CNNVIZ_LEASE_SECONDS": "2"},
            )
            for number in range(4)
        ]
        for process in racing:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in racing:  # the losers end by themselves, as the winner gives signs of life
            process.wait() if process.stdout.readline() == "" else None
        holding = [process for process in racing if process.poll() is None]
        assert len(holding) == 1
        for process in racing:
            process.kill()
            process.communicate()


def test_a_run_elsewhere_is_as_its_lease_says_whatever_the_clocks_say(checkpoints, hold, until, monkeypatch):
    run = make_run(state="running")
    first = hold(run.folder, "elsewhere")
    assert first.stdout.readline() == "1\n"
    there = this_process().model_copy(update={"host": "elsewhere", "boot": "another"})
    write_state(run.folder, run.written.model_copy(update={"state": "running", "process": there}))
    now = time.time
    for minutes in (0, 7, -7):
        monkeypatch.setattr(time, "time", lambda minutes=minutes: now() + 60 * minutes)
        assert runs.open_run(run.id).state == "running"
        with pytest.raises(RunError, match="is running; stop it before deleting it"):
            runs.delete(run.id)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: runs.open_run(run.id).state == "crashed")
    assert runs.open_run(run.id).written.message == (
        "elsewhere, the machine that it trained on, gives no sign of life any more."
    )


def test_the_storage_has_one_clock(tmp_path):
    (tmp_path / "file").touch()
    assert abs(storage_now(tmp_path) - (tmp_path / "file").stat().st_mtime) < 60
    assert storage_now(tmp_path / "none") == pytest.approx(time.time(), abs=60)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("text", ["soon", "0", "nan", "1e9"])
def test_the_seconds_of_a_lease_are_some(text, monkeypatch):
    monkeypatch.setenv("CNNVIZ_LEASE_SECONDS", text)
    with pytest.raises(RunError, match="expected seconds from 1 to 86,400"):
        lease_seconds()


def test_a_state_of_before_there_were_hosts_can_be_read():
    old = State.model_validate({"state": "running", "process": {"pid": 1, "started": 1.0, "boot": "b", "ticks": 2}})
    assert (old.process.host, old.engine, old.resources.cpus) == ("", "local", 1)
