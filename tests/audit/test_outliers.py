"""Odd ones: each kind from images made for it, none among plain ones, and sentences on rare classes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cnnviz import images
from cnnviz.audit.measurements import Features, measure
from cnnviz.audit.outliers import KINDS, imbalance, outliers
from cnnviz.data.dataset import Arrays
from tests.audit.made_pools import made_dataset, of_arrays, of_files, pool_of


def plain(count: int = 40, height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    """Colourful images of about one brightness and sharpness."""
    random = np.random.default_rng(seed)
    rough = random.normal(128, 50, (count, height // 4, width // 4, 3))
    return np.stack([cv2.resize(one, (width, height)) for one in rough]).clip(0, 255).astype(np.uint8)


def clouds(count: int = 40) -> Features:
    """Features around one direction."""
    matrix = np.random.default_rng(1).normal(3, 1, (count, 16)).astype(np.float32)
    return Features("made", np.arange(count), matrix, {})


def found(images: np.ndarray, features: Features | None = None) -> dict[str, list[int]]:
    """Which images are of each kind."""
    pool = of_arrays(images)
    return by_kind(outliers(pool, measure(pool), features))


def by_kind(odd) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = {}
    for one in odd:
        kinds.setdefault(one.kind, []).append(one.image)
    assert list(kinds) == [kind for kind in KINDS if kind in kinds]
    return kinds


@pytest.mark.parametrize("seed", range(5))
def test_plain_images_are_not_odd(seed: int) -> None:
    assert found(plain(100, seed=seed), clouds()) == {}
    grey = np.random.default_rng(seed).integers(0, 256, (60, 28, 28, 1), np.uint8)
    assert found(grey) == {}


def test_dark_bright_flat_and_blurred_ones() -> None:
    made = plain()
    made[3] = made[3] // 5  # no value above 51
    made[7] = 210 + made[7] // 8
    made[9] = 210 + made[9] // 6
    made[11] = 100 + made[11] // 20
    made[13] = cv2.GaussianBlur(made[13], (0, 0), 6)
    made[14] = made[14] // 7
    kinds = found(made)
    assert kinds["dark"] == [14, 3]  # the darker one first
    assert sorted(kinds["bright"]) == [7, 9]
    assert 11 in kinds["flat"]
    assert kinds["blurred"][0] in (11, 13)
    assert 13 in kinds["blurred"]
    assert set(kinds["blurred"]) <= {3, 7, 9, 11, 13, 14}


def test_limits_by_hand() -> None:
    made = plain()
    for k, (one, other) in enumerate([(63, 20), (64, 20), (201, 255), (200, 255)]):
        made[k], made[k, ::2] = one, other
    for k, half in ((4, 7), (5, 8)):  # of which the standard deviation is just so much
        made[k], made[k, ::2] = 128 - half, 128 + half
    kinds = found(made)
    assert kinds["dark"] == [0]
    assert kinds["bright"] == [2]
    assert kinds["flat"] == [4]


def test_grey_ones_among_colour_images() -> None:
    made = plain()
    made[5:8] = made[5:8, ..., :1]
    assert found(made) == {"grey": [5, 6, 7]}
    made[:5] = made[:5, ..., :1]  # a fifth: there they belong
    assert found(made) == {}


def test_sizes_and_aspects(tmp_path: Path) -> None:
    whole = plain()
    sizes = {3: (200, 267), 5: (30, 40), 8: (60, 200), 9: (100, 60), 12: (90, 120)}
    for k, image in enumerate(whole):
        image = cv2.resize(image, sizes[k][::-1], interpolation=cv2.INTER_NEAREST) if k in sizes else image
        (tmp_path / f"{k}.png").write_bytes(images.to_png(image))
    pool = of_files(tmp_path, [f"{k}.png" for k in range(40)])
    odd = outliers(pool, measure(pool), None)
    kinds = by_kind(odd)
    assert kinds["odd size"] == [3, 5]  # 11 times as large, a quarter; 2.25 times is not odd, nor is 2.5
    assert kinds["odd aspect"] == [8, 9]  # 2.5 times as wide; 2.2 times as high
    of = {(one.kind, one.image): one for one in odd}
    assert of["odd size", 5].value == 30 * 40
    assert of["odd size", 5].score == pytest.approx(4)
    assert of["odd aspect", 9].value == pytest.approx(0.6)
    assert of["odd aspect", 9].score == pytest.approx(80 / 60 / 0.6)


def test_unreadable_ones_are_odd_in_nothing_else(tmp_path: Path) -> None:
    for k, image in enumerate(plain()):
        (tmp_path / f"{k}.png").write_bytes(images.to_png(image))
    (tmp_path / "1.png").write_text("broken")
    pool = of_files(tmp_path, [f"{k}.png" for k in range(40)] + ["gone.png"])
    assert by_kind(outliers(pool, measure(pool), None)) == {"unreadable": [1, 40]}
    none = of_files(tmp_path, ["1.png", "gone.png"])
    assert by_kind(outliers(none, measure(none), None)) == {"unreadable": [0, 1]}


def test_features_far_from_all_others() -> None:
    features = clouds()
    features.matrix[17] *= -1
    features.matrix[20] *= 5  # as far along the same direction as it may be: angles count
    kept = Features("made", np.arange(40) + 7, features.matrix, {})
    pool = of_arrays(plain(47))
    odd = outliers(pool, measure(pool), kept)
    assert by_kind(odd) == {"unlike others": [17 + 7]}
    unit = features.matrix / np.linalg.norm(features.matrix, axis=1, keepdims=True)
    distances = np.sort(1 - unit[17] @ np.delete(unit, 17, axis=0).T)
    assert odd[0].value == pytest.approx(distances[:10].mean(), rel=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_features_are_compared_with_those_there_are(count: int) -> None:
    assert found(plain(), clouds(count)) == {}


def test_copies_are_not_unlike_others_by_rounding() -> None:
    few = clouds(4).matrix
    features = Features("made", np.arange(80), np.concatenate([np.repeat(few, 15, axis=0), clouds(20).matrix]), {})
    features.matrix[:60] *= 1 + np.random.default_rng(0).normal(0, 1e-7, (60, 16)).astype(np.float32)
    found_ones = found(plain(80), features)
    assert min(found_ones.get("unlike others", [60])) >= 60


def test_images_that_are_all_alike_are_not_odd() -> None:
    assert (
        found(np.repeat(plain(1), 60, axis=0), Features("made", np.arange(60), np.ones((60, 8), np.float32), {})) == {}
    )
    one_off = np.repeat(plain(1), 60, axis=0)
    one_off[5] = cv2.addWeighted(one_off[5], 0.9, cv2.GaussianBlur(one_off[5], (0, 0), 3), 0.1, 0)  # a trace less sharp
    assert found(one_off) == {}


def labelled(labels: dict[str, list[int]], splits: list[str]) -> list[str]:
    blank = np.zeros((len(splits), 1, 1, 1), np.uint8)
    return imbalance(pool_of(made_dataset(Arrays(lambda: blank), labels, splits)))


def test_rare_classes_are_said() -> None:
    said = labelled({"kind": [0] * 45 + [1] * 45 + [2] * 10}, ["train"] * 100)
    assert said == ["c2 (kind) is 10.0% of the training images; an even share would be 33.3%."]
    assert labelled({"kind": [0] * 41 + [1] * 42 + [2] * 17}, ["train"] * 100) == []
    assert labelled({"kind": [1] * 10 + [0]}, ["train"] * 10 + ["test"])[0].startswith("c0 (kind) is 0.0% of the")


def test_uneven_splits_are_said() -> None:
    splits = ["train"] * 100 + ["test"] * 100
    said = labelled({"kind": [0, 1] * 50 + [0] * 80 + [1] * 20, "even": [0, 1] * 100}, splits)
    assert said == ["c0 (kind) is 80.0% of the test images but 50.0% of the training images."]
    assert labelled({"kind": [0, 1] * 50 + [0] * 60 + [1] * 40}, splits) == []  # by 2 standard errors
    few = ["train"] * 100 + ["validation"] * 6
    assert labelled({"kind": [0, 1] * 50 + [0] * 5 + [1]}, few) == []
