"""`predict` as scripts meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import images
from cnnviz.__main__ import main
from cnnviz.data import open_dataset
from cnnviz.explain import Target, explain
from cnnviz.explain.uncertainty.novelty import FOREIGN
from cnnviz.models.load.load import load_run
from cnnviz.overlay import overlay
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two heads whose model crops the middle of an image."""
    recipe = replace(
        PRESETS["S"],
        {
            "data.image_size": [32, 32],
            "data.crop": "centre",
            "network.layers": [
                {"type": "Conv2D", "filters": 4, "padding": "same"},
                {"type": "MaxPool", "pool_size": 4},
                {"type": "Conv2D", "filters": 6, "padding": "same"},
                {"type": "GAP"},
            ],
        },
    )
    return give_model(make_run(recipe, runs=tmp_path_factory.mktemp("runs")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two images of one name, and what is none."""
    (tmp_path / "photo.png").write_bytes(images.to_png(IMAGE))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "photo.png").write_bytes(images.to_png(IMAGE[:, ::-1]))
    (tmp_path / "notes.jpg").write_text("no image")
    return tmp_path


@dataclass(frozen=True)
class Done:
    """What a call left."""

    returncode: int
    stdout: str
    stderr: str


Predict = Callable[..., Done]


@pytest.fixture
def predict(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Predict:
    """Carries out the command in the folder, within this process, which has TensorFlow already."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(run.folder.parent))

    def carry_out(*arguments: str) -> Done:
        capfd.readouterr()
        try:
            code = main(["predict", *arguments])
        except SystemExit as end:
            code = end.code
        return Done(code, *capfd.readouterr())

    return carry_out


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_answers_maps_and_overlays_are_those_of_the_package(folder: Path, run: Run) -> None:
    """In a process of its own, as TensorFlow must print nothing when it is loaded there."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cnnviz",
            "predict",
            run.id,
            "photo.png",
            "more/photo.png",
            "--explain",
            "grad-cam",
            "--out",
            "made",
            "--json",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "CNNVIZ_CHECKPOINTS": str(run.folder.parent)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, "")
    classifier, told = load_run(run), json.loads(done.stdout)
    assert [one["photo"] for one in told] == ["photo.png", "more/photo.png"]
    files = []
    for record, image in zip(told, (IMAGE, IMAGE[:, ::-1]), strict=True):
        assert set(record) == {"photo", "pixels", "heads"}
        assert record["pixels"] == "raw"
        assert [one["activation"] for one in record["heads"]] == ["softmax", "softmax"]
        seen = classifier.fit(image)[None]
        assert [one["head"] for one in record["heads"]] == ["shape", "colour"]
        for number, (one, probabilities) in enumerate(zip(record["heads"], classifier.predict(seen), strict=True)):
            classes = classifier.classes[one["head"]]
            best = int(probabilities[0].argmax())
            assert one["class"] == one["target"] == classes[best]
            assert one["probability"] == pytest.approx(probabilities[0, best], abs=1e-6)
            order = np.argsort(-probabilities[0])[:5]
            assert [name for name, _ in one["top"]] == [classes[index] for index in order]
            assert [share for _, share in one["top"]] == pytest.approx(probabilities[0][order], abs=1e-6)
            made = explain(classifier.model, classifier.pixels(seen), method="grad-cam", target=Target(number, best))
            assert (one["method"], one["layer"]) == ("grad-cam", made.layer)
            values = np.load(folder / one["map"])
            assert values.dtype == np.float32
            assert values.shape == (8, 8)
            np.testing.assert_allclose(values, made.map[0], rtol=1e-4, atol=1e-6)
            drawn = images.decode(folder / one["overlay"])
            assert drawn.shape == (60, 60, 3)
            expected = overlay(image[:, 15:75], made.map[0])
            assert np.abs(drawn.astype(int) - expected).max() <= 2
            files += [one["map"], one["overlay"]]
    assert len(set(files)) == 8
    assert sorted(files) == [f"made/{name}" for name in listed(folder / "made")]


def test_one_head_one_class_one_layer_of_a_file(folder: Path, run: Run, predict: Predict) -> None:
    done = predict(
        str(run.best_path),
        "photo.png",
        "--explain",
        "layer-cam",
        "--layer",
        "conv2d",
        "--head",
        "colour",
        "--class",
        "2",
        "--json",
    )
    assert (done.returncode, done.stderr) == (0, "")
    [record] = json.loads(done.stdout)
    shape, colour = record["heads"]
    assert "method" not in shape
    assert (colour["layer"], colour["target"]) == ("conv2d", "2")
    assert np.load(folder / colour["map"]).shape == (32, 32)
    assert {"photo-colour-layer-cam.npy", "photo-colour-layer-cam.png"} < set(listed(folder))


def of_unit_pixels(folder: Path) -> keras.Model:
    """A model that was trained on 0..1, as net.keras: of 0..255 it makes a prediction of 1."""
    keras.utils.set_random_seed(1)
    kernel = keras.initializers.RandomUniform(-3, 3, seed=4)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, "softmax", kernel_initializer=kernel),
        ]
    )
    model.save(folder / "net.keras")
    return model


def test_a_file_is_asked_in_the_pixels_and_classes_that_are_said(folder: Path, predict: Predict) -> None:
    model = of_unit_pixels(folder)
    seen = images.fit(IMAGE, (16, 16), channels=3, crop="whole")[None].astype(np.float32)
    wanted = np.asarray(model(seen / 255))[0]
    assert 0.3 < wanted.max() < 0.9, "not a prediction that any scale gives"
    done = predict("net.keras", "photo.png", "--pixels", "unit", "--classes", "cat, dog, cow", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    [record] = json.loads(done.stdout)
    [head] = record["heads"]
    assert (record["pixels"], head["activation"]) == ("unit", "softmax")
    probabilities = dict(head["top"])
    assert [probabilities[name] for name in ("cat", "dog", "cow")] == pytest.approx(wanted.tolist(), abs=1e-6)
    unsaid = predict("net.keras", "photo.png", "--json")
    assert unsaid.stderr == (
        "cnnviz: net.keras doesn't say what pixels it takes: 0..255 are taken. --pixels says otherwise.\n"
    )
    [record] = json.loads(unsaid.stdout)
    assert record["pixels"] == "raw"
    assert record["heads"][0]["probability"] == pytest.approx(float(np.max(model(seen))), abs=1e-6)
    said = predict("net.keras", "photo.png", "--pixels", "raw", "--classes", "cat\ndog\ncow")
    assert (said.returncode, said.stderr) == (0, "")


def test_what_a_file_gives_is_told_where_it_cannot_be_known(folder: Path, predict: Predict) -> None:
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, 0.9 * keras.ops.sigmoid(keras.layers.Dense(1)(x)))
    model.save(folder / "net.keras")
    seen = images.fit(IMAGE, (16, 16), channels=3, crop="whole")[None].astype(np.float32)
    gives = float(model(seen)[0, 0])
    taken = predict("net.keras", "photo.png", "--json")
    assert "They are taken for probabilities. --gives says otherwise." in taken.stderr
    assert "pixels" not in taken.stderr
    for options, expected in (([], gives), (["--gives", "scores"], 1 / (1 + np.exp(-gives)))):
        [record] = json.loads(predict("net.keras", "photo.png", *options, "--json").stdout)
        assert dict(record["heads"][0]["top"])["1"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["RUN", "photo.png", "--pixels", "unit", "--gives", "scores"], "--pixels and --gives can't be said of a run"),
        (["RUN", "photo.png", "--classes", "a,b"], "--classes can't be said of a run"),
        (["net.keras", "photo.png", "--pixels", "0..1"], "--pixels is '0..1': choose one of raw, unit,"),
        (["net.keras", "photo.png", "--classes", "a,b"], "2 class names were given for the output 'label': expected 3"),
    ],
)
def test_what_cannot_be_said_is_one_sentence(
    options: list[str], message: str, folder: Path, run: Run, predict: Predict
) -> None:
    of_unit_pixels(folder)
    done = predict(*[run.id if one == "RUN" else one for one in options])
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_class_by_name_explains_the_head_that_has_it_in_readable_lines(
    folder: Path, run: Run, predict: Predict
) -> None:
    done = predict(run.id, "photo.png", "--explain", "gradient", "--class", "purple")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "photo.png"
    assert lines[1].startswith("  shape   ")
    assert "Gradient of purple: photo-colour-gradient.png, photo-colour-gradient.npy" in lines[3]
    assert np.load(folder / "photo-colour-gradient.npy").shape == (32, 32)
    assert len(list(folder.glob("*.npy"))) == 1


def test_images_that_cannot_be_read_leave_the_others_answered(folder: Path, run: Run, predict: Predict) -> None:
    before = listed(folder)
    done = predict(run.id, "notes.jpg", "photo.png", "gone.png", "--json")
    assert done.returncode == 2
    bad, good, gone = json.loads(done.stdout)
    assert "not an image" in bad["error"]
    assert "can't be read" in gone["error"]
    assert set(bad) == {"photo", "error"}
    assert good["heads"][0]["head"] == "shape"
    said = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in said] == ["notes.jpg", "gone.png"]
    assert listed(folder) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "photo.png", "--explain", "occlusion", "--patch", "0"], "Occlusion's patch is 0.0: expected a whole"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--steps", "8"], "Grad-CAM has no setting 'steps': it has none"),
        (["RUN", "photo.png", "--steps", "8"], "--steps say what is to be explained: add --explain METHOD."),
        (["RUN", "photo.png", "--explain", "grad-camm"], "did you mean 'grad-cam'?"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--layer", "conv9"], "has no layer 'conv9'"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--layer", "shape"], "not channels of positions"),
        (["RUN", "photo.png", "--explain", "occlusion", "--layer", "conv2d"], "leave --layer out"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--class", "cirkle"], "did you mean 'circle'?"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--class", "6"], "There is no class '6'"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--head", "form"], "choose one of shape, colour"),
        (["RUN", "photo.png", "--explain", "grad-cam", "--out", "photo.png"], "no folder"),
        (["RUN", "photo.png", "--class", "circle"], "add --explain METHOD"),
        (["gone", "photo.png"], "give a run's id or the path of a .keras file"),
        (["gone.keras", "photo.png"], "There is no file 'gone.keras'"),
        (["notes.jpg", "photo.png"], "is not a .keras file"),
        (["RUN"], "IMAGE"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path, run: Run, predict: Predict, arguments: list[str], said: str
) -> None:
    before = listed(folder)
    done = predict(*(run.id if one == "RUN" else one for one in arguments), "--json")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert listed(folder) == before


def test_json_says_how_far_a_prediction_can_be_relied_on(run: Run, predict: Predict, folder: Path) -> None:
    split = open_dataset(run.recipe.data).splits["train"]
    (folder / "own.png").write_bytes(images.to_png(split.image(7)))
    (folder / "noise.png").write_bytes(images.to_png(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)))
    done = predict(run.id, "own.png", "noise.png", "--json", "--risk", "0.05")
    assert done.returncode == 0, done.stderr
    own, noise = json.loads(done.stdout)
    assert noise["heads"][0]["novelty"] > own["heads"][0]["novelty"]
    for head in [head for told in (own, noise) for head in told["heads"]]:
        classes = run_classes(run)[head["head"]]
        assert 0 < head["calibrated"] <= 1
        assert head["set"][:1] in ([], [head["class"]])
        assert set(head["set"]) <= set(classes)
        assert 0 <= head["novelty"] <= 1
        assert head["foreign"] is (head["novelty"] >= FOREIGN)
        assert [near["distance"] for near in head["neighbours"]] == sorted(
            near["distance"] for near in head["neighbours"]
        )
        assert {near["label"] for near in head["neighbours"]} <= set(classes)
    nearest = own["heads"][0]["neighbours"][0]
    assert nearest["image"] == f"train:{split.name_of(7)}"
    assert nearest["distance"] == pytest.approx(0, abs=1e-3)
    assert nearest["label"] == run_classes(run)["shape"][split.labels["shape"][7]]
    kept = list((run.folder / "training-features").iterdir())
    again = json.loads(predict(run.id, "own.png", "noise.png", "--json", "--risk", "0.05").stdout)
    assert again == [own, noise]
    assert list((run.folder / "training-features").iterdir()) == kept
    wide = json.loads(predict(run.id, "own.png", "--json", "--risk", "0.0001").stdout)[0]["heads"][0]
    assert len(wide["set"]) == len(run_classes(run)["shape"]), "no number of images keeps so small a risk"


def run_classes(run: Run) -> dict[str, tuple[str, ...]]:
    return {head.name: head.classes for head in open_dataset(run.recipe.data).heads}


def test_what_cannot_be_compared_says_why(run: Run, predict: Predict, folder: Path, tmp_path: Path) -> None:
    gone = give_model(make_run(replace(PRESETS["Q"], {"data.dataset": str(tmp_path / "gone")}), runs=run.folder.parent))
    for named, reason in ((gone.id, "gone"), (str(run.best_path), "A file doesn't say what it was trained on")):
        (told,) = json.loads(predict(named, "photo.png", "--json").stdout)
        for head in told["heads"]:
            assert [head[key] for key in ("calibrated", "set", "foreign", "novelty", "neighbours")] == [None] * 5
            assert reason in head["note"]


@pytest.mark.parametrize("risk", ["0", "1", "-0.1", "nan", "many"])
def test_a_risk_is_a_share(run: Run, predict: Predict, risk: str) -> None:
    done = predict(run.id, "photo.png", "--json", f"--risk={risk}")
    assert done.returncode == 2
    assert "--risk" in done.stderr
    assert done.stderr.count("\n") == 1
