"""Engines on Train, and nodes on Runs, without a browser."""

from __future__ import annotations

from cnnviz import runs
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.runs.lease import take
from cnnviz.runs.liveness import engine_file
from cnnviz.runs.store import write_state
from tests.app.pages import app_on, shown
from tests.made_runs import make_run


def all_words(app) -> str:
    return " ".join(one.value for one in (*app.markdown, *app.error)).replace("\\", "")


def test_where_no_cluster_answers_the_page_says_so(checkpoints, monkeypatch, free_tcp_port) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{free_tcp_port}")
    app = shown(app_on("train", train_engine="ray"))
    app.button(key="train_start").click()
    app.run()
    assert not app.exception
    assert "No Ray cluster answers" in all_words(app)
    assert runs.listing() == []


def test_what_a_worker_asks_for_goes_into_the_run(checkpoints, monkeypatch, until) -> None:
    monkeypatch.setenv("CNNVIZ_SLURM", '{"cluster": "local"}')
    app = shown(app_on("train", train_engine="slurm"))
    app.number_input(key="train_cpus").set_value(2)
    app.number_input(key="train_memory").set_value(3)
    shown(app)
    app.button(key="train_start").click()
    app.run()
    [run] = runs.listing()
    assert (run.written.engine, run.written.resources.cpus, run.written.resources.memory_gb) == ("slurm", 2, 3.0)
    runs.request_stop(run.id)
    until(lambda: not runs.open_run(run.id).active)


def test_without_an_engine_there_is_no_choice(checkpoints, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    app = shown(app_on("train"))
    assert not [one for one in app.get("button_group") if one.label == "Engine"]


def test_nodes_and_what_they_carry(checkpoints, monkeypatch) -> None:
    run = make_run(PRESETS["Q"], 3, state="running", engine="ray")
    there = this_process().model_copy(update={"host": "node-1"})
    write_state(run.folder, run.written.model_copy(update={"process": there}))
    engine_file(checkpoints, "ray").parent.mkdir()
    nodes = [{"host": f"node-{at}", "cpus": 4, "gpus": 0, "memory_gb": 16.0} for at in (1, 2)]
    write_json(engine_file(checkpoints, "ray"), {"nodes": nodes})
    monkeypatch.setenv("CNNVIZ_HOST", "node-1")
    with take(run.folder):
        monkeypatch.setenv("CNNVIZ_HOST", "laptop")
        app = shown(app_on("runs"))
        [table] = [one.value for one in app.dataframe if "Node" in one.value]
        assert list(table["Node"]) == ["node-1", "node-2"]
        assert list(table["Carries"]) == [f"{PRESETS['Q'].name} (running)", "–"]
