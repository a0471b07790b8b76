"""LiteRT files of less exact numbers: what `export` says of them, measured again by LiteRT's interpreter alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from cnnviz.data import open_dataset
from cnnviz.data.split_images import prepare
from cnnviz.errors import ModelError
from cnnviz.models.export.quantization import accuracies, calibration_images, litert
from cnnviz.models.load.load import load_file, load_run
from cnnviz.runs import open_run

HEADS = ("shape", "colour")


@pytest.fixture(scope="module")
def held_out() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    recipe = open_run("shapes").recipe
    split = open_dataset(recipe.data, HEADS).splits["test"]
    return prepare(split, recipe.data).array, split.labels


def asked(data: bytes, images: np.ndarray) -> dict[str, np.ndarray]:
    """What the file predicts of each image by itself: the outputs that its graph names."""
    run = Interpreter(model_content=data).get_signature_runner()
    [name] = run.get_input_details()
    found = [run(**{name: one[None].astype(np.float32)}) for one in images]
    return {head: np.concatenate([one[f"output_{at}"] for one in found]) for at, head in enumerate(HEADS)}


@pytest.mark.slow
@pytest.mark.parametrize(("quantize", "size"), [("float16", 0.55), ("int8", 0.35)])
def test_the_accuracy_that_is_told_is_the_files(command, tmp_path: Path, held_out, quantize: str, size: float) -> None:
    out = tmp_path / "net.tflite"
    done = command("export", "shapes", "--format", "litert", "--quantize", quantize, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    images, labels = held_out
    assert record["format"] == f"tflite-{quantize}"
    assert (record["accuracy"]["split"], record["accuracy"]["images"]) == ("test", len(images))
    plain = litert(load_run(open_run("shapes")))
    assert out.stat().st_size < size * len(plain)
    own = load_run(open_run("shapes")).predict(images)
    for at, (head, predicted) in enumerate(asked(out.read_bytes(), images).items()):
        after = (predicted.argmax(axis=1) == labels[head]).mean()
        before = (own[at].argmax(axis=1) == labels[head]).mean()
        assert record["accuracy"]["after"][head] == pytest.approx(after, abs=1e-9)
        assert record["accuracy"]["before"][head] == pytest.approx(before, abs=1e-9)
        assert after > before - 0.05


def test_what_is_not_quantized_predicts_as_the_model(held_out) -> None:
    classifier = load_run(open_run("shapes"))
    images = held_out[0][:20]
    found = asked(litert(classifier), images)
    for predicted, own in zip(found.values(), classifier.predict(images), strict=True):
        np.testing.assert_allclose(predicted, own, atol=1e-4)


def test_images_that_ranges_are_measured_on_are_training_images() -> None:
    classifier = load_run(open_run("shapes"))
    found = calibration_images(classifier)
    training = prepare(open_dataset(classifier.recipe.data, HEADS).splits["train"], classifier.recipe.data).array
    assert found.shape == (200, 64, 64, 3)
    known = {one.tobytes() for one in training}
    assert all(one.tobytes() in known for one in found)


def test_a_file_has_no_images_to_measure_on(tmp_path: Path) -> None:
    classifier = load_file(open_run("shapes").best_path)
    with pytest.raises(ModelError, match="give a run's id"):
        calibration_images(classifier)
    with pytest.raises(ModelError, match="give a run's id"):
        accuracies(classifier, b"")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["shapes", "--format", "litert", "--quantize", "int4"], "--quantize is 'int4': choose one of float16, int8"),
        (["shapes", "--format", "savedmodel", "--quantize", "int8"], "--quantize is for LiteRT"),
    ],
)
def test_what_cannot_be_quantized_is_one_line(command, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    done = command("export", *arguments, "--out", str(tmp_path / "net.tflite"))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not (tmp_path / "net.tflite").exists()
