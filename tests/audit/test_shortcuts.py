"""Shortcuts: planted ones are named with their class, and plain data raise no alarm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cnnviz.audit.measurements import measure
from cnnviz.audit.shortcuts import ALARM, PROPERTIES, Shortcut, shortcuts
from cnnviz.data import open_dataset
from cnnviz.recipe import Data
from tests.audit.made_pools import of_arrays, pool_of

CLASSES = ("bird", "cat", "dog")


def noise(count: int, seed: int, size: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def found(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...] = CLASSES, **more) -> list[Shortcut]:
    table = measure(of_arrays(images)).properties
    return shortcuts(table, labels, np.arange(len(labels)), "kind", classes, **more)


def properties(count: int, **columns) -> pd.DataFrame:
    """Of images that differ in nothing but these columns."""
    table = measure(of_arrays(np.full((1, 48, 48, 3), 100, np.uint8))).properties
    return pd.concat([table] * count, ignore_index=True).assign(**columns)


CORNERS = {
    "upper left corner": (slice(0, 3), slice(0, 3)),
    "upper right corner": (slice(0, 3), slice(45, 48)),
    "lower left corner": (slice(45, 48), slice(0, 3)),
    "lower right corner": (slice(45, 48), slice(45, 48)),
}


def test_a_mark_in_a_corner_is_named() -> None:
    """In nine of ten draws at least; of two classes the marked one is named, though both are told alike."""
    named = 0
    for seed in range(10):
        place = list(CORNERS)[seed % 4]
        classes, marked = (2, seed // 2 % 2) if seed // 4 % 2 else (3, seed // 2 % 3)
        images, labels = noise(60, seed), np.arange(60) % classes
        for k in np.flatnonzero(labels == marked):
            images[k][CORNERS[place]] = 255
        said = [one for one in found(images, labels, CLASSES[:classes]) if "corner" in one.property]
        named += [(one.property, one.label) for one in said] == [(place, CLASSES[marked])]
    assert named >= 9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 3])
def test_noise_raises_no_alarm(seed: int, classes: int) -> None:
    assert found(noise(60, seed), np.arange(60) % classes) == []


@pytest.mark.parametrize(("dataset", "heads"), [("digits", ["label"]), ("shapes", ["shape", "colour"])])
def test_bundled_data_raise_no_alarm(dataset: str, heads: list[str]) -> None:
    pool = pool_of(open_dataset(Data(dataset=dataset, image_size=8)))
    table, classes = measure(pool).properties, {head.name: head.classes for head in pool.dataset.heads}
    assert list(classes) == heads
    for head in heads:
        assert shortcuts(table, pool.labels[head], np.arange(len(pool)), head, classes[head]) == []


LABELS = np.arange(60) % 3
ONLY_CATS = LABELS == 1


@pytest.mark.parametrize(
    ("column", "values", "name"),
    [
        ("format", np.where(ONLY_CATS, "PNG", "JPEG"), "file format"),
        ("camera", np.where(ONLY_CATS, "Canon EOS", np.where(LABELS == 0, "", "Nikon")), "camera"),
        ("bytes", np.where(ONLY_CATS, 9000, 2000) + np.arange(60), "file size"),
        ("brightness", np.where(ONLY_CATS, 90, 60) + np.arange(60) % 7, "brightness"),
        ("contrast", np.where(ONLY_CATS, 50.0, 60.0), "contrast"),
        ("saturation", np.where(ONLY_CATS, 0.0, 60.0), "saturation"),
        ("sharpness", np.where(ONLY_CATS, 5.0, 6.0), "sharpness"),
        ("border 2", np.where(ONLY_CATS, 5.0, 6.0), "border"),
    ],
)
def test_each_property_is_a_shortcut_by_itself(column: str, values: np.ndarray, name: str) -> None:
    said = shortcuts(properties(60, **{column: values}), LABELS, np.arange(60), "kind", CLASSES)
    if column == "camera":  # each class has its own
        assert [(one.property, one.balanced_accuracy) for one in said] == [("camera", 1.0)]
        return
    assert said == [Shortcut(name, "kind", "cat", 1.0)]


def test_size_and_aspect_come_from_width_and_height() -> None:
    wide = np.where(ONLY_CATS, 96, 48)
    said = shortcuts(properties(60, width=wide), LABELS, np.arange(60), "kind", CLASSES)
    assert {one.property for one in said} == {"image size", "aspect"}
    said = shortcuts(properties(60, width=wide, height=wide), LABELS, np.arange(60), "kind", CLASSES)
    assert {one.property for one in said} == {"image size"}


def test_sharpness_of_small_images_is_no_shortcut() -> None:
    sharp = np.where(ONLY_CATS, 5.0, 6.0)
    assert shortcuts(properties(60, sharpness=sharp, width=32, height=28), LABELS, np.arange(60), "kind", CLASSES) == []


def test_balanced_accuracy_by_hand() -> None:
    """Bright are 36 of 40 cats and 4 of 80 others: a tree that asks for brightness is right so often."""
    labels = np.repeat([1, 0], [40, 80])
    bright = np.concatenate([np.arange(40) % 10 != 0, np.arange(80) % 20 == 0])
    table = properties(120, brightness=np.where(bright, 200.0, 100.0))
    groups = np.arange(120)
    [said] = shortcuts(table, labels, groups, "kind", CLASSES[:2])
    assert said.balanced_accuracy == pytest.approx((36 / 40 + 76 / 80) / 2)
    assert shortcuts(table, labels, groups, "kind", CLASSES[:2], least=0.93) == []
    assert said.balanced_accuracy > ALARM


def test_what_is_told_must_be_told_of_new_images() -> None:
    """Each file size stands for one group of copies, whose class it can tell by heart only."""
    random = np.random.default_rng(0)
    of_group, groups = random.integers(0, 2, 12), np.repeat(np.arange(12), 10)
    table = properties(120, bytes=random.permutation(12)[groups] * 100)
    assert shortcuts(table, of_group[groups], groups, "kind", CLASSES[:2], least=0.8) == []
    assert shortcuts(table, of_group[groups], np.arange(120), "kind", CLASSES[:2], least=0.8) != []


def test_the_surest_comes_first() -> None:
    nearly = ONLY_CATS ^ (np.arange(60) % 20 == 0)
    table = properties(60, contrast=np.where(nearly, 50.0, 60.0), saturation=np.where(ONLY_CATS, 50.0, 60.0))
    said = shortcuts(table, LABELS, np.arange(60), "kind", CLASSES)
    assert [one.property for one in said] == ["saturation", "contrast"]


def test_fewer_than_two_classes_with_images_to_ask_have_none() -> None:
    for labels in (np.zeros(60, int), np.repeat([0, 1], [56, 4]), np.arange(60)):
        table = properties(60, brightness=labels.astype(float))
        assert shortcuts(table, labels, np.arange(60), "kind", tuple(map(str, range(60)))) == []
    copies = np.where(LABELS == 0, np.arange(60), LABELS + 1000)
    assert shortcuts(properties(60, brightness=LABELS.astype(float)), LABELS, copies, "kind", CLASSES) == []


@pytest.mark.parametrize("column", ["brightness", "upper left corner 1", "format"])
def test_one_of_very_many_classes_is_found(column: str) -> None:
    labels = np.arange(1000) % 100
    random = np.random.default_rng(0)
    values = random.normal(100, 20, 1000)
    values[labels == 57] = random.normal(101, 0.01, 10)  # in the midst of all others
    named = np.where(labels == 57, "GIF", "PNG")
    table = properties(1000, **{column: named if column == "format" else values})
    [said] = shortcuts(table, labels, np.arange(1000), "kind", tuple(map(str, range(100))))
    assert said.label == "57"
    assert said.balanced_accuracy > 0.95


def test_every_property_is_measured() -> None:
    columns = {column for columns in PROPERTIES.values() for column in columns} - {"aspect"}
    assert columns == set(properties(1).columns)
