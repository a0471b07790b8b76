"""The functions for notebooks: their examples, their equality with the package's own, and what is said of bad input."""

from __future__ import annotations

import doctest
import io
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import cnnviz
from cnnviz import notebook
from cnnviz.data.samples import sample
from cnnviz.explain import Target, explain
from cnnviz.models.load.load import load_run
from cnnviz.runs import open_run

ROOT = Path(__file__).parents[1]
NATURAL = (
    "heatmap",
    "gradcam",
    "predict",
    "activations",
    "visualize_features",
    "evaluate_run",
    "load_run",
    "train_run",
)


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped runs in a folder that may be written."""
    for name in ("cats-and-dogs", "shapes"):
        shutil.copytree(ROOT / "checkpoints" / name, tmp_path / "checkpoints" / name)
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    given = keras.Input((24, 24, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu", name="conv")(given))
    return keras.Model(given, layers.Dense(3, "softmax")(x))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", NATURAL)
def test_the_example_of_each_function_runs(name: str) -> None:
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    (example,) = finder.find(getattr(cnnviz, name), name, globs={**vars(notebook), "cnnviz": cnnviz})
    assert len(example.examples) >= 1
    assert runner.run(example).failed == 0


def test_they_are_named_without_loading_anything() -> None:
    code = "import sys, cnnviz; print(set(dir(cnnviz)) >= {*sys.argv[1:]}, {'keras', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *NATURAL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"
    with pytest.raises(AttributeError, match="has no attribute 'heat_map'"):
        _ = cnnviz.heat_map


def test_a_run_is_explained_as_the_package_does(image: np.ndarray) -> None:
    source_image, classifier = sample("chelsea"), load_run(open_run("cats-and-dogs"))
    pixels = classifier.pixels(classifier.fit(source_image)[None])
    wanted = explain(classifier.model, pixels, method="grad-cam", target=Target(0, 1))
    for given in ("cats-and-dogs", open_run("cats-and-dogs"), classifier):
        found = cnnviz.gradcam(given, source_image, "dogs")
        np.testing.assert_array_equal(found.map, wanted.map[0])
        assert (found.label, found.score) == ("dogs", wanted.scores[0])
    assert found.overlay().shape == source_image.shape
    assert Image.open(io.BytesIO(found._repr_png_())).size == source_image.shape[1::-1]


def test_predictions_are_those_of_the_model(image: np.ndarray, model: keras.Model) -> None:
    for heads in (cnnviz.predict("shapes", image), cnnviz.predict("shapes", image / 255)):
        assert [one.head for one in heads] == ["shape", "colour"]
        assert all(sum(one.probabilities.values()) == pytest.approx(1, abs=1e-5) for one in heads)
        assert all(one.probabilities[one.label] == one.probability for one in heads)
    prepared = np.random.default_rng(1).random((5, 24, 24, 3), np.float32)
    found = cnnviz.predict(model, prepared)
    wanted = np.asarray(model(prepared))
    np.testing.assert_allclose([list(one[0].probabilities.values()) for one in found], wanted, atol=1e-6)


def test_a_batch_gives_a_list_and_one_image_one(image: np.ndarray, model: keras.Model) -> None:
    batch = np.stack([image, image[::-1]])
    one, several = cnnviz.heatmap(model, image, "gradient", 2), cnnviz.heatmap(model, batch, "gradient", 2)
    assert len(several) == 2
    np.testing.assert_allclose(several[0].map, one.map, atol=1e-6)
    assert cnnviz.activations(model, batch)["conv"].shape == (2, 22, 22, 6)
    assert cnnviz.activations(model, image[..., 0])["conv"].shape == (22, 22, 6)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda m, i: cnnviz.heatmap(3, i), TypeError, "The model is a int: expected a Keras model, a run"),
        (lambda m, i: cnnviz.heatmap(m, "cat.jpg"), TypeError, r"The image is <U7 \(\): expected uint8"),
        (
            lambda m, i: cnnviz.heatmap(m, i, target=1.5),
            TypeError,
            "The target is 1.5: expected a class's number or name",
        ),
        (lambda m, i: cnnviz.heatmap(m, i, target="cat"), ValueError, "There is no class 'cat': choose one of 0, 1, 2"),
        (lambda m, i: cnnviz.heatmap(m, i, target=3), ValueError, "There is no class 3: the head's classes are 0 to 2"),
        (lambda m, i: cnnviz.heatmap(m, i, "grad-com"), ValueError, "did you mean 'grad-cam'"),
        (lambda m, i: cnnviz.heatmap(m, i, head="shape"), ValueError, "There is no head 'shape'"),
        (lambda m, i: cnnviz.heatmap(m, i[..., :2]), ValueError, "expected its last side to be 1 or 3 channels"),
        (lambda m, i: cnnviz.heatmap(m, i / 255), ValueError, r"\(30, 40, 3\), but the model takes \(24, 24, 3\)"),
        (lambda m, i: cnnviz.predict("shapes", i - 300.0), ValueError, "values from -300 to -45: expected uint8"),
        (lambda m, i: cnnviz.predict("nowhere", i), ValueError, "nowhere"),
        (lambda m, i: cnnviz.activations(m, i, ["deep"]), ValueError, "deep"),
        (lambda m, i: cnnviz.train_run("Z9"), ValueError, "There is no preset 'Z9'"),
        (lambda m, i: cnnviz.train_run(7), TypeError, "The recipe is a int"),
    ],
)
def test_bad_input_is_a_sentence_with_the_value(
    call, kind, message: str, model: keras.Model, image: np.ndarray
) -> None:
    with pytest.raises(kind, match=message):
        call(model, image)
