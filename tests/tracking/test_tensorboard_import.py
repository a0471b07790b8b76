"""Event files of Keras's callback, of this program and of others, read in; hostile ones refused."""

from __future__ import annotations

import json
import math
import struct
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.errors import CnnvizError
from cnnviz.runs import metrics, open_run
from cnnviz.tracking.event_file import EventFile
from cnnviz.tracking.tensorboard_events import write_run
from cnnviz.tracking.tensorboard_import import imported_of, metric_name


def test_keras_callbacks_folders_are_its_history(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    draw = np.random.default_rng(0)
    pixels, labels = draw.normal(size=(60, 4)).astype(np.float32), draw.integers(0, 3, 60)
    board = keras.callbacks.TensorBoard(str(tmp_path / "logs"), update_freq=1, write_graph=False)
    history = model.fit(pixels, labels, validation_split=0.5, epochs=3, verbose=0, callbacks=[board]).history
    [found] = imported_of(tmp_path / "logs")
    assert found.name == ""
    assert [one["epoch"] for one in found.epochs] == [1, 2, 3]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert [one[name] for one in found.epochs] == pytest.approx(history[name], rel=1e-5)
    assert set(found.epochs[0]) <= {"epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}


def test_what_a_run_wrote_comes_back(tmp_path: Path) -> None:
    run = open_run("shapes")
    write_run(run, tmp_path / "events")
    [found] = imported_of(tmp_path / "events")
    wanted = metrics.epochs(run.metrics_path)
    assert len(found.epochs) == len(wanted)
    for one, other in zip(found.epochs, wanted, strict=True):
        assert one["epoch"] == other["epoch"]
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "shape_loss", "val_colour_accuracy"):
            assert one[name] == pytest.approx(other[name], rel=1e-6)
    assert found.test["accuracy"] == pytest.approx(run.written.test["accuracy"], rel=1e-6)


def flat(folder: Path, tags: dict[str, list[float]], steps: list[int] | None = None) -> None:
    with EventFile(folder) as file:
        for tag, values in tags.items():
            for step, value in zip(steps or range(len(values)), values, strict=True):
                file.scalar(tag, value, step, 1e9 + 10 * step)


def test_a_flat_folder_is_told_by_its_tags(tmp_path: Path) -> None:
    flat(tmp_path, {"Loss/train": [2.0, 1.0], "Loss/val": [3.0, 2.5], "acc": [0.5, 0.75]}, [10, 20])
    [found] = imported_of(tmp_path)
    assert found.epochs == (
        {"epoch": 10, "seconds": 0.0, "accuracy": 0.5, "loss": 2.0, "val_loss": 3.0},
        {"epoch": 20, "seconds": 100.0, "accuracy": 0.75, "loss": 1.0, "val_loss": 2.5},
    )
    assert found.began == 1e9 + 100


def test_several_trainings_of_a_folder_are_several_runs(tmp_path: Path) -> None:
    for name in ("a", "b/deep"):
        flat(tmp_path / name / "train", {"epoch_loss": [1.0]})
        flat(tmp_path / name / "validation", {"epoch_loss": [2.0]})
    assert [(one.name, one.epochs[0]["val_loss"]) for one in imported_of(tmp_path)] == [("a", 2.0), ("b/deep", 2.0)]


def test_summaries_of_tensorflow_are_read_too(tmp_path: Path) -> None:
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(3):
            tf.summary.scalar("val_loss", 1.5 - step / 4, step)
            tf.summary.image("pictures", np.zeros((1, 4, 4, 3), np.float32), step)
            tf.summary.text("words", "hello", step)
    [found] = imported_of(tmp_path)
    assert [one["val_loss"] for one in found.epochs] == [1.5, 1.25, 1.0]


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("epoch_val_acc", ("val_", "accuracy")),
        ("validation/loss", ("val_", "loss")),
        ("lr", ("", "learning_rate")),
        ("Accuracy/test", ("test_", "accuracy")),
        ("batch_loss", None),
        ("evaluation_loss_vs_iterations", None),
        ("train", None),
        ("../x<script>", None),
        ("x" * 300, None),
    ],
)
def test_tags_become_kerass_names(tag: str, wanted: tuple[str, str] | None) -> None:
    assert metric_name(tag) == wanted


def test_the_command_makes_a_run_that_can_be_compared(checkpoints: Path, command, tmp_path: Path) -> None:
    flat(tmp_path / "old" / "train", {"epoch_loss": [1.0, 0.5, 0.25], "epoch_accuracy": [0.1, 0.2, 0.3]})
    flat(tmp_path / "old" / "validation", {"epoch_loss": [1.0, 0.5, 0.75], "epoch_accuracy": [0.5, 0.75, 0.625]})
    done = command("import", str(tmp_path / "old"), "--json")
    assert done.returncode == 0, done.stderr
    [told] = json.loads(done.stdout)
    run = open_run(told["run"])
    assert (run.state, run.recipe, run.written.best_epoch) == ("finished", None, 2)
    assert run.written.metrics["val_accuracy"] == 0.75
    assert [one["val_loss"] for one in metrics.epochs(run.metrics_path)] == [1.0, 0.5, 0.75]
    [listed] = json.loads(command("runs", "--json").stdout)
    assert (listed["run"], listed["epoch"]) == (run.id, 3)
    for verb in (["predict", run.id, "x.png"], ["export", run.id, "--out", "x.keras"], ["report", run.id]):
        refused = command(*verb)
        assert refused.returncode == 2, verb
        assert refused.stderr.count("\n") == 1
    assert "was read from TensorBoard's event files and has metrics only" in command("predict", run.id, "x.png").stderr


def damaged(folder: Path, change) -> Path:
    flat(folder, {"loss": [1.0, 2.0]})
    [path] = folder.iterdir()
    path.write_bytes(change(path.read_bytes()))
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: b"no events at all, only words", "is damaged, or no event file"),
        (lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:], "is damaged, or no event file"),
        (lambda data: struct.pack("<Q", 2**62) + data[8:], "is damaged, or no event file"),
        (lambda data: b"", "hold no metrics"),
    ],
)
def test_damage_is_one_sentence(command, checkpoints: Path, tmp_path: Path, change, sentence: str) -> None:
    done = command("import", str(damaged(tmp_path / "x", change)))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(checkpoints.glob("*/recipe.json"))


def test_a_torn_end_is_left_out(tmp_path: Path) -> None:
    [found] = imported_of(damaged(tmp_path / "x", lambda data: data[:-5]))
    assert [one["loss"] for one in found.epochs] == [1.0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "There is no folder"),
        (lambda folder: folder.mkdir(), "has no event files"),
        (lambda folder: flat(folder, {"loss": [math.nan, math.inf]}), "hold no metrics"),
        (lambda folder: flat(folder, {"loss": [1.0]}, [-5]), "hold no metrics"),
    ],
)
def test_a_folder_without_metrics_is_one_sentence(tmp_path: Path, make, sentence: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(CnnvizError, match=sentence):
        imported_of(tmp_path / "x")


@settings(max_examples=60, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, changes: list) -> None:
    def change(data: bytes) -> bytes:
        found = bytearray(data)
        for at, value in changes:
            found[at % len(found)] = value
        return bytes(found)

    folder = damaged(tmp_path_factory.mktemp("hostile") / "x", change)
    with suppress(CnnvizError):
        [found] = imported_of(folder)
        assert all(math.isfinite(value) for one in found.epochs for value in one.values())
