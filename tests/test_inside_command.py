"""`activations`, `patterns` and `export` as scripts meet them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import images
from cnnviz.__main__ import main
from cnnviz.errors import ModelError
from cnnviz.explain.feature_visualization.patterns import Settings, visualize
from cnnviz.models.export import formats
from cnnviz.models.load.load import load_run
from cnnviz.mosaics import in_colours, mosaic, shades
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
LAYERS = ["rescaling", "conv2d", "max_pooling2d", "conv2d_1", "global_average_pooling2d", "colour", "shape"]

Done = tuple[int, str, str]


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
                {"type": "Conv2D", "filters": 18, "padding": "same"},
                {"type": "GAP"},
            ],
        },
    )
    return give_model(make_run(recipe, runs=tmp_path_factory.mktemp("runs")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an image and what is none."""
    (tmp_path / "photo.png").write_bytes(images.to_png(IMAGE))
    (tmp_path / "notes.jpg").write_text("no image")
    return tmp_path


@pytest.fixture
def cnnviz(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> Callable[..., Done]:
    """Carries out a command in the folder, within this process, which has TensorFlow already."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(run.folder.parent))

    def carry_out(*arguments: str) -> Done:
        capfd.readouterr()
        try:
            code = main([run.id if one == "RUN" else one for one in arguments])
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    return carry_out


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_activations_of_all_layers_are_those_of_keras(folder: Path, run: Run) -> None:
    """In a process of its own, as TensorFlow must print nothing when it is loaded there."""
    done = subprocess.run(
        [sys.executable, "-m", "cnnviz", "activations", run.id, "photo.png", "--out", "made/inside", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "CNNVIZ_CHECKPOINTS": str(run.folder.parent)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told, classifier = json.loads(done.stdout), load_run(run)
    assert set(told) == {"run", "photo", "pixels", "activations", "layers"}
    assert [one["layer"] for one in told["layers"]] == LAYERS
    pixels = classifier.pixels(classifier.fit(IMAGE)[None])
    kept = np.load(folder / told["activations"], allow_pickle=False)
    assert kept.files == LAYERS
    for number, one in enumerate(told["layers"], 1):
        values = kept[one["layer"]]
        layer = classifier.model.get_layer(one["layer"])
        expected = np.asarray(keras.Model(classifier.model.inputs[0], layer.output)(pixels))[0]
        assert values.dtype == np.float32
        assert list(values.shape) == one["shape"]
        np.testing.assert_allclose(values, expected, atol=1e-5)
        flat = values.reshape(-1, values.shape[-1])
        assert one["silent"] == [int(channel) for channel in np.flatnonzero(flat.max(axis=0) <= 0)]
        assert one["picture"] == f"made/inside/{number}-{one['layer']}.png"
    drawn = images.decode(folder / "made" / "inside" / "4-conv2d_1.png")
    assert drawn.shape == (8 * 2 + 1, 16 * 9 - 1, 3)
    expected = in_colours(mosaic(shades(kept["conv2d_1"], "each").levels))
    assert np.mean(np.abs(drawn.astype(int) - expected) > 8) < 0.01
    assert images.decode(folder / told["layers"][0]["picture"]).shape == (32, 3 * 33 - 1, 3)
    assert len(listed(folder / "made" / "inside")) == len(LAYERS) + 1


def test_chosen_layers_on_one_scale_in_readable_lines(folder: Path, cnnviz: Callable[..., Done]) -> None:
    code, out, err = cnnviz(
        "activations",
        "RUN",
        "photo.png",
        "--layer",
        "colour",
        "--layer",
        "conv2d",
        "--scale",
        "raw",
        "--colour-map",
        "magma",
        "--out",
        "made",
    )
    assert (code, err) == (0, "")
    assert listed(folder / "made") == ["2-conv2d.png", "6-colour.png", "activations.npz"]
    kept = np.load(folder / "made" / "activations.npz")
    assert kept.files == ["conv2d", "colour"]
    assert kept["colour"].sum() == pytest.approx(1, abs=1e-5)
    first, second, last = out.splitlines()
    assert first.startswith("conv2d  32×32×4")
    assert second == "colour  6: made/6-colour.png"
    assert last == "made/activations.npz"
    assert images.decode(folder / "made" / "6-colour.png").shape == (8, 6 * 9 - 1, 3)
    grey = np.abs(kept["conv2d"]).max(axis=(0, 1))
    strongest = int(grey.argmax())
    drawn = images.decode(folder / "made" / "2-conv2d.png").astype(int).sum(axis=-1)
    brightest = int(drawn.max(axis=0).argmax()) // 33
    assert brightest == strongest


def test_patterns_are_those_of_the_package_and_kept_under_the_run(
    folder: Path, run: Run, cnnviz: Callable[..., Done]
) -> None:
    code, out, _ = cnnviz(
        "patterns",
        "RUN",
        "conv2d_1",
        "--filters",
        "0-8,17",
        "--steps",
        "6",
        "--step",
        "2",
        "--size",
        "24",
        "--seed",
        "3",
        "--out",
        "grid.png",
        "--json",
    )
    assert code == 0
    told = json.loads(out)
    assert told["filters"] == [*range(9), 17]
    assert (told["steps"], told["step"], told["size"], told["seed"], told["mode"]) == (6, 2.0, 24, 3, "robust")
    settings = Settings(steps=6, step=2.0, size=24, seed=3)
    made = visualize(load_run(run), "conv2d_1", told["filters"], settings)
    np.testing.assert_allclose(told["after"], made.after, rtol=1e-3, atol=1e-4)
    drawn = images.decode(folder / "grid.png")
    assert drawn.shape == (24 * 2 + 5, 24 * 5 + 5 * 4, 3)
    for at in (0, 7, 9):
        top, left = (at // 5) * 29, (at % 5) * 29
        off = np.abs(drawn[top : top + 24, left : left + 24].astype(int) - made.images[at])
        assert np.mean(off > 8) < 0.02
    assert not drawn[24:29].any()
    assert list((run.folder / "patterns").glob("*.npz"))


def test_all_filters_at_the_size_that_suits_them(folder: Path, run: Run, cnnviz: Callable[..., Done]) -> None:
    code, out, _ = cnnviz(
        "patterns", str(run.best_path), "conv2d", "--mode", "robust", "--steps", "2", "--out", "grid.PNG"
    )
    assert code == 0
    assert out == "4 patterns of conv2d, 64 × 64 pixels, 2 steps: grid.PNG\n"
    assert images.decode(folder / "grid.PNG").shape == (64, 64 * 4 + 15, 3)


def test_a_head_is_exported_as_a_model_that_predict_asks(folder: Path, run: Run, cnnviz: Callable[..., Done]) -> None:
    code, out, err = cnnviz("export", "RUN", "--head", "colour", "--out", "colour.keras", "--json")
    assert (code, err) == (0, "")
    told, classifier = json.loads(out), load_run(run)
    assert told["input"] == [32, 32, 3]
    assert told["heads"] == [{"head": "colour", "activation": "softmax", "classes": list(classifier.classes["colour"])}]
    model = keras.models.load_model(folder / "colour.keras", compile=False)
    assert told["parameters"] == model.count_params() == classifier.model.count_params() - 19 * 4
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model(pixels)), np.asarray(classifier.model(pixels)[1]), atol=1e-6)
    code, out, _ = cnnviz("predict", "colour.keras", "photo.png", "--json")
    [record] = json.loads(out)
    assert code == 0
    assert len(record["heads"]) == 1


def test_a_whole_model_is_exported_in_readable_lines(folder: Path, run: Run, cnnviz: Callable[..., Done]) -> None:
    code, out, err = cnnviz("export", "RUN", "--out", "whole.keras")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("whole.keras: ")
    assert [line.split()[0] for line in lines[1:3]] == ["shape", "colour"]
    assert "its predictions differ by at most" in lines[3]
    assert len(keras.models.load_model(folder / "whole.keras", compile=False).outputs) == 2


@pytest.mark.parametrize("name", ["whole.zip", "whole.tflite", "whole.onnx"])
def test_other_formats_give_the_same_answers_without_cnnviz(
    folder: Path, run: Run, cnnviz: Callable[..., Done], name: str
) -> None:
    code, out, err = cnnviz("export", "RUN", "--out", name, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["difference"] < (1e-3 if name.endswith("lite") else 1e-4)
    assert [head["head"] for head in told["heads"]] == ["shape", "colour"]
    if name.endswith(".zip"):
        with zipfile.ZipFile(folder / name) as file:
            assert "saved_model.pb" in file.namelist()
    elif name.endswith("lite"):
        assert (folder / name).read_bytes()[4:8] == b"TFL3"


def test_a_file_that_answers_differently_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = load_run(run)
    monkeypatch.setitem(formats.MOST, "keras", -1.0)
    with pytest.raises(ModelError, match="predictions differently"):
        formats.export_classifier(classifier, "keras", formats.images_for(classifier))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["activations", "RUN", "photo.png", "--out", "x", "--layer", "conv9"], "has no layer 'conv9'"),
        (["activations", "RUN", "notes.jpg", "--out", "x"], "not an image"),
        (["activations", "RUN", "gone.jpg", "--out", "x"], "can't be read"),
        (["activations", "RUN", "photo.png", "--out", "notes.jpg"], "no folder"),
        (["activations", "RUN", "photo.png", "--out", "x", "--scale", "rwa"], "did you mean 'raw'?"),
        (["activations", "RUN", "photo.png", "--out", "x", "--colour-map", "grey"], "choose one of viridis"),
        (["activations", "RUN", "photo.png"], "--out"),
        (["activations", "gone", "photo.png", "--out", "x"], "give a run's id or the path of a .keras file"),
        (["patterns", "RUN", "conv9", "--out", "x.png"], "has no layer 'conv9'"),
        (["patterns", "RUN", "conv2d", "--out", "x.jpg"], "ends in .png"),
        (["patterns", "RUN", "conv2d", "--out", "gone/x.png"], "its folder must be there"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--mode", "rough"], "choose one of robust, plain"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--steps", "0"], "steps is 0"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--step", "nan"], "step is nan"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--size", "7"], "size is 7"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--seed", "-1"], "--seed is -1"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--filters", "0-4"], "has no filter 4: choose 0 to 3"),
        (["patterns", "RUN", "conv2d", "--out", "x.png", "--filters", "4-0"], "--filters has '4-0'"),
        (["patterns", "notes.jpg", "conv2d", "--out", "x.png"], "is not a .keras file"),
        (["export", "RUN", "--out", "x.h5"], "ends in .keras"),
        (["export", "RUN", "--out", "x.keras", "--format", "tflight"], "did you mean 'tflite'?"),
        (["export", "RUN", "--out", "x.keras", "--format", "tflite"], "ends in .tflite"),
        (["export", "RUN", "--out", "x.keras", "--head", "color"], "did you mean 'colour'?"),
        (["export", "gone.keras", "--out", "x.keras"], "There is no file 'gone.keras'"),
        (["export", "RUN"], "--out"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path, cnnviz: Callable[..., Done], arguments: list[str], said: str
) -> None:
    before = listed(folder)
    code, out, err = cnnviz(*arguments, "--json")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1, err
    assert out == ""
    assert listed(folder) == before


def test_a_file_of_other_pixels_is_looked_into_as_it_is_said(folder: Path, cnnviz: Callable[..., Done]) -> None:
    """`activations` and `patterns` of a model that takes 0..1, whose channels stand first on the way."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((24, 24, 3))
    x = keras.layers.Permute((3, 1, 2))(pixels)
    x = keras.layers.SeparableConv2D(8, 3, padding="same", data_format="channels_first", name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    model = keras.Model(pixels, keras.ops.softmax(keras.layers.Dense(2, name="scores")(x)))
    model.save(folder / "net.keras")
    seen = images.fit(IMAGE, (24, 24), channels=3, crop="whole")[None].astype(np.float32) / 255
    code, out, err = cnnviz("activations", "net.keras", "photo.png", "--pixels", "unit", "--out", "made", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["pixels"] == "unit"
    kept = np.load(folder / "made" / "activations.npz")
    own = np.asarray(keras.Model(pixels, model.get_layer("conv").output)(seen))[0]
    assert kept["conv"].shape == (24, 24, 8)
    np.testing.assert_allclose(kept["conv"], own.transpose(1, 2, 0), atol=1e-5)
    np.testing.assert_allclose(kept[kept.files[-1]], np.asarray(model(seen))[0], atol=1e-6)
    code, out, err = cnnviz(
        "patterns",
        "net.keras",
        "conv",
        "--pixels",
        "unit",
        "--steps",
        "2",
        "--size",
        "24",
        "--out",
        "grid.png",
        "--json",
    )
    assert (code, err.strip()) == (0, "")  # a bar was there
    assert (json.loads(out)["filters"], json.loads(out)["pixels"]) == (list(range(8)), "unit")
    assert "0..255 are taken" in cnnviz("activations", "net.keras", "photo.png", "--out", "made")[2]
    code, out, err = cnnviz(
        "export", "net.keras", "--out", "copy.keras", "--classes", "no,yes", "--pixels", "unit", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["heads"] == [{"head": "label", "activation": "softmax", "classes": ["no", "yes"]}]
