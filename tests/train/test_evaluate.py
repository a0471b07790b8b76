"""Measuring a run's best model: what is kept, and that it is what Keras says of the saved file."""

import json
import re

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.__main__ import main
from cnnviz.errors import DataError, RunError
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.runs import predictions
from tests.made_runs import give_model, make_run

LIMITS = {"data.limits": {"train": 40, "validation": 30, "test": 30}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("checkpoints")
        patch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
        yield folder


@pytest.fixture(scope="module", params=["Q", "S"])
def measured(request, place):
    """A run with a model that has learned nothing yet, its predictions on validation, and the report of these."""
    from cnnviz.models.load.load import load_run
    from cnnviz.train.evaluate import evaluate

    run = give_model(make_run(replace(PRESETS[request.param], LIMITS)))
    seen = []
    found, report = evaluate(
        run, load_run(run).model, "validation", progress=lambda *said: seen.append(said), cancelled=lambda: False
    )
    assert seen[-1] == ("Evaluating validation images", 30, 30)
    return run, found, report


def test_figures_are_those_of_keras(measured):
    import keras

    from cnnviz.data import open_dataset, pipeline
    from cnnviz.data.split_images import prepare
    from cnnviz.models.build.model import LOSS_BY_SAMPLE, compile_for

    run, found, report = measured
    dataset = open_dataset(run.recipe.data, [head.name for head in run.recipe.network.heads])
    split = dataset.splits["validation"]
    model = keras.models.load_model(run.best_path, compile=False)
    compile_for(model, run.recipe, 1e-3)
    batches = pipeline.evaluation(prepare(split, run.recipe.data), split.labels, run.recipe)
    expected = model.evaluate(batches, verbose=0, return_dict=True)
    for name in [one for one in expected if one.endswith(f"_{LOSS_BY_SAMPLE}")]:  # Keras's own is a mean of batches
        expected[name.replace(LOSS_BY_SAMPLE, "loss")] = expected.pop(name)
    assert {name: report["figures"][name] for name in expected} == pytest.approx(expected, abs=1e-5, rel=1e-4)
    assert found.indices.tolist() == list(range(30))
    outputs = model.predict(np.stack([split.image(i) for i in range(30)]), verbose=0)
    first = outputs[0] if isinstance(outputs, list) else outputs
    assert next(iter(found.probabilities.values())) == pytest.approx(first, abs=1e-5)


def test_what_was_answered_is_kept_until_the_model_changes(measured):
    run, found, report = measured
    kept = predictions.read_predictions(run.folder, "validation")
    for head, values in found.probabilities.items():
        assert np.array_equal(kept.probabilities[head], values)
        assert np.array_equal(kept.labels[head], found.labels[head])
    assert kept.classes == found.classes
    assert predictions.read_predictions(run.folder, "test") is None
    written = json.loads((run.folder / "report.json").read_text())
    assert written["splits"]["validation"] == report
    assert written["data"]["sha256"] == report["data_sha256"] == found.data
    assert written["versions"]["scikit-learn"]
    other = give_model(runs.open_run(run.id), seed=1)
    assert predictions.read_predictions(other.folder, "validation") is None


def test_a_report_counts_the_images_that_the_recipe_edits(place):
    from cnnviz.models.load.load import load_run
    from cnnviz.train.evaluate import evaluate

    labels = {"#2": {"label": "7"}, "#3": {"label": "7"}}
    edits = {"data.without": ["#1"], "data.labels": labels, "data.splits": {"#2": "test", "#4": "test", "#5": "test"}}
    run = give_model(make_run(replace(PRESETS["Q"], LIMITS | edits)))
    evaluate(run, load_run(run).model, "test")
    told = json.loads((run.folder / "report.json").read_text())["data"]
    assert (told["left_out"], told["relabelled"], told["moved"]) == (1, 2, 3)


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04 torn", b"{}"])
def test_a_torn_file_counts_as_none(place, torn):
    run = make_run(PRESETS["Q"])
    (run.folder / "evaluation").mkdir()
    (run.folder / "evaluation" / "test.npz").write_bytes(torn)
    assert predictions.read_predictions(run.folder, "test") is None


def test_stopping_leaves_no_half_of_it(place):
    from cnnviz.models.load.load import load_run
    from cnnviz.train.evaluate import evaluate

    run = give_model(make_run(replace(PRESETS["Q"], LIMITS)))
    with pytest.raises(Cancelled):
        evaluate(run, load_run(run).model, "test", cancelled=lambda: True)
    assert not (run.folder / "evaluation").exists()
    assert not (run.folder / "report.json").exists()


def test_the_verb_prints_the_report(place, capfd):
    run = give_model(make_run(replace(PRESETS["Q"], LIMITS)))
    assert main(["evaluate", run.id, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["split"], told["samples"]) == ("test", 30)
    assert main(["evaluate", run.id, "--split", "train"]) == 0
    assert "label on 40 train images: accuracy" in capfd.readouterr().out
    assert set(json.loads((run.folder / "report.json").read_text())["splits"]) == {"test", "train"}
    assert main(["evaluate", run.id, "--split", "tset"]) == 2
    assert "did you mean 'test'" in capfd.readouterr().err


def test_what_can_not_be_evaluated_is_a_sentence(place):
    from cnnviz.processes import this_process
    from cnnviz.train.evaluate import evaluate

    going = make_run(PRESETS["Q"], state="running", process=this_process())
    with pytest.raises(RunError, match="when it has ended"):
        evaluate(going, None, "test")
    unknown = make_run(replace(PRESETS["Q"], {"data.without": ["#9999"]}))
    with pytest.raises(DataError, match="no image '#9999'"):
        evaluate(unknown, None, "test")
    damaged = make_run(PRESETS["Q"])
    (damaged.folder / "recipe.json").write_text("{}")
    with pytest.raises(RunError, match=r"The recipe of run .* can't be read"):
        evaluate(runs.open_run(damaged.id), None, "test")


def test_a_run_with_a_damaged_recipe_is_not_trained(place):
    from cnnviz.train.loop import carry_out
    from cnnviz.train.run_writer import RunWriter

    run = make_run(PRESETS["Q"])
    (run.folder / "recipe.json").write_text("{}")
    with pytest.raises(RunError, match=r"The recipe of run .* can't be read"):
        carry_out(RunWriter(run.folder, run.written))


def test_a_report_says_that_validation_is_the_test_split(place):
    from cnnviz.models.load.load import load_run
    from cnnviz.train.evaluate import evaluate

    run = give_model(make_run(replace(PRESETS["Q"], {**LIMITS, "data.validation_share": 0})))
    found, report = evaluate(run, load_run(run).model, "test")
    assert report["same_pictures_as"] == found.same_as == "validation"
    assert json.loads((run.folder / "report.json").read_text())["test_is_validation"] is True


def test_a_file_is_measured_on_the_data_that_is_named(place, tmp_path, capfd):
    """Trained on 0..1, its classes in another order: as counted by plain Keras and NumPy."""
    import keras

    from cnnviz.data import open_dataset
    from cnnviz.recipe import Data

    dataset = open_dataset(Data(dataset="digits", image_size=(8, 8), channels=1))
    split = dataset.splits["test"]
    images = np.stack([split.image(at) for at in range(len(split))]).astype(np.float32)
    labels = split.labels["label"]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    probabilities = keras.Model(model.inputs, keras.ops.softmax(model.outputs[0]))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images / 255, 9 - labels, epochs=30, verbose=0)
    probabilities.save(tmp_path / "net.keras")
    probabilities = np.asarray(probabilities(images / 255))
    names = ",".join(dataset.head("label").classes[::-1])
    path = str(tmp_path / "net.keras")
    capfd.readouterr()  # what TensorFlow says when it is loaded
    assert main(["evaluate", path, "--data", "digits", "--pixels", "unit", "--classes", names, "--json"]) == 0
    told, err = capfd.readouterr()
    told = json.loads(told)
    assert (told["split"], told["samples"], told["pixels"], err) == ("test", len(labels), "unit", "")
    right = np.mean(probabilities.argmax(axis=1) == 9 - labels)
    assert right > 0.5, "it must know something, and more than by chance"
    assert told["figures"]["accuracy"] == pytest.approx(right, abs=1e-6)
    loss = -np.log(probabilities[np.arange(len(labels)), 9 - labels]).mean()
    assert told["figures"]["loss"] == pytest.approx(float(loss), rel=1e-4)
    assert main(["evaluate", path, "--data", "digits", "--pixels", "unit"]) == 0
    assert "label on" in capfd.readouterr().out
    for options, message in (
        ([], "doesn't say what it was trained on: add --data"),
        (["--data", "digits", "--classes", "a,b,c,d,e,f,g,h,i,j"], "has no class 'a'"),
        (["--data", "shapes"], "has 1 outputs but .* has the heads shape, colour"),
        (["--data", "digits", "--split", "validation", "--pixels", "bright"], "--pixels is 'bright'"),
    ):
        assert main(["evaluate", path, *options]) == 2
        assert re.search(message, capfd.readouterr().err)
    run = give_model(make_run(replace(PRESETS["Q"], LIMITS)))
    assert main(["evaluate", run.id, "--data", "digits"]) == 2
    assert "--data is for .keras files" in capfd.readouterr().err
    assert main(["evaluate", run.id, "--pixels", "unit"]) == 2
    assert "--pixels can't be said of a run" in capfd.readouterr().err


def test_a_files_logits_and_probabilities_are_those_of_two_passes():
    """Of two heads, one with its softmax inside and one with its sigmoid behind it."""
    import keras

    from cnnviz.model_spec import Head
    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.graph import flatten
    from cnnviz.train.evaluate_file import _logits_and_outputs

    given = keras.Input((6, 6, 1))
    base = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(given))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(base)
    sure = keras.layers.Activation("sigmoid", name="sure")(keras.layers.Dense(1)(base))
    model = keras.Model(given, [kind, sure])
    heads = Head(name="kind", units=3), Head(name="sure", units=1, activation="sigmoid")
    classifier = Classifier("two", model, heads, {}, (6, 6), 1)
    for count in (3, 5):
        pixels = np.random.default_rng(count).random((count, 6, 6, 1), np.float32)
        logits, outputs = _logits_and_outputs(classifier)(pixels)
        for ours, alone in ((logits, flatten(model).model(pixels)), (outputs, model(pixels, training=False))):
            for one, other in zip(ours, alone, strict=True):
                np.testing.assert_array_equal(one, other)
