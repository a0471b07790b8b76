"""A standalone script: it runs where there is no cnnviz, has the same network, and learns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.__main__ import main
from cnnviz.architecture import describe
from cnnviz.errors import RecipeError
from cnnviz.models.script import keras_script
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
        "data.dataset": str(folder), "data.image_size": [12, 12], "data.channels": 3, "network.layers": LAYERS,
        "network.heads": [{"name": "label", "units": 1, "activation": "sigmoid"}], "fit.epochs": 20,
        "fit.batch_size": 8, "fit.learning_rate": 0.01,
    }  # fmt: skip
    return replace(PRESETS["Q"], {**changes, **more})


def test_it_trains_where_there_is_no_cnnviz(pets: Path, tmp_path: Path) -> None:
    recipe = recipe_of(pets, **{"fit.schedule": "plateau", "fit.patience": 5, "fit.class_weight": "balanced"})
    script = keras_script(recipe, pets)
    assert "import cnnviz" not in script
    total = sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape))
    assert f"assert model.count_params() == {total}" in script
    path = tmp_path / "train.py"
    path.write_text("import sys\nsys.modules['cnnviz'] = None\n" + script)
    done = subprocess.run(
        [sys.executable, "-I", path.name], cwd=tmp_path, env=CALM, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    accuracy = float(done.stdout.splitlines()[-1].split("'accuracy': ")[1].split(",")[0].rstrip("}"))
    assert accuracy >= 0.9
    assert (tmp_path / "best.keras").is_file()


@pytest.mark.parametrize("name", ["C1", "C2", "D1", "D3", "D5", "D6", "E3", "M4", "M6"])
def test_the_script_of_a_preset_builds_its_network(name: str, pets: Path) -> None:
    """Its text is executed up to the network, with random weights; the script itself asserts the count."""
    recipe = PRESETS[name]
    if recipe.network.backbone is not None:
        recipe = replace(recipe, {"network.backbone.weights": "none", "data.image_size": [64, 64]})
    folder = None if recipe.data.dataset in ("mnist", "fashion_mnist") else pets
    script = keras_script(recipe, folder)
    compile(script, name, "exec")
    start = script.index("inputs = x = keras.Input")
    end = script.index("assert model.count_params()")
    import keras
    import tensorflow as tf

    space: dict = {"keras": keras, "tf": tf, "np": np}
    exec(script[start : script.index("\n", end)], space)
    assert space["model"].output_shape == (None, recipe.network.heads[0].units)


def test_what_only_cnnviz_can_do_is_a_sentence() -> None:
    with pytest.raises(RecipeError, match="only cnnviz makes or knows"):
        keras_script(PRESETS["Q"], None)
    with pytest.raises(RecipeError, match="for networks of one head"):
        keras_script(PRESETS["S"], None)


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "C2", "--out", str(tmp_path / "c2.py")]) == 0
    assert "keras.datasets.fashion_mnist" in (tmp_path / "c2.py").read_text()
    assert main(["script", "Q", "--out", str(tmp_path / "q.py")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "q.py").exists()
