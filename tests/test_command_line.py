"""The command line as scripts meet it: its exit codes and its one JSON line, also in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images, runs
from cnnviz.__main__ import main

PARAMETERS = {
    "A": 388_673,
    "B1": 687_298,
    "B2": 200_004,
    "C1": 29_898,
    "C2": 804_554,
    "D1": 93_322,
    "D2": 3_453_121,
    "D3": 3_453_121,
    "E1": 2_283_779,
}

LONG = "a" * 300
"""Longer than a file's name may be."""


def cnnviz(*arguments, **environment):
    """Runs a verb and returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "cnnviz", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )


@pytest.mark.parametrize("preset", PARAMETERS)
def test_describe_counts_the_tutorials_parameters(preset, command):
    done = command("describe", preset, "--json")
    described = json.loads(done.stdout)
    assert described["parameters"] == PARAMETERS[preset]
    assert sum(layer["parameters"] for layer in described["layers"]) == PARAMETERS[preset]
    assert set(described["layers"][0]) == {"name", "type", "output_shape", "parameters"}


def test_presets_are_listed_with_their_parameters():
    rows = {row["id"]: row for row in json.loads(cnnviz("presets", "--json").stdout)}
    assert {key: rows[key]["parameters"] for key in PARAMETERS} == PARAMETERS


def test_a_recipe_file_is_a_recipe(tmp_path, command):
    from cnnviz.presets import preset

    path = tmp_path / "mine.json"
    path.write_text(preset("D2").to_json())
    assert json.loads(command("describe", str(path), "--json").stdout)["parameters"] == PARAMETERS["D2"]


def test_a_process_ends_with_what_its_verb_came_to():
    done = cnnviz("describe", "Z9")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "Z9"], "'Z9' is no preset and no file"),
        (["train", "Q", "--set", "data.dataset=no_such_data"], "no_such_data"),
        (["train", "Q", "--set", "fit.epochs=-1"], "fit.epochs is -1"),
        (["train", "Q", "--set", "fit.epocs=1"], "did you mean 'epochs'"),
        (["train", "Q", "--set", "fit.epochs"], "expected KEY=VALUE"),
        (["train", "D2", "--set", "network.layers.0.type=Conv3D"], "did you mean 'Conv2D'"),
        (["train", "D2", "--set", "data.dataset=EMPTY"], "EMPTY"),
        (["train", "D2", "--set", "data.dataset=NPZ"], "NPZ"),
        (["train", "TYPO"], "did you mean 'epochs'"),
        (["train", "TORN"], "not JSON"),
        (["stop", "../elsewhere"], "no run"),
        (["pause", "../elsewhere"], "no run"),
        (["resume", "../elsewhere"], "no run"),
        (["delete", "20200101-000000-none-0000"], "no run"),
        (["train", LONG], "File name too long; name another file or folder"),
        (["predict", LONG, "photo.png"], "File name too long"),
        (["evaluate", LONG], "File name too long"),
        (["export", LONG, "--out", "net.keras"], "File name too long"),
        (["report", LONG, "--out", "report.html"], "no run"),
        (["script", LONG, "--out", "train.py"], "no run"),
        (["resume", LONG], "no run"),
        (["dance"], "dance"),
        (["train"], "RECIPE"),
        (["app", "--port", "0"], "'0' is no port"),
        (["app", "--port", "many"], "'many' is no port"),
        (["app", "8600"], "app takes no '8600'"),
        (["app", "--server.headless", "true"], "unrecognized arguments: --server.headless"),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_nothing_left_behind(arguments, said, tmp_path, checkpoints, command):
    from cnnviz.presets import preset

    made = {"EMPTY": tmp_path / "EMPTY", "NPZ": tmp_path / "NPZ.npz", "TYPO": tmp_path / "typo.json"}
    made["TORN"] = tmp_path / "torn.json"
    made["EMPTY"].mkdir()
    np.savez(made["NPZ"], x_train=np.zeros((4, 8, 8), np.uint8))
    made["TYPO"].write_text(preset("Q").to_json().replace('"epochs"', '"epocs"'))
    made["TORN"].write_text(preset("Q").to_json()[:200])
    for name, path in made.items():
        arguments = [text.replace(f"={name}", f"={path}") if text != name else str(path) for text in arguments]
    done = command(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(checkpoints.iterdir()) == []


@pytest.mark.parametrize("variable", ["CNNVIZ_CHECKPOINTS", "CNNVIZ_DATA", "CNNVIZ_CACHE"])
def test_a_folder_of_nobody_is_one_line(variable, monkeypatch, checkpoints, command, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "~nobody-has-this-name/x")
    done = command(*(["runs"] if variable == "CNNVIZ_CHECKPOINTS" else ["train", "C1"]))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{variable} is ~nobody-has-this-name/x, whose home folder isn't known" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("~*"))


def test_app_starts_streamlit_on_the_project_with_what_was_asked(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.append([program, *words[1:]]) or sys.exit(0))
    with pytest.raises(SystemExit):
        main(["app", "--port", "8600", "--", "--server.headless", "true"])
    entry = str(Path(__file__).parents[1] / "streamlit_app.py")
    asked = ["--server.port=8600", "--server.headless", "true"]
    assert started == [[sys.executable, "-P", "-m", "streamlit", "run", entry, *asked]]


@pytest.mark.parametrize(
    ("path", "called"), [("/usr/bin/cnnviz", "cnnviz"), ("cnnviz/__main__.py", "python -m cnnviz")]
)
def test_help_names_the_command_as_it_was_called(path, called, monkeypatch, command):
    monkeypatch.setattr(sys, "argv", [path])
    assert command("app", "--help").stdout.startswith(f"usage: {called} app ")


def test_a_run_is_trained_listed_and_deleted(checkpoints, command):
    place = {"CNNVIZ_CHECKPOINTS": str(checkpoints)}
    done = cnnviz("train", "Q", "--set", "fit.epochs=2", "data.limits.train=300", **place)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    result = json.loads(done.stdout)
    assert result["state"] == "finished"
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(result["metrics"])
    assert 0.2 < result["metrics"]["val_accuracy"] <= 1
    (listed,) = json.loads(command("runs", "--json").stdout)
    assert listed["run"] == result["run"]
    assert listed["state"] == "finished"
    assert listed["metrics"] == result["metrics"]
    assert command("stop", result["run"]).returncode == 2
    assert command("delete", result["run"]).returncode == 0
    assert json.loads(command("runs", "--json").stdout) == []
    assert not (checkpoints / result["run"]).exists()


def test_a_detached_run_goes_on_and_stops_when_asked(checkpoints, until, command):
    place = {"CNNVIZ_CHECKPOINTS": str(checkpoints)}
    done = cnnviz("train", "Q", "--set", "fit.epochs=5000", "--detach", **place)
    first = json.loads(done.stdout)
    assert first["state"] in ("queued", "starting", "running")
    until(lambda: runs.open_run(first["run"], checkpoints).written.epoch >= 1)
    assert json.loads(command("stop", first["run"], "--json").stdout)["run"] == first["run"]
    until(lambda: not runs.open_run(first["run"], checkpoints).active)
    run = runs.open_run(first["run"], checkpoints)
    assert run.state == "stopped"
    assert run.best_path.is_file()
    assert run.written.metrics["val_accuracy"] > 0


def test_what_is_not_read_of_the_data_is_said_and_reported(tmp_path, checkpoints):
    place = {"CNNVIZ_CHECKPOINTS": str(checkpoints)}
    for at, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name / "indoor").mkdir(parents=True)
        for number in range(6):
            image = images.to_png(np.full((8, 8, 3), 40 * number + at, np.uint8))
            (tmp_path / "pets" / name / "indoor" / f"{number}.png").write_bytes(image)
        (tmp_path / "pets" / name / "notes.txt").write_text("none")
    done = cnnviz("train", "Q", "--set", f"data.dataset={tmp_path / 'pets'}", "fit.epochs=1", **place)
    told = "2 files with other endings than images' (.txt) left out."
    assert told in done.stderr, done.stderr
    run = json.loads(done.stdout)
    report = runs.open_run(run["run"], checkpoints).folder / "report.json"
    assert told in json.loads(report.read_text())["notes"]
    assert told in cnnviz("evaluate", run["run"], **place).stderr
