"""Ray: runs on several nodes, which die, and a cluster that nobody else can reach."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

from benchmarks.cluster import free_port, kill_nodes
from cnnviz import runs
from cnnviz.engines import ray
from cnnviz.errors import RunError
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs.liveness import engine_file
from cnnviz.runs.nodes import Node, nodes
from cnnviz.runs.status import Resources
from tests.made_runs import make_run

pytestmark = pytest.mark.xdist_group("ray")

RECIPE = replace(PRESETS["Q"], {"data.limits": {"train": 600, "validation": 60, "test": 60}, "fit.epochs": 12})


@pytest.mark.slow
def test_a_run_whose_node_dies_goes_on_elsewhere_and_ends_as_if_nothing_had_happened(
    checkpoints, monkeypatch, tmp_path, until
):
    """The same with twelve runs and twenty kills is `benchmarks/cluster.py`."""
    monkeypatch.setenv("CNNVIZ_LEASE_SECONDS", "6")
    monkeypatch.setenv("RAY_ADDRESS", "")
    found = kill_nodes(RECIPE, 2, 1)
    assert (found["kills"], found["states"]) == (1, ["finished"] * 2), found
    assert found["hosts"] >= 2
    assert len(found["lost_epochs"]) == 1
    assert max(found["lost_epochs"]) <= 1
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path / "whole"))
    alone = runs.start(RECIPE)
    until(lambda: not runs.open_run(alone.id).active)
    report = (alone.folder / "report.json").read_text()
    assert all(f'"last_weights_sha256": "{hash}"' in report for hash in found["hashes"])


@pytest.mark.slow
def test_a_cluster_on_this_machine_is_reached_from_nowhere_else_and_ends_with_its_command():
    before = {process.pid for process in psutil.process_iter()}
    words = ["cluster", "--nodes", "1", "--port", str(free_port()), "--json"]
    cluster = subprocess.Popen([sys.executable, "-m", "cnnviz", *words], stdout=subprocess.PIPE, text=True)
    assert json.loads(cluster.stdout.readline())["nodes"] == 1
    begun = [process for process in psutil.process_iter() if process.pid not in before]
    rays = [process for process in begun if "ray" in " ".join(process.cmdline())]
    found = {
        connection.laddr.ip
        for process in rays
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert found
    assert found <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    cluster.send_signal(signal.SIGINT)
    assert cluster.wait() == 0
    cluster.stdout.close()
    assert not [process for process in psutil.wait_procs(rays, timeout=60)[1] if process.is_running()]


@pytest.mark.parametrize(
    ("name", "value", "most"), [("nodes", "0", 16), ("cpus", "-1", 1024), ("port", "70000", 65535)]
)
def test_a_cluster_that_cannot_be_is_one_line(command, name, value, most):
    done = command("cluster", f"--{name}", value)
    assert (done.returncode, done.stderr) == (2, f"cnnviz: --{name} is {value}; expected 1 to {most}.\n")


def test_where_no_cluster_answers_a_run_is_not_begun(checkpoints, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RunError, match=r"^No Ray cluster answers .*: start one with `ray start --head`"):
        runs.start(PRESETS["Q"], engine="ray")
    assert runs.listing() == []


def test_where_ray_is_not_installed_it_is_said_how(checkpoints, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.job_submission", None)
    with pytest.raises(RunError, match=r"Ray isn't installed: `pip install \"cnnviz\[cluster\]\"`"):
        ray.check(checkpoints)


def test_a_run_that_ray_carries_waits_as_long_as_its_dispatcher_lives(checkpoints, monkeypatch):
    run = make_run(state="queued", process=None, engine="ray", resources=Resources(cpus=2))
    monkeypatch.setattr("cnnviz.runs.liveness.CARRIED_SECONDS", -1.0)
    assert runs.open_run(run.id).state == "crashed"
    monkeypatch.undo()
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(checkpoints))
    path = engine_file(checkpoints, "ray")
    path.parent.mkdir()
    found = [
        {"host": "head", "cpus": 0, "gpus": 0, "memory_gb": 8},
        {"host": "node", "cpus": 4, "gpus": 1, "memory_gb": 32},
    ]
    write_json(path, {"nodes": found})
    assert runs.open_run(run.id).state == "queued"
    assert nodes(runs.listing()) == [Node(host="node", cpus=4, gpus=1, memory_gb=32)]


@pytest.mark.parametrize("wrong", [{"nodes": [{"host": 1}]}, {"nodes": 1}, [], {}])
def test_what_a_dispatcher_left_damaged_is_no_node(checkpoints, wrong):
    engine_file(checkpoints, "ray").parent.mkdir()
    write_json(engine_file(checkpoints, "ray"), wrong)
    assert nodes(runs.listing()) == []


def test_the_dispatcher_is_all_that_loads_ray():
    modules = "cnnviz.engines.ray, cnnviz.engines.ray_cluster, cnnviz.engines.slurm"
    script = f"import sys, {modules}; print('ray' in sys.modules, 'submitit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
