"""Launch, continue, stop and delete from several processes at once do no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from tests.made_runs import make_run

LONG = replace(PRESETS["Q"], {"fit.epochs": 5000, "data.limits.train": 100})

VERB = """
import sys, time
from cnnviz import runs
from cnnviz.errors import RunError
verb, run, at = sys.argv[1], sys.argv[2], float(sys.argv[3])
time.sleep(max(0, at - time.time()))
try:
    getattr(runs, verb)(run)
    print("done")
except RunError as error:
    print(error)
"""


def at_once(run, *verbs):
    """What several processes say that do this to a run at the same moment."""
    at = str(time.time() + 3)
    going = [
        subprocess.Popen([sys.executable, "-c", VERB, verb, run.id, at], stdout=subprocess.PIPE, text=True)
        for verb in verbs
    ]
    return [process.communicate(timeout=60)[0].strip() for process in going]


def workers(run):
    """The processes that carry out the run."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "cnnviz.train" in words and str(run.folder) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_continuing_twice_at_once_starts_one_worker(checkpoints):
    run = make_run(LONG, state="paused")
    said = at_once(run, "resume", "resume", "resume")
    assert said.count("done") == 1
    assert sum("only one that was paused" in words for words in said) == 2
    assert len(workers(run)) == 1
    runs.request_stop(run.id)


def test_continuing_and_deleting_at_once_is_one_of_them(checkpoints):
    run = make_run(LONG, state="paused")
    said = at_once(run, "delete", "resume", "delete")
    assert said.count("done") == 1
    if run.folder.exists():
        assert runs.open_run(run.id).active
        runs.request_stop(run.id)
    else:
        assert workers(run) == []


def test_a_second_worker_on_a_folder_leaves_the_first_alone(checkpoints, until):
    run = runs.start(LONG)
    until(lambda: runs.open_run(run.id).written.process is not None)
    first = json.loads((run.folder / "state.json").read_text())["process"]["pid"]
    second = subprocess.run([sys.executable, "-m", "cnnviz.train", str(run.folder)], capture_output=True, text=True)
    assert (second.returncode, second.stderr.strip()) == (1, "Another worker has this run in hand.")
    assert runs.open_run(run.id).written.process.pid == first
    runs.request_stop(run.id)


SERVER = """
import sys, time
from cnnviz import runs
from cnnviz.recipe import parse
print(runs.start(parse(sys.argv[1])).id, flush=True)
time.sleep(600)
"""


def test_a_run_outlives_what_started_it(checkpoints, until):
    recipe = replace(PRESETS["Q"], {"fit.epochs": 2, "data.limits.train": 100})
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, recipe.to_json()], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    run = runs.open_run(server.stdout.readline().strip())
    until(lambda: runs.open_run(run.id).written.process is not None)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    until(lambda: not runs.open_run(run.id).active, 300)
    assert runs.open_run(run.id).state == "finished"
    listed = subprocess.run([sys.executable, "-m", "cnnviz", "runs", "--json"], capture_output=True, text=True)
    assert [entry["state"] for entry in json.loads(listed.stdout)] == ["finished"]
