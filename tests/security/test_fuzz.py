"""A short search for what parsers did not expect: always the same inputs, a few seconds in all."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnnviz import images
from cnnviz.data.archive import keep
from cnnviz.data.kept import uploads_folder
from cnnviz.errors import DataError, ImageError, RecipeError
from cnnviz.figures.curves import learning, overlay_runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, parse, replace
from cnnviz.runs import metrics

SECONDS = 5  # that one input may take at most
SHORT = {
    "derandomize": True,
    "database": None,
    "deadline": SECONDS * 1000,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
PNG = images.to_png(np.full((8, 10, 3), 90, np.uint8))
KEYS = ["kind", "epoch", "batch", "batches", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "=x_loss"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from([10**400, 2**63])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
TREE = PRESETS["Q"].model_dump(mode="json")
PLACES = [
    "name",
    "seed",
    "data",
    "network",
    "fit",
    "augmentation",
    "data.dataset",
    "data.image_size",
    "data.limits",
    "data.channels",
    "data.test_share",
    "fit.epochs",
    "fit.learning_rate",
    "fit.patience",
    "network.layers",
    "network.heads",
    "network.layers.0",
    "network.layers.0.filters",
    "network.layers.0.type",
    "network.heads.0.units",
    "network.scaling",
    "augmentation.steps",
    "nothing.such",
    "network.layers.99",
]


STARTS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"GIF89a",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*",
    b"II+\0",
]


@settings(max_examples=200, **SHORT)
@given(st.binary(max_size=300), st.sampled_from(STARTS))
@pytest.mark.filterwarnings("ignore")
def test_images(body: bytes, start: bytes) -> None:
    with suppress(ImageError):
        assert images.decode(start + body).dtype == np.uint8


@settings(max_examples=120, **SHORT)
@given(st.binary(max_size=60) | st.text(max_size=60) | VALUES.map(json.dumps))
def test_any_json_as_a_recipe(source: bytes | str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(source)
    assert str(caught.value).endswith(".")


@settings(max_examples=150, **SHORT)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_recipes_with_other_values(changes: list) -> None:
    """What is taken is equal to its own JSON; what is not is told in one sentence."""
    try:
        recipe = replace(PRESETS["Q"], dict(changes))
    except RecipeError as error:
        message = str(error)
        if not message.endswith("."):
            raise
        return
    assert parse(recipe.to_json()) == recipe
    assert isinstance(recipe, Recipe)


def record() -> st.SearchStrategy:
    return st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6).map(
        lambda found: {**found, "kind": found["kind"]} if isinstance(found.get("kind"), str) else found
    )


LINES = st.lists(
    st.binary(max_size=30)
    | record().map(lambda found: json.dumps(found).encode())
    | st.builds(
        lambda kind, epoch, found: json.dumps({**found, "kind": kind, "epoch": epoch}).encode(),
        st.sampled_from(["epoch", "batch", "note"]),
        st.integers(-2, 9) | SCALARS,
        record(),
    ),
    max_size=8,
)


@contextmanager
def written(lines: list[bytes], torn: bool = False) -> Iterator[Path]:
    """A run's file of figures, a new one each time, as what was read of a file is remembered."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_bytes(b"\n".join(lines) + (b"" if torn else b"\n"))
        yield path


@settings(max_examples=80, **SHORT)
@given(lines=LINES, torn=st.booleans())
def test_figures_are_read(lines: list[bytes], torn: bool) -> None:
    """Whatever the file holds, it is read, and saved for a spreadsheet without a formula."""
    with written(lines, torn) as path:
        epochs, last = metrics.epochs(path), metrics.last(path)
    assert [record["epoch"] for record in epochs] == sorted({record["epoch"] for record in epochs})
    assert last is None or isinstance(last["kind"], str)
    for row in csv.reader(io.StringIO(metrics.to_csv(epochs))):
        for cell in row:
            assert not cell.startswith(("=", "@", "+", "\t", "\r")) or re.fullmatch(r"[-+.\de]+", cell)


@settings(max_examples=20, **SHORT)
@given(lines=LINES)
@example([json.dumps({"kind": "epoch", "epoch": 1, "loss": 10**400, "val_loss": 10**400}).encode()])
@example([json.dumps({"kind": "epoch", "epoch": 10**400, "loss": 1.0, "val_loss": -1.0}).encode()])
def test_figures_are_drawn(lines: list[bytes]) -> None:
    with written(lines) as path:
        history, epochs = metrics.history(path), metrics.epochs(path)
    drawn = [learning(history, epochs=epochs, total=9, best=1, turned=2, live=True)]
    drawn += [overlay_runs({"run": epochs}, log=log) for log in (False, True)]
    for figure in drawn:
        assert all(len(trace.x) == len(trace.y) for trace in figure.data)
        json.loads(figure.to_json(), parse_constant=pytest.fail)  # a browser reads neither NaN nor Infinity


NAMES = st.text(max_size=12) | st.sampled_from(
    ["cat/1.png", "dog/1.png", "../x.png", "/x.png", "a/b/c.png", "images.npy"]
)


def forged(members: list, changes: list) -> bytes:
    """An archive with these members and with other bytes here and there."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    made = bytearray(file.getvalue())
    for at, value in changes:
        made[at % len(made)] = value
    return bytes(made)


MEMBERS = st.lists(st.tuples(NAMES, st.just(PNG) | st.binary(max_size=40)), max_size=4)
CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6)


@settings(max_examples=200, **SHORT)
@given(members=MEMBERS, changes=CHANGES, good=st.booleans())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives(members: list, changes: list, good: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is written but into a folder of its own, and that only when the whole is taken."""
    home = tmp_path_factory.getbasetemp() / "fuzzed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CACHE", str(home / "cache"))
        before = {*(uploads_folder().iterdir() if uploads_folder().is_dir() else ())}
        more = [("cat/1.png", PNG), ("dog/1.png", PNG)] if good else []
        try:
            found = keep(io.BytesIO(forged([*more, *members], changes)), "x.zip")
        except DataError:
            assert {*(uploads_folder().iterdir() if uploads_folder().is_dir() else ())} == before
        else:
            assert found.parent.parent == uploads_folder()
            assert Path(found).exists()
        assert [path.name for path in home.iterdir()] == ["cache"] if home.is_dir() else True
