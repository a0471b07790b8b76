"""Slurm, by submitit, whose local executor carries out jobs as Slurm would."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from cnnviz import runs
from cnnviz.engines import engine_named
from cnnviz.engines.slurm import Worker
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs.status import ENGINES, Resources

SMALL = replace(
    PRESETS["Q"],
    {
        "network.layers": [{"type": "Flatten"}, {"type": "Dense", "units": 8}],
        "data.limits": {"train": 60, "validation": 20, "test": 20},
        "fit.epochs": 2,
    },
)


def test_a_job_carries_a_run(checkpoints, monkeypatch, until):
    monkeypatch.setenv("CNNVIZ_SLURM", '{"cluster": "local", "timeout_min": 20}')
    run = runs.start(SMALL, engine="slurm", resources=Resources(cpus=2, memory_gb=1))
    assert (run.written.engine, run.written.resources.cpus) == ("slurm", 2)
    assert runs.open_run(run.id).state in ("queued", "starting", "running")
    until(lambda: not runs.open_run(run.id).active)
    assert runs.open_run(run.id).state == "finished", run.log_tail(30)


def test_a_job_that_has_to_end_is_queued_again_from_where_the_run_was(checkpoints, monkeypatch, until):
    """As submitit does it on Slurm's signal before a job's time is over."""
    long = replace(SMALL, {"fit.epochs": 4000})
    run, worker = runs.create(long, engine="slurm"), Worker()
    child = os.fork()
    if child == 0:
        signal.signal(
            signal.SIGUSR2, lambda *_: os._exit(worker.checkpoint(str(run.folder)).args[0] != str(run.folder))
        )
        os._exit(worker(str(run.folder)))
    until(lambda: runs.open_run(run.id).written.epoch >= 2)
    os.kill(child, signal.SIGUSR2)
    assert os.waitpid(child, 0)[1] == 0
    until(lambda: runs.open_run(run.id).state == "crashed")  # as the next job finds it
    assert (run.folder / "resume").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": "local", "nonsense": 1}', '{"cluster": "elsewhere"}'])
def test_settings_that_cannot_be_used_are_one_sentence(checkpoints, monkeypatch, text):
    monkeypatch.setenv("CNNVIZ_SLURM", text)
    with pytest.raises(RunError, match=r"^CNNVIZ_SLURM .*expected"):
        runs.start(SMALL, engine="slurm")
    assert runs.listing() == []


def test_where_there_is_no_slurm_a_run_is_not_begun(checkpoints, monkeypatch):
    monkeypatch.delenv("CNNVIZ_SLURM", raising=False)
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    with pytest.raises(RunError, match=r"^There is no Slurm here"):
        runs.start(SMALL, engine="slurm")
    assert runs.listing() == []


def test_where_submitit_is_not_installed_it_is_said_how(checkpoints, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(RunError, match=r"submitit isn't installed: `pip install \"cnnviz\[cluster\]\"`"):
        runs.start(SMALL, engine="slurm")


def test_each_engine_has_what_one_needs():
    for name in ENGINES:
        engine = engine_named(name)
        assert callable(engine.check)
        assert callable(engine.start)


def test_the_default_engine_is_named_by_the_environment(checkpoints, monkeypatch, command):
    monkeypatch.setenv("CNNVIZ_ENGINE", "rya")
    done = command("train", "Q", "--detach")
    assert (done.returncode, done.stderr) == (2, "cnnviz: CNNVIZ_ENGINE is 'rya'; expected local, ray or slurm.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cpus", "0"), "--cpus is 0: input should be greater than or equal to 1."),
        (("--gpus", "-1"), "--gpus is -1: input should be greater than or equal to 0."),
        (("--memory", "nan"), "--memory is nan: input should be a finite number."),
    ],
)
def test_resources_out_of_range_are_one_line(checkpoints, command, arguments, words):
    done = command("train", "Q", "--engine", "slurm", *arguments)
    assert (done.returncode, done.stderr) == (2, f"cnnviz: {words}\n")
