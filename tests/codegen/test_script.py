"""A standalone script: it runs where there is no cnnviz, has the same model, and learns."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.__main__ import main
from cnnviz.architecture import describe, with_trainable_from
from cnnviz.codegen.model import model_part
from cnnviz.codegen.script import keras_script
from cnnviz.codegen.training import fitting_part
from cnnviz.data import open_dataset, pipeline
from cnnviz.data.split_images import prepare
from cnnviz.errors import RecipeError
from cnnviz.models.load.load import load_file
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace

CALM = {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
LAYERS = [{"type": "Conv2D", "filters": 16}, {"type": "GAP"}]


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that differ by their light, easy to tell apart."""
    folder, rng = tmp_path_factory.mktemp("pets"), np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 12)):
        for at, name in enumerate(("it's dark", "light")):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(140 * at, 140 * at + 100, (12, 10, 3), np.uint8)
                (place / f"{number}.png").write_bytes(images.to_png(pixels))
    return folder


def recipe_of(folder: Path, **more):
    changes = {
        "data.dataset": str(folder),
        "data.image_size": [12, 12],
        "data.channels": 3,
        "network.layers": LAYERS,
        "network.heads": [{"name": "label", "units": 1, "activation": "sigmoid"}],
        "fit.epochs": 20,
        "fit.batch_size": 8,
        "fit.learning_rate": 0.01,
    }
    return replace(PRESETS["Q"], {**changes, **more})


def executed(script: str, place: Path) -> str:
    """What a script prints that runs to its end in a folder, where cnnviz and OpenCV can't be imported."""
    (place / "train.py").write_text("import sys\nsys.modules['cnnviz'] = sys.modules['cv2'] = None\n" + script)
    done = subprocess.run(
        [sys.executable, "-I", "train.py"], cwd=place, env=CALM, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_it_trains_where_there_is_no_cnnviz(pets: Path, tmp_path: Path) -> None:
    recipe = recipe_of(pets, **{"fit.schedule": "plateau", "fit.patience": 5, "fit.class_weight": "balanced"})
    script = keras_script(recipe, pets)
    assert "import cnnviz" not in script
    total = sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape))
    assert f"assert model.count_params() == {total}" in script
    out = executed(script, tmp_path)
    assert ast.literal_eval(out.splitlines()[-1].removeprefix("test "))["accuracy"] >= 0.9
    assert (tmp_path / "best.keras").is_file()


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CelebA's layout: who is Male is red above, who is Smiling is green below; one in four of each."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    (folder / "img_align_celeba").mkdir()
    names = [f"{number:06}.jpg" for number in range(160)]
    truth = rng.permutation(np.arange(160)) % 16
    rows = [(at % 4 == 0, at // 4 == 0) for at in truth]
    for name, (male, smiling) in zip(names, rows, strict=True):
        image = rng.integers(0, 80, (27, 22, 3), np.uint8)
        image[:14, :, 0] += np.uint8(150 * male)
        image[14:, :, 1] += np.uint8(150 * smiling)
        (folder / "img_align_celeba" / name).write_bytes(images.to_png(image))
    told = [f"{name} {' '.join('1' if one else '-1' for one in row)}" for name, row in zip(names, rows, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["160", "Male Smiling", *told]))
    partition = "\n".join(f"{name} {max(0, at // 40 - 1)}" for at, name in enumerate(names))
    (folder / "list_eval_partition.txt").write_text(partition)
    return folder


def test_several_heads_learn_from_windows_of_faces(faces: Path, tmp_path: Path) -> None:
    """Without cnnviz, from rare classes that are weighted; one figure for both heads chooses the epoch."""
    layers = [{"type": "Conv2D", "filters": 8}, {"type": "MaxPool", "pool_size": 4}, {"type": "Flatten"}]
    heads = [
        {"name": "Smiling", "units": 2, "activation": "logits"},
        {"name": "Male", "units": 1, "activation": "sigmoid"},
    ]
    more = {"data.crop": "face", "augmentation": "A", "network.heads": heads, "network.layers": layers}
    recipe = recipe_of(faces, **more, **{"fit.class_weight": "balanced", "fit.epochs": 12})
    script = keras_script(recipe, faces)
    out = executed(script, tmp_path)
    figures = ast.literal_eval(out.splitlines()[-1].removeprefix("test "))
    assert set(figures) == {"Male_accuracy", "Smiling_accuracy", "accuracy", "loss"}, (
        "heads' losses of batches are wrong"
    )
    assert figures["accuracy"] == pytest.approx((figures["Male_accuracy"] + figures["Smiling_accuracy"]) / 2)
    assert figures["accuracy"] >= 0.95
    assert "val_accuracy: " in out
    classifier = load_file(tmp_path / "best.keras")
    assert {head.name for head in classifier.heads} == {"Male", "Smiling"}


def test_the_samples_of_several_heads_weigh_what_they_weigh_in_cnnviz(faces: Path) -> None:
    heads = [{"name": name, "units": 2} for name in ("Smiling", "Male")]
    recipe = recipe_of(faces, **{"network.heads": heads, "fit.class_weight": "balanced"})
    space = carried_out(keras_script(recipe, faces), until="model.compile(")
    split = open_dataset(recipe.data, ("Smiling", "Male")).splits["train"]
    batches = pipeline.training(prepare(split, recipe.data), split.labels, recipe, 0, 1)
    own = [np.concatenate([batch[2][at] for batch in batches]) for at in range(2)]
    for head, weights in zip(("Smiling", "Male"), own, strict=True):
        np.testing.assert_array_equal(np.sort(space["weights"][head]), np.sort(weights))
        assert len(np.unique(weights)) == 2
    _, y, weights = next(iter(space["images"]))
    for head in ("Smiling", "Male"):
        known = dict(zip(space["train"][1][head], space["weights"][head], strict=True))
        assert [known[one] for one in y[head].numpy()] == weights[head].numpy().tolist()


def test_windows_are_parts_of_the_images(faces: Path) -> None:
    """A's largest windows are copies; smaller ones are enlarged."""
    more = {"data.image_size": [12, 12], "network.heads.0.name": "Male"}
    for policy in ("A", "strong"):
        recipe = recipe_of(faces, augmentation=policy, **more)
        space = carried_out(keras_script(recipe, faces), until="model.compile(")
        whole, windows = space["train"][0], [space["window"](at).numpy() for at in range(30)]
        assert whole.shape[1:] == (15, 12, 3)
        assert {window.shape for window in windows} == {(12, 12, 3)}
        if policy == "A":
            tops = [[t for t in range(4) if np.array_equal(whole[at][t : t + 12], w)] for at, w in enumerate(windows)]
            assert {top for found in tops for top in found} == {0, 1, 2, 3}
            assert all(tops)
        assert next(iter(space["images"]))[0].shape == (8, 12, 12, 3)


def test_what_a_policy_with_windows_does_otherwise_is_said(faces: Path) -> None:
    steps = [{"type": "rotation", "low": -5, "high": 5}, {"type": "blur", "low": 0, "high": 0.01}]
    steps.append({"type": "random_crop", "low": 0.7, "high": 1, "probability": 0.5})
    text = keras_script(recipe_of(faces, **{"augmentation.steps": steps, "network.heads.0.name": "Male"}), faces)
    assert "# cnnviz does rotation, blur before it cuts; here the window is cut first." in text
    assert "# cnnviz cuts with a probability of 0.5; here every image is cut." in text
    assert "RandomCrop(" not in text


def carried_out(script: str, *, until: str) -> dict:
    """What a script leaves behind up to a line."""
    space: dict = {}
    exec(compile(script[: script.index(until)], "script", "exec"), space)
    return space


MODELS = {
    "A": 388_673,
    "B1": 687_298,
    "B2": 200_004,
    "C1": 29_898,
    "C2": 804_554,
    "D1": 93_322,
    "Q": None,
    "D3": 3_453_121,
    "D5": None,
    "D6": None,
    "E3": 17_936_515,
    "M4": None,
    "M6": None,
    "S": None,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_script_of_a_preset_builds_its_model(name: str) -> None:
    """With random weights; the script itself asserts the count."""
    recipe = PRESETS[name]
    if recipe.network.backbone is not None:
        recipe = replace(recipe, {"network.backbone.weights": "none"})
    text = model_part(recipe)
    import keras

    space: dict = {"keras": keras}
    exec(text, space)
    total = sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape))
    assert space["model"].count_params() == total == (MODELS[name] or total)
    assert f"assert model.count_params() == {total}" in text
    model = space["model"]
    shapes = {name: tuple(output.shape) for name, output in zip(model.output_names, model.outputs, strict=True)}
    assert shapes == {head.name: (None, head.units) for head in recipe.network.heads}


@pytest.mark.parametrize("name", ["D6", "E2", "E3", "M4", "M6", "ME3"])
def test_what_of_a_backbone_learns_is_what_learns_in_cnnviz(name: str) -> None:
    """Batch normalisations that know ImageNet stay as they are; here they have random weights, to be quick."""
    recipe = PRESETS[name]
    import keras

    space: dict = {"keras": keras}
    exec(model_part(recipe).replace("weights='imagenet'", "weights=None"), space)
    stages = [recipe.network.backbone.trainable_from]
    if recipe.fit.finetune is not None:
        stages.append(recipe.fit.finetune.trainable_from)
        assert f"free({stages[1]!r})" in fitting_part(recipe)
    for start in stages:
        if len(stages) > 1:
            space["free"](start)
        learns = sum(
            row.trainable for row in describe(with_trainable_from(recipe.network, start), recipe.data.input_shape)
        )
        assert sum(weight.numpy().size for weight in space["model"].trainable_weights) == learns


def test_a_frozen_part_of_a_backbone_drops_nothing() -> None:
    heads = [{"name": "label", "units": 3}]
    backbone = {"name": "EfficientNetV2B0", "trainable_from": "block6h_se_reduce"}
    recipe = replace(
        PRESETS["E3"],
        {
            "network.backbone": backbone,
            "network.layers": [{"type": "GAP"}],
            "network.heads": heads,
            "data.image_size": [32, 32],
        },
    )
    import keras

    space: dict = {"keras": keras}
    exec(model_part(recipe).replace("weights='imagenet'", "weights=None"), space)
    drops = {layer.name: layer for layer in space["backbone"].layers if isinstance(layer, keras.layers.Dropout)}
    assert drops["block2b_drop"].rate == 0
    assert drops["block6h_drop"].rate > 0
    space["free"]("")
    assert drops["block2b_drop"].rate > 0


def test_what_only_cnnviz_can_do_is_a_sentence() -> None:
    with pytest.raises(RecipeError, match="can't read 'shapes', which only cnnviz makes or knows"):
        keras_script(PRESETS["S"], None)


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "C2", "--out", str(tmp_path / "c2.py")]) == 0
    assert "keras.datasets.fashion_mnist" in (tmp_path / "c2.py").read_text()
    assert main(["script", "Q", "--out", str(tmp_path / "q.py")]) == 0
    assert "load_digits()" in (tmp_path / "q.py").read_text()
    assert main(["script", "S", "--out", str(tmp_path / "s.py")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "s.py").exists()


def test_only_the_second_stage_is_augmented_where_the_first_has_kept_features(pets: Path) -> None:
    script = keras_script(PRESETS["M6"], pets)
    assert script.index("plain = images") < script.index("images = images.map(lambda x, *more: (augment(x")
    assert script.index("    plain, validation_data") < script.index("    images, validation_data")
    assert "plain" not in keras_script(PRESETS["D6"], pets)
