"""The audit of a whole folder with faults planted in it, and how it is kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnviz import images
from cnnviz.audit import features
from cnnviz.audit.audit import Audit, audit, kept_audit, to_json
from cnnviz.audit.measurements import Features, measure
from cnnviz.audit.pool import pool_of
from cnnviz.data import open_dataset
from cnnviz.data.dataset import Arrays, Dataset
from cnnviz.errors import DataError
from cnnviz.models.build.pretrained_weights import find_weights
from cnnviz.progress import Cancelled
from cnnviz.recipe import Data
from tests.audit.made_folder import SWAPPED, image, planted
from tests.audit.made_pools import made_dataset, of_arrays


def opened(folder: Path, **more) -> Dataset:
    return open_dataset(Data(**{"dataset": str(folder), "image_size": 32} | more))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small images; nobody may change it."""
    return planted(tmp_path_factory.mktemp("made") / "set")


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Audit, Audit | None]]:
    """Its audit, as it was worked out and as it was kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield audit(opened(folder)), kept_audit(opened(folder))


def check(made: Audit, folder: Path) -> None:
    """What is planted is found, by any model."""
    splits = opened(folder).splits
    digests = {
        name: Counter(hashlib.md5(split.path_of(i).read_bytes()).digest() for i in range(len(split)))
        for name, split in splits.items()
    }
    assert made.images == 70
    assert made.splits == {name: len(split) for name, split in splits.items()}
    assert sorted(map(sorted, made.exact)) == [
        ["test/red/leak.png", "train/red/0.png"],
        ["train/blue/2.png", "train/red/same.png"],
    ]
    assert [sorted(group) for group in made.near] == [["train/blue/1.png", "train/blue/near.jpg"]]
    wanted = {name: sum(digests[name][one] for one in set(digests["train"])) for name in ("test", "validation")}
    assert made.leaks == wanted
    assert made.leaks["test"] == 1
    assert [made.exact[k] for k in made.contradictions["label"]] == [("train/blue/2.png", "train/red/same.png")]
    assert made.near_contradictions == {"label": ()}
    suspects = {one.image: (one.label, one.suggested) for one in made.suspects}
    for name in SWAPPED:
        other = "red" if "blue" in name else "blue"
        assert suspects[name] == (name.split("/")[1], other)
    assert len(suspects) <= 5
    assert [one.score for one in made.suspects] == sorted((one.score for one in made.suspects), reverse=True)
    assert all(0.5 < one.score <= 1 for one in made.suspects)
    given = Counter(suspects.values())
    classes = ("blue", "red")
    assert made.confusions["label"] == tuple(tuple(given[row, column] for column in classes) for row in classes)
    assert made.unreadable == {"train/red/broken.png": "The image is damaged or cut off and can't be decoded."}
    kinds = {(one.image, one.kind) for one in made.outliers}
    assert {("train/red/broken.png", "unreadable"), ("train/blue/dark.png", "dark")} <= kinds
    assert "border" in {one.property for one in made.shortcuts}  # the classes are colours
    assert len(made.places) == len({one.image for one in made.places}) == 69
    assert all(0 <= one.x <= 1 >= one.y >= 0 for one in made.places)
    truth = {one.image: "red" if "red" in one.image else "blue" for one in made.places}
    truth |= {name: "red" if "blue" in name else "blue" for name in SWAPPED} | {"train/red/same.png": "blue"}
    assert sum(one.predicted == (truth[one.image],) for one in made.places) >= 66


def test_what_is_planted_is_found(found: tuple[Audit, Audit | None], folder: Path) -> None:
    made, _ = found
    check(made, folder)
    assert made.model == "a small network, trained on 2 of 3 parts"
    assert made.notes == ()
    assert made.seconds > 0


def test_what_is_planted_is_found_by_a_backbone(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(data_root / "keras"))
    if find_weights("MobileNetV2", (160, 160)) is None:
        pytest.skip("Needs MobileNetV2's weights in the folder that CNNVIZ_DATA names.")
    folder = planted(tmp_path / "set", 64)
    made = audit(opened(folder))
    check(made, folder)
    assert made.model == "MobileNetV2 with ImageNet weights, logistic regression"


def test_it_is_kept_as_it_was_found(found: tuple[Audit, Audit | None]) -> None:
    made, kept = found
    assert kept == made


KEYS = {
    *("dataset", "images", "splits", "exact", "near", "leaks", "near_leaks", "contradictions", "near_contradictions"),
    *("suspects", "hard", "outliers", "shortcuts", "imbalance", "notes", "model", "seconds"),
}


def test_json_has_what_is_promised(found: tuple[Audit, Audit | None], folder: Path) -> None:
    made, _ = found
    told = json.loads(json.dumps(to_json(made), allow_nan=False))
    assert set(told) == KEYS
    assert told["exact"] == {"groups": 2, "images": 4}
    assert told["near"] == {"groups": 1, "images": 2}
    assert told["splits"] == made.splits
    assert set(told["leaks"]) == {"test", "validation"}
    assert (told["contradictions"], told["near_contradictions"]) == ({"label": 1}, {"label": 0})
    assert [set(one) for one in told["suspects"]] == [{"image", "head", "label", "suggested", "score"}] * len(
        made.suspects
    )
    assert {frozenset(one) for one in told["outliers"]} == {frozenset({"image", "kind", "value", "score"})}
    assert {frozenset(one) for one in told["shortcuts"]} == {
        frozenset({"property", "head", "label", "balanced_accuracy"})
    }
    assert told["hard"] == len(made.hard)
    assert to_json(made, 1)["suspects"] == told["suspects"][:1]
    assert to_json(made, 0)["suspects"] == []
    assert to_json(made, 99) == to_json(made)


def test_its_names_are_those_of_a_recipe(found: tuple[Audit, Audit | None], folder: Path) -> None:
    made, _ = found
    gone = {one.image for one in made.suspects} | {one.image for one in made.outliers} | set(made.exact[0][1:])
    left = opened(folder, without=tuple(sorted(gone)))
    assert sum(map(len, left.splits.values())) == 70 - len(gone)
    one = made.suspects[0]
    relabelled = opened(folder, labels={one.image: {"label": one.suggested}})
    now = {
        split.name_of(i): left.head("label").classes[split.labels["label"][i]]
        for split in relabelled.splits.values()
        for i in range(len(split))
    }
    assert now[one.image] == one.suggested


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that features are made, which here takes no model: each image's mean colour."""

    def made(pool, measured, groups, *, progress=None, cancelled=None) -> Features:
        done.append(pool.dataset.name)
        kept = np.flatnonzero(measured.readable)
        matrix = np.stack([np.append(pool.image(i).mean(axis=(0, 1)), i % 7) for i in kept]).astype(np.float32)
        told = {}
        for head in pool.dataset.heads:
            told[head.name] = np.full((len(kept), len(head.classes)), 0.05, np.float32)
            told[head.name][np.arange(len(kept)), pool.labels[head.name][kept]] = 0.9
        return Features("mean colours", kept, matrix, told)

    done: list[str] = []
    monkeypatch.setattr(features, "features_of", made)
    return done


def test_it_is_worked_out_once_or_anew(folder: Path, calls: list[str]) -> None:
    assert kept_audit(opened(folder)) is None
    first = audit(opened(folder))
    again = audit(opened(folder))
    assert len(calls) == 1
    assert again == first == kept_audit(opened(folder))
    audit(opened(folder), anew=True)
    assert len(calls) == 2


def kept_files() -> list[Path]:
    kept = sorted(Path(os.environ["CNNVIZ_CACHE"]).rglob("audits/*.json"))
    return [path for path in kept if '"outliers"' in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "{}",
        lambda text: text.replace('"exact"', '"exakt"'),
        lambda text: json.dumps(json.loads(text) | {"places": 3}),
        lambda text: json.dumps(json.loads(text) | {"outliers": [{"image": "a"}]}),
        lambda text: json.dumps(json.loads(text) | {"images": "many"}),
        lambda text: json.dumps(json.loads(text) | {"contradictions": {"label": ["x"]}}),
    ],
)
def test_what_is_kept_but_damaged_is_worked_out_again(folder: Path, calls: list[str], damage) -> None:
    first = audit(opened(folder))
    [path] = kept_files()
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert kept_audit(opened(folder)) is None
    again = audit(opened(folder))
    assert len(calls) == 2
    assert replace(again, seconds=0) == replace(first, seconds=0)
    assert kept_audit(opened(folder)) == again


def test_other_images_labels_or_splits_are_audited_anew(tmp_path: Path, calls: list[str]) -> None:
    folder = planted(tmp_path / "set")
    audit(opened(folder))
    for more in (
        {"labels": {"train/red/3.png": {"label": "blue"}}},
        {"splits": {"train/red/3.png": "test"}},
        {"without": ("train/red/3.png",)},
        {"validation_share": 0.3},
        {"split_seed": 5},
    ):
        assert kept_audit(opened(folder, **more)) is None, more
    assert kept_audit(opened(folder)) is not None
    (folder / "train/red/3.png").write_bytes(images.to_png(image("red", 999)))
    assert kept_audit(opened(folder)) is None
    assert len(audit(opened(folder)).unreadable) == 1
    assert len(calls) == 2


def test_images_in_memory_are_known_by_their_pixels(tmp_path: Path, calls: list[str]) -> None:
    def kept(**more) -> Audit | None:
        return kept_audit(opened(tmp_path / "set.npz", **more))

    def write() -> None:
        parts = {"x_train": pixels[:30], "x_test": pixels[30:], "y_train": labels[:30], "y_test": labels[30:]}
        np.savez(tmp_path / "set.npz", **parts)

    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    labels = np.arange(40) % 2
    write()
    moved = {"splits": {"train:#2": "test", "train:#4": "validation"}}
    audit(opened(tmp_path / "set.npz"))
    audit(opened(tmp_path / "set.npz", **moved))
    assert kept() is not None
    assert kept(**moved) is not None
    assert kept(splits={"train:#4": "test", "train:#2": "validation"}) is None
    pixels[35, 0, 0, 0] ^= 1
    write()
    assert kept() is None
    assert kept(**moved) is None


def test_it_can_be_ended_and_says_how_far_it_is(folder: Path) -> None:
    said: list[tuple[str, int, int]] = []

    def ended() -> bool:
        return any(what == "Training a small network" for what, _, _ in said)

    with pytest.raises(Cancelled):
        audit(opened(folder), progress=lambda *one: said.append(one), cancelled=ended)
    whats = [what for what, _, _ in said]
    assert whats[0] == "Reading images"
    assert "Comparing images" in whats
    assert whats.count("Training a small network") == 1
    assert kept_files() == []


def test_a_cache_that_cannot_be_written_is_said(folder: Path, calls: list[str], tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"^The audit can't be kept in .*set CNNVIZ_CACHE to a folder"):
        audit(opened(folder))


@pytest.mark.parametrize("good", [0, 1])
def test_where_nothing_can_be_compared_it_is_said(tmp_path: Path, good: int) -> None:
    for name in ("train/blue", "train/red", "test/blue", "test/red"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.png").write_text("broken")
    if good:
        (tmp_path / "train/blue/a.png").write_bytes(images.to_png(image("blue", 0)))
    said = r"^(Not|Only) one of the 4 images of .* can be read; train/(red|blue)/a\.png: This is not an image"
    with pytest.raises(DataError, match=said) as caught:
        audit(opened(tmp_path, validation_share=0))
    assert str(caught.value).startswith("Only" if good else "Not")


def test_a_split_of_broken_images_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it one that the first image is broken."""
    monkeypatch.setattr(features, "_IMAGES_A_FOLD", 0)
    for colour in ("blue", "red"):
        for split, count in (("train", 8), ("test", 1)):
            (tmp_path / split / colour).mkdir(parents=True)
            for k in range(count):
                (tmp_path / split / colour / f"{k}.png").write_bytes(images.to_png(image(colour, k)))
        (tmp_path / "test" / colour / "0.png").write_text("broken")
    (tmp_path / "train/blue/0.png").write_text("broken")
    made = audit(opened(tmp_path, validation_share=0))
    assert set(made.unreadable) == {"test/blue/0.png", "test/red/0.png", "train/blue/0.png"}
    assert len(made.places) == 15


def test_labels_that_no_model_learns_are_not_judged(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    dataset = made_dataset(Arrays(lambda: noise), {"easy": [0, 1] * 30, "hard": [0, 0, 1] * 20})
    stub = features.features_of

    def worse(pool, *rest, **more) -> Features:
        made = stub(pool, *rest, **more)
        made.probabilities["hard"][:20] = made.probabilities["hard"][:20, ::-1]  # right for 40 of 60
        made.probabilities["easy"][[4, 9]] = [[0.4, 0.6], [0.45, 0.55]]
        return made

    monkeypatch.setattr(features, "features_of", worse)
    made = audit(dataset)
    assert made.notes == (
        "The labels of hard can't be judged: mean colours, predicts 67% of them out of fold, fewer than 70%.",
    )
    assert {one.head for one in (*made.suspects, *made.hard)} == {"easy"}
    assert made.confusions["hard"] == ()


def test_the_hardest_of_all_heads_come_first(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    dataset = made_dataset(Arrays(lambda: noise), {"one": [0, 1] * 30, "other": [0, 0, 1] * 20})
    stub = features.features_of

    def unsure(pool, *rest, **more) -> Features:
        made = stub(pool, *rest, **more)
        for head, at, given in (("one", 6, 0.55), ("one", 8, 0.53), ("other", 9, 0.54), ("other", 10, 0.52)):
            made.probabilities[head][at] = 1 - given
            made.probabilities[head][at, pool.labels[head][at]] = given
        return made

    monkeypatch.setattr(features, "features_of", unsure)
    assert [(one.image, one.probability) for one in audit(dataset).hard] == [
        ("#10", 0.52),
        ("#8", 0.53),
        ("#9", 0.54),
        ("#6", 0.55),
    ]


def test_one_image_again_and_again_is_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_IMAGES_A_FOLD", 0)
    pool = of_arrays(np.repeat(image("red", 0)[None], 30, axis=0), [0, 1] * 15)
    made = audit(pool.dataset)
    assert [len(group) for group in made.exact] == [30]
    assert made.contradictions == {"label": (0,)}
    assert {(one.x, one.y) for one in made.places} == {(0.5, 0.5)}
    assert [one.kind for one in made.outliers] == []


def test_features_are_of_images_that_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_IMAGES_A_FOLD", 0)
    pool = pool_of(opened(folder))
    measured = measure(pool)
    made = features.features_of(pool, measured, np.arange(len(pool)))
    assert made.kept.tolist() == np.flatnonzero(measured.readable).tolist()
    assert made.matrix.shape == (69, 64)
    assert made.probabilities["label"].shape == (69, 2)
    assert made.probabilities["label"].sum(axis=1) == pytest.approx(np.ones(69), abs=1e-5)
