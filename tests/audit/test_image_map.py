"""The map: reproducible, between 0 and 1, what is alike lies together; few images, many, and all alike."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.audit import image_map as module
from cnnviz.audit.image_map import image_map

BLOBS = np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)
BLOBS[40:] += 12


def test_two_clouds_stay_apart() -> None:
    rows, places = image_map(BLOBS)
    assert rows.tolist() == list(range(80))
    assert places.dtype == np.float32
    assert places.min(axis=0).tolist() == [0, 0]
    assert places.max(axis=0).tolist() == [1, 1]
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) // 40 == np.arange(80) // 40).all()
    one, other = places[:40].mean(axis=0), places[40:].mean(axis=0)
    assert np.linalg.norm(one - other) > 0.5


def test_it_is_the_same_each_time() -> None:
    assert np.array_equal(image_map(BLOBS)[1], image_map(BLOBS.copy())[1])


@pytest.mark.parametrize("count", range(8))
def test_few_images(count: int) -> None:
    rows, places = image_map(BLOBS[:count])
    assert rows.tolist() == list(range(count))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert (len(np.unique(places, axis=0)) == count) == (count >= 5 or count < 2)


def test_of_many_images_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 30)
    rows, places = image_map(BLOBS)
    assert len(rows) == len(places) == 30
    assert (np.diff(rows) > 0).all()
    assert 8 < np.count_nonzero(rows >= 40) < 22
    assert np.array_equal(rows, image_map(BLOBS)[0])
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (rows[distances.argmin(axis=1)] // 40 == rows // 40).all()


@pytest.mark.parametrize("value", [0, 1, 0.1, 1e6])
def test_images_that_are_all_alike_lie_in_one_place(value: float) -> None:
    rows, places = image_map(np.full((20, 8), value, np.float32))
    assert len(rows) == 20
    assert (places == 0.5).all()


def test_copies_lie_side_by_side() -> None:
    _, places = image_map(np.concatenate([BLOBS[:30], BLOBS[:30]]))
    assert np.isfinite(places).all()
    assert np.median(np.linalg.norm(places[:30] - places[30:], axis=1)) < 0.1
