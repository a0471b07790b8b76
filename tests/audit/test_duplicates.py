"""Duplicates: all that brute force finds, all that was planted, no two different photos; leaks and contradictions."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnnviz import images
from cnnviz.audit import duplicates
from cnnviz.audit.duplicates import (
    CORRELATION,
    HAMMING,
    SMALL,
    contradictions,
    exact_groups,
    leaks,
    near_pairs,
    twins,
)
from cnnviz.audit.measurements import Measurements, measure
from cnnviz.data.samples import sample, samples
from cnnviz.progress import Cancelled
from tests.audit.made_pools import of_arrays, of_files


def lists(groups) -> list[list[int]]:
    return [group.tolist() for group in groups]


def measured_of(thumbnails: np.ndarray, sizes: list[int] | None = None) -> Measurements:
    """As if images of these thumbnails had been measured; by themselves they are small."""
    sizes = sizes or [32] * len(thumbnails)
    table = pd.DataFrame({"width": sizes, "height": sizes})
    return Measurements(np.array([f"{k}" for k in range(len(thumbnails))]), thumbnails, table, {})


def by_brute_force(measured: Measurements) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """All pairs of near duplicates, and those that lie so close to a limit that rounding may decide."""
    correlations = np.corrcoef(measured.thumbnails.reshape(len(measured.thumbnails), -1).astype(float))
    hashes = [imagehash.phash(Image.fromarray(one)) for one in measured.thumbnails]
    sizes = measured.properties.max(axis=1)
    found, doubtful = set(), set()
    for i, j in zip(*np.triu_indices(len(hashes), 1), strict=True):
        small = sizes[i] <= SMALL[0] and sizes[j] <= SMALL[0]
        above = correlations[i, j] - (SMALL[1] if small else CORRELATION)
        if above > -1e-5 and hashes[i] - hashes[j] <= HAMMING:
            found.add((int(i), int(j)))
            if above < 1e-5:
                doubtful.add((int(i), int(j)))
    return found, doubtful


def near(thumbnails: np.ndarray, sizes: list[int] | None = None) -> list[tuple[int, int]]:
    measured = measured_of(thumbnails, sizes)
    return sorted(map(tuple, near_pairs(measured, np.arange(len(thumbnails))).tolist()))


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 60),
    detail=st.sampled_from([2, 4, 8, 32]),
    noise=st.sampled_from([2, 10, 25, 60]),
    large=st.booleans(),
)
def test_no_pair_is_lost(seed: int, count: int, detail: int, noise: int, large: bool) -> None:
    """Among images of all degrees of likeness, the very pairs that the definition names."""
    random = np.random.default_rng(seed)
    bases = [cv2.resize(random.normal(size=(detail, detail)), (32, 32)) * 50 + 128 for _ in range(max(1, count // 6))]
    near_to = [bases[k % len(bases)] + random.normal(0, noise * random.random(), (32, 32)) for k in range(count)]
    thumbnails = np.clip(near_to, 0, 255).astype(np.uint8)
    sizes = random.choice([28, 32, 33, 200], count).tolist() if large else None
    wanted, doubtful = by_brute_force(measured_of(thumbnails, sizes))
    found = near(thumbnails, sizes)
    assert len(set(found)) == len(found)
    assert set(found) - doubtful == wanted - doubtful


def test_pairs_are_found_far_beyond_the_kept_components() -> None:
    """White noise: the first 96 of 1,024 principal components hold a tenth of each image."""
    noise = np.random.default_rng(0).integers(0, 256, (1500, 32, 32), np.uint8)
    noise[1000:] = np.clip(noise[:500] + np.random.default_rng(1).integers(-20, 21, (500, 32, 32)), 0, 255)
    found = near(noise, [200] * 1500)
    wanted, doubtful = by_brute_force(measured_of(noise[:60], [200] * 60))
    assert wanted == doubtful == set()
    hashes = [imagehash.phash(Image.fromarray(one)) for one in noise]
    assert found == [(k, 1000 + k) for k in range(500) if hashes[k] - hashes[1000 + k] <= HAMMING]
    assert len(found) > 400


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Different photos: scikit-image's, and four parts of each."""
    whole = [np.ascontiguousarray(one) for one in samples().values()]
    parts = [
        one[top : top + one.shape[0] // 2, left : left + one.shape[1] // 2]
        for one in whole
        for top in (0, one.shape[0] // 2)
        for left in (0, one.shape[1] // 2)
    ]
    return whole + parts


def resaved(photo: np.ndarray) -> np.ndarray:
    return images.decode(cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes())


CHANGES = {
    "JPEG of quality 40": resaved,
    "resized by 0.7": lambda photo: cv2.resize(photo, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA),
    "brightened by 10 %": lambda photo: np.clip(photo * 1.1, 0, 255).astype(np.uint8),
    "grey": lambda photo: np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_of_a_photo_is_found_and_no_other(photos, tmp_path: Path, change: str) -> None:
    for k, photo in enumerate(photos):
        (tmp_path / f"{k}.png").write_bytes(images.to_png(photo))
        (tmp_path / f"{k}-copy.png").write_bytes(images.to_png(CHANGES[change](photo)))
    pool = of_files(tmp_path, [f"{k}{copy}.png" for copy in ("", "-copy") for k in range(len(photos))])
    found = twins(pool, measure(pool))
    assert found.exact == ()
    assert lists(found.near) == [[k, k + len(photos)] for k in range(len(photos))]


def test_small_images_must_be_more_alike() -> None:
    random = np.random.default_rng(0)
    base = cv2.resize(random.normal(size=(8, 8)), (32, 32)) * 50 + 128
    pair = np.clip([base, base + random.normal(0, 8, (32, 32))], 0, 255).astype(np.uint8)
    assert CORRELATION < np.corrcoef(pair.reshape(2, -1))[0, 1] < SMALL[1]
    assert near(pair, [32, 32]) == []
    assert near(pair, [33, 33]) == [(0, 1)]


def test_images_without_any_detail_are_like_none() -> None:
    assert near(np.stack([np.full((32, 32), value, np.uint8) for value in (0, 100, 101, 255)]), [200] * 4) == []
    assert near(np.zeros((0, 32, 32), np.uint8)) == []
    assert near(np.zeros((1, 32, 32), np.uint8)) == []


def test_exact_groups_are_hashlibs(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    wanted = defaultdict(list)
    names = [f"{k}.png" for k in range(60)]
    for k, name in enumerate(names):
        (tmp_path / name).write_bytes(images.to_png(np.full((8, 8, 3), random.integers(25), np.uint8)))
        wanted[hashlib.md5((tmp_path / name).read_bytes()).digest()].append(k)
    (tmp_path / "60.png").write_text("broken")
    (tmp_path / "61.png").write_text("broken")
    pool = of_files(tmp_path, [*names, "60.png", "gone.png", "61.png", "gone too.png"])
    found = twins(pool, measure(pool))
    groups = sorted(group for group in wanted.values() if len(group) > 1)
    assert len(groups) > 10
    assert lists(found.exact) == [*groups, [60, 62]]
    assert found.near == ()


def test_near_groups_hold_together_and_hold_exact_copies() -> None:
    """a ~ b ~ c, where a and c are too far apart; a and c have exact copies; d has one and no near twin."""
    photo = sample("chelsea")[:300, :300].astype(int)
    other = cv2.resize(sample("rocket"), (300, 300)).astype(int)
    a, b, c = (((1 - k) * photo + k * other).clip(0, 255).astype(np.uint8) for k in (0.0, 0.15, 0.3))
    d = sample("coffee")[:300, :300]
    pool = of_arrays(np.stack([d, c, a, b, a, d, c]))
    measured = measure(pool)
    pairs = near_pairs(measured, np.array([0, 1, 2, 3])).tolist()
    assert sorted(pairs) == [[1, 3], [2, 3]]
    found = twins(pool, measured)
    assert lists(found.exact) == [[0, 5], [1, 6], [2, 4]]
    assert lists(found.near) == [[1, 2, 3, 4, 6]]


def alike(count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    base = random.integers(20, 230, (32, 32))
    return (base + random.integers(-1, 2, (count, 32, 32))).astype(np.uint8)


def test_thousands_of_alike_images_are_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 1000)
    apart = np.random.default_rng(1).integers(0, 256, (4, 32, 32), np.uint8)
    thumbnails = np.concatenate([alike(400), apart, apart, alike(420)[400:]])
    thumbnails[404:408, 0, 0] ^= 1  # so that the four have near twins
    measured = measured_of(thumbnails)
    pairs = near_pairs(measured, np.arange(len(thumbnails)))
    assert len(pairs) < 2000  # where brute force finds 88,000
    assert (pairs[:, 0] < pairs[:, 1]).all()
    pool = of_arrays(np.zeros((len(thumbnails), 1, 1, 1), np.uint8))
    found = twins(pool, measured)
    together = [*range(400), *range(408, 428)]
    assert lists(found.near) == [together, [400, 404], [401, 405], [402, 406], [403, 407]]


def test_identical_images_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = sample("chelsea")[:64, :64]
    pool = of_arrays(np.repeat(photo[None], 2000, axis=0))
    measured = measure(pool)
    monkeypatch.setattr(
        duplicates, "near_pairs", lambda _, chosen, **more: seen.append(chosen) or np.zeros((0, 2), int)
    )
    seen: list[np.ndarray] = []
    found = twins(pool, measured)
    assert lists(seen) == [[0]]
    assert lists(found.exact) == [list(range(2000))]


def test_it_says_how_far_it_is_and_can_be_ended() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 1), np.uint8)
    pool = of_arrays(noise)
    measured, said = measure(pool), []
    twins(pool, measured, progress=lambda *one: said.append(one))
    assert said == [("Comparing images", 256, 300), ("Comparing images", 300, 300)]
    with pytest.raises(Cancelled):
        twins(pool, measured, cancelled=lambda: True)


GROUPS = (np.array([0, 4]), np.array([1, 2]), np.array([3, 5, 6]), np.array([7, 8]))
SPLIT = np.array(["train", "train", "train", "validation", "test", "train", "test", "test", "test"])


def test_leaks_by_hand() -> None:
    assert leaks(GROUPS, SPLIT) == {"test": 2, "validation": 1}
    assert leaks((), SPLIT) == {"test": 0, "validation": 0}
    assert leaks(GROUPS, np.repeat("train", 9)) == {}
    assert leaks((np.array([0, 1, 2]),), np.array(["train", "test", "test"])) == {"test": 2}


def test_contradictions_by_hand() -> None:
    labels = {"kind": np.array([0, 1, 1, 2, 1, 2, 2, 0, 0]), "colour": np.array([0, 1, 0, 1, 0, 1, 2, 3, 3])}
    assert contradictions(GROUPS, labels) == {"kind": (0,), "colour": (1, 2)}
    assert contradictions((), labels) == {"kind": (), "colour": ()}


def test_unknown_digests_are_equal_to_none() -> None:
    assert exact_groups(np.array(["", "", "b", "a", "b", "c", "a", "b"]))[0].tolist() == [2, 4, 7]
    assert lists(exact_groups(np.array(["", "", "b", "a", "b", "c", "a", "b"]))) == [[2, 4, 7], [3, 6]]
    assert exact_groups(np.zeros(0, "U64")) == ()
