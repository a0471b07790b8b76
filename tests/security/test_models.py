"""Model files that strangers made: none is loaded, none does anything, and each gets a sentence."""

from __future__ import annotations

import ast
import copy
import json
import os
import random
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz import files
from cnnviz.errors import ModelError
from cnnviz.models.build.model import build
from cnnviz.models.load import archive_check, sandbox_client
from cnnviz.models.load.config_check import Refused, checked_config
from cnnviz.models.load.load import load_file, load_run
from cnnviz.presets import PRESETS
from cnnviz.runs.store import create
from tests.conftest import slowness
from tests.security.costly_models import COSTLY
from tests.security.good_model import Good, places
from tests.security.hostile_archives import ARCHIVES
from tests.security.hostile_configs import CONFIGS
from tests.security.hostile_weights import WEIGHTS

ROOT = Path(__file__).parents[2]
SECONDS = 20
HOSTILE = {
    f"{kind}: {name}": case
    for kind, cases in (("archive", ARCHIVES), ("config", CONFIGS), ("weights", WEIGHTS))
    for name, case in cases.items()
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    keras.utils.clear_session()  # so that its layers have the names that the cases know
    path = tmp_path_factory.mktemp("good") / "good.keras"
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="relu")], name="inner")
    x = given = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(x))
    keras.Model(given, layers.Dense(2, activation="softmax")(inner(x))).save(path)
    with zipfile.ZipFile(path) as archive:
        return Good(json.loads(archive.read("config.json")), archive.read("model.weights.h5"))


def test_the_model_that_all_are_made_from_is_loaded(good: Good, tmp_path: Path) -> None:
    assert len(HOSTILE) >= 30
    assert load_file(good.written(tmp_path / "net.keras")).heads[0].units == 2


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(case: Callable, good: Good, tmp_path: Path) -> None:
    folder, marker = tmp_path / "upload", tmp_path / "marker"
    folder.mkdir()
    path = folder / "net.keras"
    case(good, path, marker)
    before = sorted(tmp_path.rglob("*"))
    began = time.monotonic()
    with pytest.raises(ModelError) as raised:
        load_file(path)
    assert time.monotonic() - began < SECONDS * slowness()
    message = str(raised.value)
    assert re.fullmatch(r"[^\n]{20,400}\.", message), message
    assert "Traceback" not in message
    assert sorted(tmp_path.rglob("*")) == before
    assert sandbox_client._checker().peak_mb < 1024


@pytest.mark.parametrize("name", COSTLY)
def test_a_model_that_would_take_any_memory_or_time_is_refused(name: str, tmp_path: Path) -> None:
    make, what = COSTLY[name]
    make().save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=rf"net\.keras can't be read because [^\n]*{what}[^\n]*\.$"):
        load_file(tmp_path / "net.keras")


def classifier(shape: tuple[int | None, ...], units: int = 2, **names: str) -> keras.Model:
    """A small model, with names for its first convolution and itself."""
    given = keras.Input(shape)
    x = layers.Conv2D(2, 3, padding="same", name=names.get("layer"))(given)
    x = layers.Dense(units, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(given, x, name=names.get("model"))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: classifier((8, 8, 3), 40_000), "has 40,000 classes: up to 10,000"),
        (lambda: classifier((0, 8, 3)), r"takes \(None, 0, 8, 3\)"),
        (lambda: classifier((8, 8, 3), layer="a<b"), "its layer 'a<b' has a name that TensorFlow"),
        (lambda: classifier((8, 8, 3), layer="größe 1"), "its layer 'größe 1' has a name that TensorFlow"),
        (lambda: classifier((8, 8, 3), model="_x"), "its model '_x' has a name that TensorFlow"),
    ],
)
def test_what_no_image_can_be_asked_with_is_told(made: Callable[[], keras.Model], message: str, tmp_path: Path) -> None:
    made().save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=message):
        load_file(tmp_path / "net.keras")


def test_large_models_are_asked_about_fewer_images_at_once(tmp_path: Path) -> None:
    """As many as make 64 million values in one layer."""
    for side, at_once in ((8, 64), (2048, 8)):
        classifier((side, side, 3)).save(tmp_path / "net.keras")
        assert load_file(tmp_path / "net.keras").at_once == at_once


STRANGE = [
    None,
    True,
    -1,
    0,
    1 << 40,
    0.5,
    float("nan"),
    "",
    "x" * 2000,
    "Lambda",
    "relu",
    [],
    [[]],
    [None, "x"],
    {},
    {"class_name": []},
    {"class_name": "Lambda"},
    {"module": {}, "class_name": "x"},
    {"config": 1},
]


def test_a_config_with_anything_anywhere_is_refused_or_sound(good: Good) -> None:
    draw = random.Random(3)
    refused: list[str] = []
    text = json.dumps(good.config)
    for _ in range(600):
        config = json.loads(text)
        for _ in range(draw.randint(1, 3)):
            holder, key = draw.choice(list(places(config)))
            holder[key] = copy.deepcopy(draw.choice(STRANGE))
        try:
            assert checked_config(json.dumps(config).encode())["compile_config"] is None
        except Refused as error:
            refused.append(str(error))
    assert 150 < len(refused) < 600
    assert not [one for one in refused if "\n" in one or len(one) > 400]


def test_how_models_were_compiled_is_dropped_unread(good: Good, tmp_path: Path) -> None:
    """The whole one and the one inside it, whatever they name."""
    system = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    wanted = {"loss": system, "optimizer": {"class_name": "Lambda", "module": "os", "config": [[[]]] * 50}}
    config = copy.deepcopy(good.config)
    inner = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Sequential")
    config["compile_config"] = inner["compile_config"] = wanted
    assert '"os"' not in json.dumps(checked_config(json.dumps(config).encode()))
    classifier = load_file(Good(config, good.weights).written(tmp_path / "net.keras"))
    found = [classifier.model, classifier.model.get_layer(inner["config"]["name"])]
    assert not any(one.compiled for one in found)


@pytest.mark.parametrize("name", ["S", "D2"])
def test_checking_and_trying_cost_less_than_two_seconds(name: str, tmp_path: Path) -> None:
    build(PRESETS[name]).save(tmp_path / "net.keras")
    seconds: dict[Callable, list[float]] = {keras.models.load_model: [], load_file: []}
    for load in [*seconds] * 3:
        began = time.monotonic()
        load(tmp_path / "net.keras")
        seconds[load].append(time.monotonic() - began)
    assert min(seconds[load_file]) - min(seconds[keras.models.load_model]) < 2 * slowness()


def test_the_server_lives_and_its_checker_too(good: Good, tmp_path: Path) -> None:
    """After all those before."""
    predictions = load_file(good.written(tmp_path / "net.keras")).predict(np.zeros((1, 8, 8, 3), np.uint8))
    assert predictions[0].shape == (1, 2)
    assert 0 < sandbox_client._checker().peak_mb < 1024


@pytest.mark.parametrize("name", ["config: lambda with code", "archive: link", "weights: link to another file"])
def test_a_run_of_somebody_else_is_looked_at_as_closely(name: str, good: Good, tmp_path: Path) -> None:
    run = create(PRESETS["Q"], tmp_path)
    HOSTILE[name](good, run.best_path, tmp_path / "marker")
    with pytest.raises(ModelError, match=f"The model of run {run.id} can't be read because"):
        load_run(run)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("address", ["hf://keras/evil", "https://example.org/evil.keras", "gs://evil/net.keras"])
def test_addresses_are_not_followed(address: str) -> None:
    with pytest.raises(ModelError, match="is an address"):
        load_file(Path(address))


def test_a_copy_that_changes_between_trial_and_loading_is_refused(
    good: Good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file itself may change at any time; of the copy this shows that it is looked at again."""

    def changed(made: archive_check.Copy) -> None:
        sandbox_client.try_model(made)
        made.path.chmod(0o600)
        made.path.write_bytes(made.path.read_bytes() + b"x")

    monkeypatch.setattr("cnnviz.models.load.load.try_model", changed)
    with pytest.raises(ModelError, match="was changed while it was tried"):
        load_file(good.written(tmp_path / "net.keras"))


def test_copies_are_gone_and_were_private(good: Good, tmp_path: Path) -> None:
    with archive_check.private_copy(good.written(tmp_path / "net.keras")) as made:
        assert os.stat(made.path.parent).st_mode & 0o777 == 0o700
        assert files.digest(made.path) == made.sha256
    assert not made.path.parent.exists()


@pytest.mark.parametrize(
    ("found", "message"),
    [("3.15.0", "less safely"), ("3.9.2", "less safely"), ("3.15.1", None), ("3.16.0rc1", None), ("4.0", None)],
)
def test_an_older_keras_is_refused(found: str, message: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_check, "version", lambda name: found)
    archive_check.require_keras.cache_clear()
    if message is None:
        archive_check.require_keras()
    else:
        with pytest.raises(ModelError, match=message):
            archive_check.require_keras()


def test_the_requirements_say_so_too() -> None:
    wanted = ".".join(map(str, archive_check.OLDEST_KERAS))
    assert f"keras>={wanted}\n" in (ROOT / "requirements.txt").read_text()


def test_unsafe_loading_is_never_switched_on() -> None:
    sources = [ROOT / "streamlit_app.py"]
    for folder in ("cnnviz", "pages", "benchmarks"):
        sources += (ROOT / folder).rglob("*.py")
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"safe_mode\s*=\s*(?!True\b)|enable_unsafe|custom_object|allow_pickle\s*=\s*True", text), (
            path
        )
        calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]  # not what cards say
        if "load_model" in {getattr(call, "attr", getattr(call, "id", "")) for call in calls}:
            known = "models" in path.parts or path.parent.name == "benchmarks"
            assert known, f"{path} loads a file beside models/"


LIMITED = """
import os, sys
from cnnviz.models.load import sandbox
sandbox._limit()
try:
    bytearray(sandbox.MEMORY_BYTES)
except MemoryError:
    print("memory")
try:
    open(sys.argv[1], "w").write("x" * 10_000)
except OSError:
    print("disk")
touched = []
sys.addaudithook(lambda event, arguments: sandbox._forbid(touched, event, arguments))
for attempt in (lambda: os.system("true"), lambda: open(sys.argv[1], "a"), lambda: os.rename("/x", "/y"),
                lambda: __import__("socket").create_connection(("127.0.0.1", 9)), lambda: os.execv("/x", ["/x"])):
    try:
        attempt()
    except PermissionError:
        print("forbidden")
print(open("/etc/hostname").read() != "")
"""


def test_a_trial_has_limits_and_may_touch_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == ["memory", "disk", *["forbidden"] * 5, "True"], done.stderr
