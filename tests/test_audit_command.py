"""`audit` as scripts meet it: one JSON object, plain lines, and one line for every bad input."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cnnviz import images, runs
from cnnviz.audit import features
from cnnviz.audit.audit import Audit, audit
from cnnviz.data.dataset import Dataset
from cnnviz.data.review import review_from_json
from cnnviz.progress import Progress
from tests.audit.made_folder import image, planted
from tests.audit.made_pools import by_colour


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with faults, and a cache folder beside it that all tests of this file share."""
    return planted(tmp_path_factory.mktemp("made") / "set")


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, where the audit is kept once one test has made it."""
    monkeypatch.setenv("CNNVIZ_CACHE", str(made.parent / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(made.parent / "keras"))
    return made


def test_json_is_one_object(folder: Path, command) -> None:
    done = command("audit", str(folder), "--json")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    assert told["images"] == 70
    assert told["exact"] == {"groups": 2, "images": 4}
    assert told["leaks"]["test"] == 1
    assert len(told["suspects"]) >= 3
    assert [line[:8] for line in done.stderr.splitlines()] == ["cnnviz: "] * len(done.stderr.splitlines())
    few = json.loads(command("audit", str(folder), "--json", "--suspects", "2").stdout)
    assert few["suspects"] == told["suspects"][:2]
    assert few | {"suspects": 0} == told | {"suspects": 0}  # its seconds too, as it was kept
    assert json.loads(command("audit", "--suspects", "0", "--json", str(folder)).stdout)["suspects"] == []


def test_plain_lines_say_the_same(folder: Path, command) -> None:
    told = json.loads(command("audit", str(folder), "--json").stdout)
    done = command("audit", str(folder))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    splits = ", ".join(f"{count} {name}" for name, count in told["splits"].items())
    assert lines[0] == f"{folder}: 70 images ({splits})"
    assert "1 test images are in the training data, 0 nearly" in lines
    assert "exact duplicates: 4 images in 2 groups" in lines
    assert "near duplicates: 2 images in 1 groups" in lines
    assert "1 groups of the same image have different labels of label" in lines
    assert f"probably wrong labels: {len(told['suspects'])}; hard but right: {told['hard']}" in lines
    one = told["suspects"][0]
    assert f"  {one['image']}: label is {one['label']}, suggested {one['suggested']} ({one['score']:.2f})" in lines
    assert any(line.startswith("odd ones: 1 unreadable, 1 dark") for line in lines)
    assert any(line.startswith("shortcut: border alone tells ") for line in lines)
    assert lines[-1].startswith("features by a small network, trained on 2 of 3 parts; ")
    shown = [line for line in lines if line.startswith("  ")]
    assert len(shown) == min(10, len(told["suspects"]))
    few = command("audit", str(folder), "--suspects", "1").stdout.splitlines()
    assert [line for line in few if line.startswith("  ")] == shown[:1]


def test_anew_works_it_out_again(folder: Path, command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def seen(dataset: Dataset, *, progress: Progress, anew: bool) -> Audit:
        asked.append(anew)
        return audit(dataset)

    monkeypatch.setattr(importlib.import_module("cnnviz.commands.audit"), "audit", seen)
    for options in ([], ["--anew"]):
        assert command("audit", str(folder), *options).returncode == 0
    assert asked == [False, True]


def test_a_review_keeps_one_of_each_duplicate_and_train_takes_it(
    folder: Path, command, checkpoints: Path, tmp_path: Path
) -> None:
    review, recipe = tmp_path / "review.json", tmp_path / "recipe.json"
    assert command("audit", str(folder), "--review", str(review)).returncode == 0
    told = review_from_json(review.read_text())
    assert len(told.decisions) == 3
    assert all(one.leave_out for one in told.decisions.values())
    small = {"data.dataset": str(folder), "data.image_size": [32, 32], "data.channels": 3, "fit.epochs": 1}
    settings = [f"{key}={json.dumps(value)}" for key, value in small.items()]
    done = command("train", "Q", "--set", *settings, "--review", str(review), "--detach")
    assert done.returncode == 0, done.stderr
    run = runs.open_run(json.loads(done.stdout)["run"])
    assert set(run.recipe.data.without) == set(told.decisions)
    recipe.write_text("image,decision,head,label,split\n" + f"{next(iter(told.decisions))},leave out,,,\n")
    csv = recipe.rename(recipe.with_suffix(".csv"))
    done = command("train", "Q", "--set", *settings, "--review", str(csv), "--detach")
    assert runs.open_run(json.loads(done.stdout)["run"]).recipe.data.without == (next(iter(told.decisions)),)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "can't be read"), ("{", "review|JSON"), ('{"dataset": "digits"}', "of the data set")]
)
def test_a_bad_review_is_one_line(tmp_path: Path, checkpoints: Path, command, text: str | None, said: str) -> None:
    review = tmp_path / "review.json"
    if text is not None:
        review.write_text(text)
    done = command("train", "S", "--review", str(review))
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert done.stderr.count("\n") == 1
    assert not runs.listing()


HOSTILE = ":smile: [red]é😀[bold].png"


def test_names_are_printed_as_they_are(tmp_path: Path, folder: Path, command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets are no markup, :smile: is no emoji, and what can't be printed is an escape."""
    monkeypatch.setattr(features, "features_of", by_colour)
    for number, colour in enumerate(("-blue", "[bold]red")):
        (tmp_path / "set" / colour).mkdir(parents=True)
        for k in range(30):
            (tmp_path / "set" / colour / f"{k}.png").write_bytes(images.to_png(image(("blue", "red")[number], k)))
    for name in (HOSTILE, "a\nb.png"):
        red = images.to_png(image("red", 50 + len(name)))
        (tmp_path / "set/-blue" / name).write_bytes(red)
    monkeypatch.chdir(tmp_path)
    plain = command("audit", "./set")
    assert plain.returncode == 0
    assert f"  -blue/{HOSTILE}: label is -blue, suggested [bold]red (" in plain.stdout
    assert "  -blue/a\\nb.png: label is -blue, suggested [bold]red (" in plain.stdout
    told = json.loads(command("audit", "./set", "--json").stdout)
    assert {f"-blue/{HOSTILE}", "-blue/a\\nb.png"} <= {one["image"] for one in told["suspects"]}


def test_heads_of_any_name_are_said(folder: Path, command, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "[/red]" closes a colour that was never opened, where it is taken for markup."""
    verb = importlib.import_module("cnnviz.commands.audit")

    def slow(dataset: Dataset, *, progress: Progress, anew: bool) -> Audit:
        progress("Predicting [/red] out of fold", 0, 2)
        time.sleep(0.3)  # the bar is drawn ten times a second
        return replace(audit(dataset), notes=("The labels of :smile: [/red] can't be judged.",))

    monkeypatch.setattr(verb, "audit", slow)
    monkeypatch.setenv("FORCE_COLOR", "1")  # the bar is drawn, as on a terminal
    done = command("audit", str(folder))
    assert done.returncode == 0
    assert "Predicting [/red] out of fold" in done.stderr
    assert "The labels of :smile: [/red] can't be judged.\n" in done.stdout


def one_class(folder: Path) -> Path:
    shutil.copytree(folder / "train/red", folder.parent / "one/red", dirs_exist_ok=True)
    return folder.parent / "one"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no such set"], "no such set"),
        (["-x"], "required: DATASET|unrecognized arguments: -x"),
        (["--", "-x"], "-x"),
        (["[red]x[/red]"], r"\[red\]x\[/red\]"),
        (["a\nb"], "can't be printed"),
        (["😀"], "😀"),
        ([""], "dataset"),
        (["a" * 2000], "1000|1,000"),
        ([], "DATASET"),
        (["digits", "--suspects", "-1"], r"--suspects is -1; expected 0 or more\.|expected one argument"),
        (["digits", "--suspects=-1"], r"--suspects is -1; expected 0 or more\."),
        (["digits", "--suspects", "many"], "invalid int value: 'many'"),
        (["digits", "--columns", "label"], "digits has no columns of labels to choose from"),
        (["digits", "--review", "review.csv"], r"--review is 'review.csv': a review is JSON"),
        (["digits", "--review", "no/such/folder.json"], "its folder must be there"),
        (["EMPTY"], "empty"),
        (["ONE"], "one"),
        (["BROKEN"], r"Not one of the 8 images of .* can be read; "),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_input_is_one_line(
    tmp_path: Path, folder: Path, command, arguments: list[str], said: str, as_json: bool
) -> None:
    (tmp_path / "empty").mkdir()
    for k in range(8):
        place = tmp_path / "broken" / ("train", "test")[k // 4] / "ab"[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k}.png").write_text("broken")
    places = {"EMPTY": tmp_path / "empty", "ONE": one_class(folder), "BROKEN": tmp_path / "broken"}
    options = ["--json"] if as_json else []
    done = command("audit", *options, *(str(places.get(one, one)) for one in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("cnnviz: ")
    assert done.stderr.index("\n") == len(done.stderr) - 1
