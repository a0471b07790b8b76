"""The queue, with workers that are processes of their own."""

import pytest

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import launch

LONG = replace(PRESETS["Q"], {"fit.epochs": 5000, "data.limits.train": 200})


@pytest.mark.slow
def test_the_oldest_waits_the_least_and_a_waiting_run_can_be_stopped(checkpoints, until):
    def state(run):
        return runs.open_run(run.id).state

    first = runs.start(LONG)
    until(lambda: state(first) in ("starting", "running"))
    second, third, fourth = (runs.start(LONG) for _ in range(3))
    until(lambda: all(runs.open_run(run.id).written.process for run in (second, third, fourth)))
    assert [state(run) for run in (second, third, fourth)] == ["queued"] * 3
    runs.request_stop(second.id)
    until(lambda: state(second) == "stopped")
    assert runs.open_run(second.id).written.epoch == 0
    runs.request_stop(first.id)
    until(lambda: state(third) in ("starting", "running"))
    assert (state(first), state(fourth)) == ("stopped", "queued")


def test_slots_are_a_whole_number(monkeypatch):
    monkeypatch.setenv("CNNVIZ_SLOTS", "two")
    with pytest.raises(RunError, match="expected a whole number"):
        launch.slots()
    monkeypatch.setenv("CNNVIZ_SLOTS", "0")
    assert launch.slots() == 1
