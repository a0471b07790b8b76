"""Launch, continue, stop and delete from several processes at once do no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
from filelock import FileLock

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.processes import this_host
from cnnviz.recipe import replace
from tests.made_runs import make_run

LONG = replace(PRESETS["Q"], {"fit.epochs": 5000, "data.limits.train": 100})

VERB = """
import sys
from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.recipe import parse
verb, given = sys.argv[1:]
given = parse(given) if verb == "start" else given
print("ready", flush=True)
sys.stdin.readline()
try:
    getattr(runs, verb)(given)
    print("done")
except RunError as error:
    print(error)
"""


def at_once(given, *verbs):
    """What several processes say that do this to a run, or start this recipe, at the same moment."""
    given = given.to_json() if verbs[0] == "start" else given.id
    going = [
        subprocess.Popen(
            [sys.executable, "-c", VERB, verb, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for verb in verbs
    ]
    assert [process.stdout.readline() for process in going] == ["ready\n"] * len(verbs)
    for process in going:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=300)[0].strip() for process in going]


def workers(run):
    """The processes that carry out the run."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "cnnviz.train" in words and str(run.folder) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@pytest.fixture
def taken(checkpoints):
    """The place in which a run trains is taken, so that whatever is started waits."""
    locks = checkpoints / ".slots" / this_host()
    locks.mkdir(parents=True)
    with FileLock(locks / "0.lock"):
        yield


def waits(run):
    """Whether the run has a worker that waits its turn."""
    now = runs.open_run(run.id)
    return now.state == "queued" and now.written.process is not None


def test_launched_and_stopped_by_several_at_once_runs_are_each_whole(checkpoints, taken, until):
    assert at_once(LONG, "start", "start", "start") == ["done"] * 3
    begun = runs.listing()
    assert len({run.id for run in begun}) == 3
    assert all(run.recipe == LONG for run in begun)
    until(lambda: all(map(waits, begun)))
    said = at_once(begun[0], "request_stop", "request_stop", "delete", "request_pause")
    assert "done" in said
    assert all(words == "done" or words.startswith(("Run ", "There is no run")) for words in said)
    until(lambda: not any(run.active for run in runs.listing() if run.id == begun[0].id))
    left = [run for run in runs.listing() if run.id != begun[0].id]
    assert [run.id for run in left] == [run.id for run in begun[1:]]
    assert all(map(waits, left))


def test_continuing_twice_at_once_starts_one_worker(checkpoints, taken):
    run = make_run(LONG, state="paused")
    said = at_once(run, "resume", "resume", "resume")
    assert said.count("done") == 1
    assert sum("only one that was paused" in words for words in said) == 2
    assert len(workers(run)) == 1
    runs.request_stop(run.id)


def test_continuing_and_deleting_at_once_is_one_of_them(checkpoints, taken):
    run = make_run(LONG, state="paused")
    said = at_once(run, "delete", "resume", "delete")
    assert said.count("done") == 1
    if run.folder.exists():
        assert runs.open_run(run.id).active
        runs.request_stop(run.id)
    else:
        assert workers(run) == []


def test_a_second_worker_on_a_folder_leaves_the_first_alone(checkpoints, taken, until):
    run = runs.start(LONG)
    until(lambda: runs.open_run(run.id).written.process is not None)
    first = json.loads((run.folder / "state.json").read_text())["process"]["pid"]
    second = subprocess.run([sys.executable, "-m", "cnnviz.train", str(run.folder)], capture_output=True, text=True)
    assert (second.returncode, second.stderr.strip()) == (1, "Another worker has this run in hand.")
    assert runs.open_run(run.id).written.process.pid == first
    runs.request_stop(run.id)


SERVER = """
import signal, sys, time
from cnnviz import runs
from cnnviz.recipe import parse
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests that run in the background ignore both, and so would this
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(runs.start(parse(sys.argv[1])).id, flush=True)
time.sleep(600)
"""


def test_however_it_is_ended_what_started_a_run_leaves_it_be(checkpoints, taken, until):
    signals = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVER, LONG.to_json()],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        for _ in signals
    ]
    begun = [runs.open_run(server.stdout.readline().strip()) for server in servers]
    until(lambda: all(map(waits, begun)))
    for server, how in zip(servers, signals, strict=True):
        os.killpg(server.pid, how)
        server.wait()
    assert all(map(waits, begun))


OTHER = """
import json, sys
from cnnviz import runs
for line in sys.stdin:
    verb, _, run = line.strip().partition(" ")
    if verb:
        getattr(runs, verb)(run)
    print(json.dumps([[run.id, run.state, run.written.epoch] for run in runs.listing()]), flush=True)
"""


def test_two_programs_on_one_folder_agree(checkpoints, taken, until):
    other = subprocess.Popen([sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def there(words=""):
        """What the other program sees, at once, after doing this."""
        other.stdin.write(words + "\n")
        other.stdin.flush()
        return json.loads(other.stdout.readline())

    def here():
        return [[run.id, run.state, run.written.epoch] for run in runs.listing()]

    assert there() == here() == []
    old = make_run(epochs=3)
    assert there() == here() == [[old.id, "finished", 3]]
    run = runs.start(LONG)
    until(lambda: waits(run))
    assert there() == here() == [[run.id, "queued", 0], [old.id, "finished", 3]]
    there(f"request_pause {run.id}")
    until(lambda: runs.open_run(run.id).state == "paused")
    assert there() == here() == [[run.id, "paused", 0], [old.id, "finished", 3]]
    assert there(f"resume {run.id}")[0][1] == "queued"
    until(lambda: waits(run))
    os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
    until(lambda: runs.open_run(run.id).state == "crashed")
    assert there() == here() == [[run.id, "crashed", 0], [old.id, "finished", 3]]
    assert there(f"delete {run.id}") == here() == [[old.id, "finished", 3]]
    other.stdin.close()
    other.wait()


def test_a_run_outlives_what_started_it(checkpoints, until):
    recipe = replace(PRESETS["Q"], {"fit.epochs": 2, "data.limits.train": 100})
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, recipe.to_json()], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    run = runs.open_run(server.stdout.readline().strip())
    until(lambda: runs.open_run(run.id).written.process is not None)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    until(lambda: not runs.open_run(run.id).active)
    assert runs.open_run(run.id).state == "finished"
    listed = subprocess.run([sys.executable, "-m", "cnnviz", "runs", "--json"], capture_output=True, text=True)
    assert [entry["state"] for entry in json.loads(listed.stdout)] == ["finished"]
