"""A run in MLflow, read back by its client from a database in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from cnnviz.files import read_json
from cnnviz.presets import PRESETS
from cnnviz.runs import metrics, notes, open_run
from cnnviz.runs.notes import Notes
from cnnviz.tracking.tensorboard_events import hyperparameters
from tests.made_runs import give_model, make_run


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # where artifacts go
    return f"sqlite:///{tmp_path}/tracking.db"


@pytest.mark.slow
def test_all_of_a_run_is_read_back(uri: str, command, tmp_path: Path) -> None:
    run = open_run("shapes")
    done = command("export", "shapes", "--format", "mlflow", "--to", uri, "--experiment", "shapes of all", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    client = MlflowClient(tracking_uri=uri)
    found = client.get_run(told["mlflow_run"])
    assert client.get_experiment(found.info.experiment_id).name == "shapes of all"
    assert found.info.status == "FINISHED"
    assert found.data.tags["cnnviz.run"] == "shapes"
    settings = hyperparameters(run.recipe)
    assert found.data.params == {name: str(value)[:500] for name, value in settings.items()}
    epochs = metrics.epochs(run.metrics_path)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "val_colour_accuracy"):
        history = client.get_metric_history(found.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [(one["epoch"], one[name]) for one in epochs]
    for name, value in run.written.test.items():
        assert found.data.metrics[f"test_{name}"] == value
    listed = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert listed == {"recipe.json", "report.json", "metrics.jsonl", "report.html", "README.md", "model"}
    model = Path(client.download_artifacts(found.info.run_id, "model/best.keras", str(tmp_path)))
    assert model.read_bytes() == run.best_path.read_bytes()
    report = Path(client.download_artifacts(found.info.run_id, "report.json", str(tmp_path)))
    assert read_json(report) == read_json(run.folder / "report.json")


def test_a_run_that_was_stopped_is_sent_with_its_tags(uri: str, checkpoints: Path, command) -> None:
    run = make_run(PRESETS["Q"], state="stopped")
    notes.write(run.folder, Notes(name="A try", tags=("first one", "ähm"), note="See *there*."))
    done = command("export", run.id, "--format", "mlflow", "--to", uri, "--json")
    assert done.returncode == 0, done.stderr
    found = MlflowClient(tracking_uri=uri).get_run(json.loads(done.stdout)["mlflow_run"])
    assert (found.info.status, found.info.run_name) == ("KILLED", "A try")
    assert found.data.tags["cnnviz.tag.first one"] == "true"
    assert found.data.tags["mlflow.note.content"] == "See *there*."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--to", "mlruns"],
            "--to is 'mlruns': MLflow's store of plain files is given up; expected a server's address",
        ),
        (["--to", "/tmp/mlruns"], "expected a server's address such as http://127.0.0.1:5000, or sqlite:///mlflow.db"),
        (["--to", "file:///tmp/mlruns"], "MLflow's store of plain files is given up"),
        (["--to", "http://127.0.0.1:9"], "MLflow at http://127.0.0.1:9 refuses the run"),
        (["--to", "sqlite:////proc/nowhere/x.db"], "MLflow at sqlite:////proc/nowhere/x.db can't be used"),
        ([], "--format mlflow sends a run to a tracking server: say which by --to URI."),
        (["--to", "http://127.0.0.1:9", "--out", "x"], "say which by --to URI"),
        (["--to", "http://127.0.0.1:9", "--head", "label"], "--head is for a model's file"),
    ],
)
def test_what_cannot_be_sent_is_one_line(
    checkpoints: Path, command, tmp_path: Path, monkeypatch, options: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("export", make_run(PRESETS["Q"]).id, "--format", "mlflow", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns").exists()


def test_a_file_and_a_run_at_work_are_refused(checkpoints: Path, command, tmp_path: Path) -> None:
    run = give_model(make_run(PRESETS["Q"]))
    for arguments, sentence in (
        ([str(run.best_path), "--format", "mlflow", "--to", "http://x"], "A file has no metrics"),
        ([str(run.best_path), "--format", "tensorboard", "--out", "x"], "A file has no metrics"),
        (["gone", "--format", "tensorboard", "--out", "x"], "There is no run 'gone'"),
        ([run.id, "--format", "tensorboard"], "say which by --out DIR"),
        ([run.id], "say it by --out FILE"),
    ):
        done = command("export", *arguments)
        assert done.returncode == 2
        assert sentence in done.stderr
