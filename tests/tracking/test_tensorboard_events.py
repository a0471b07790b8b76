"""Event files of runs, read back by TensorBoard's own accumulator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from cnnviz import runs
from cnnviz.images import decode
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run, metrics, open_run, snapshots
from cnnviz.tracking.event_file import is_event_file
from cnnviz.tracking.tensorboard_events import hyperparameters, write_run
from tests.made_runs import figures_of, give_model, make_run
from tests.train.test_worker import weights_hash

SHOWN = {"loss", "accuracy", "learning_rate", "images_per_second"}


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = read(folder)
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def hparams(folder: Path, tag: str) -> plugin_data_pb2.HParamsPluginData:
    content = read(folder).SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def assert_metrics_are_the_runs(run: Run, folder: Path) -> None:
    """Every number of every epoch, as a float32, and no other."""
    train, validation = scalars(folder / "train"), scalars(folder / "validation")
    epochs = metrics.epochs(run.metrics_path)
    names = {name for record in epochs for name in record} - {"kind", "epoch", "first_epoch", "batches", "seconds"}
    names -= {"warm_epoch_seconds"}
    wanted_train = {f"epoch_{name.removeprefix('epoch_')}" for name in names if not name.startswith("val_")}
    assert {tag for tag in train if tag.startswith("epoch_")} == wanted_train
    assert set(validation) == {f"epoch_{name[4:]}" for name in names if name.startswith("val_")}
    for name in names:
        held_out = name.startswith("val_")
        found = (validation if held_out else train)[f"epoch_{name.removeprefix('val_').removeprefix('epoch_')}"]
        wanted = [(one["epoch"] - 1, float(np.float32(one[name]))) for one in epochs]
        assert found == wanted, name


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    write_run(open_run("shapes"), folder)
    return folder


def test_metrics_are_read_back_as_they_are(exported: Path) -> None:
    assert_metrics_are_the_runs(open_run("shapes"), exported)
    own = scalars(exported)
    test = open_run("shapes").written.test
    assert {tag: values[0][1] for tag, values in own.items()} == {
        f"test_{name}": float(np.float32(value)) for name, value in test.items()
    }


def test_live_figures_of_batches_are_there_by_batch(tmp_path: Path) -> None:
    run = make_run(epochs=2, runs=tmp_path / "runs")
    writer = metrics.Writer(run.metrics_path)
    for batch in (3, 7):
        writer.append("batch", epoch=3, batch=batch, batches=10, loss=0.5 + batch, seconds=9.0, time=1.0)
    writer.close()
    write_run(open_run(run.id, tmp_path / "runs"), tmp_path / "events")
    assert scalars(tmp_path / "events" / "train")["batch_loss"] == [(23, 3.5), (27, 7.5)]


def test_images_are_the_frames_of_the_film(exported: Path) -> None:
    run = open_run("shapes")
    found = read(exported)
    assert set(found.Tags()["images"]) == {"snapshots/shape", "snapshots/colour"}
    whole = [one.epoch for one in snapshots.moments(run.folder) if not one.batch]
    images = found.Images("snapshots/shape")
    assert [one.step for one in images] == whole
    last = decode(images[-1].encoded_image_string)
    assert last.shape == (images[-1].height, images[-1].width, 3)
    assert last.std() > 5
    assert images[0].encoded_image_string != images[-1].encoded_image_string


def test_hparams_are_the_recipe(exported: Path) -> None:
    recipe = open_run("shapes").recipe
    start = hparams(exported, metadata.SESSION_START_INFO_TAG).session_start_info
    told = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    assert told == hyperparameters(recipe)
    assert told["fit.learning_rate"] == recipe.fit.learning_rate
    assert told["fit.optimizer"] == recipe.fit.optimizer
    assert json.loads(told["data.image_size"]) == list(recipe.data.image_size)
    experiment = hparams(exported, metadata.EXPERIMENT_TAG).experiment
    assert {one.name for one in experiment.hparam_infos} == set(told)
    assert ("validation", "epoch_accuracy") in {(one.name.group, one.name.tag) for one in experiment.metric_infos}
    assert hparams(exported, metadata.SESSION_END_INFO_TAG).session_end_info.status


def test_the_command_writes_a_graph_of_the_model(checkpoints: Path, command, tmp_path: Path) -> None:
    run = give_model(make_run(PRESETS["S"]))
    done = command("export", run.id, "--format", "tensorboard", "--out", str(tmp_path / "events"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"out": str(tmp_path / "events"), "run": run.id, "format": "tensorboard"}
    graph = read(tmp_path / "events" / "train").Graph()
    nodes = {node.name: node for node in graph.node}
    assert {"shape", "colour"} <= set(nodes)
    assert nodes["pixels"].op == "InputLayer"
    assert {"Conv2D", "Dense"} <= {node.op for node in graph.node}
    assert all(set(node.input) <= set(nodes) for node in graph.node)
    assert nodes["shape"].input == nodes["colour"].input
    again = command("export", run.id, "--format", "tensorboard", "--out", str(tmp_path / "events"))
    assert (again.returncode, again.stdout) == (2, "")
    assert "which holds event files already: name another folder" in again.stderr


def test_what_is_written_again_replaces_what_was(tmp_path: Path) -> None:
    """As of a run that was killed within an epoch and went on from the end of the one before."""
    run = make_run(epochs=3, runs=tmp_path / "runs")
    write_run(run, tmp_path / "events")
    metrics.rewind(run.metrics_path, 2)
    writer = metrics.Writer(run.metrics_path)
    writer.append("epoch", **{**figures_of(3), "loss": 0.125})
    writer.close()
    write_run(open_run(run.id, tmp_path / "runs"), tmp_path / "events")
    assert len(list((tmp_path / "events" / "train").iterdir())) == 2
    assert_metrics_are_the_runs(run, tmp_path / "events")
    assert scalars(tmp_path / "events" / "train")["epoch_loss"][-1] == (2, 0.125)


@pytest.mark.slow
def test_a_run_writes_them_while_it_trains_and_learns_the_same(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch, until
) -> None:
    recipe = replace(PRESETS["Q"], {"fit.epochs": 2, "data.limits.train": 300})
    monkeypatch.delenv("CNNVIZ_TENSORBOARD", raising=False)
    plain = runs.start(recipe)
    until(lambda: not open_run(plain.id).active)
    monkeypatch.setenv("CNNVIZ_TENSORBOARD", "1")
    watched = runs.start(recipe)
    until(lambda: not open_run(watched.id).active)
    plain, watched = open_run(plain.id), open_run(watched.id)
    assert (plain.state, watched.state) == ("finished", "finished"), watched.log_tail()
    assert not (plain.folder / "tensorboard").exists()
    assert (plain.folder / "recipe.json").read_bytes() == (watched.folder / "recipe.json").read_bytes()
    assert weights_hash(plain.best_path) == weights_hash(watched.best_path)
    folder = watched.folder / "tensorboard"
    assert_metrics_are_the_runs(watched, folder)
    assert "batch_loss" in scalars(folder / "train")
    assert read(folder / "train").Graph().node
    assert read(folder).Images("snapshots/label")
    assert "test_accuracy" in scalars(folder)
    assert hparams(folder, metadata.SESSION_END_INFO_TAG)
    assert all(map(is_event_file, (folder / "validation").iterdir()))
