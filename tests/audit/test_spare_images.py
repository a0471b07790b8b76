"""Which of several duplicates stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz.audit.duplicates import twins
from cnnviz.audit.measurements import measure
from cnnviz.audit.pool import Pool, pool_of
from cnnviz.audit.spare_images import duplicates_review, spare_images
from cnnviz.data import open_dataset
from cnnviz.data.dataset import Arrays
from cnnviz.data.review import with_review
from cnnviz.recipe import Data
from tests.audit.made_folder import planted
from tests.audit.made_pools import made_dataset
from tests.ui.data.test_findings import EMPTY


@pytest.mark.parametrize(
    ("splits", "stays"),
    [
        (("train", "train"), 0),
        (("train", "test"), 1),
        (("train", "validation", "test", "train"), 2),
        (("validation", "train"), 0),
    ],
)
def test_the_one_that_is_measured_on_stays(splits: tuple[str, ...], stays: int) -> None:
    names = tuple(f"{k}.png" for k in range(len(splits)))
    images = Arrays(lambda: np.zeros((len(splits), 8, 8, 1), np.uint8))
    count = np.arange(len(splits))
    pool = Pool(made_dataset(images, {"label": [0] * len(splits)}), names, np.array(splits), count, {"label": count})
    assert set(spare_images([names], pool)) == set(names) - {names[stays]}


def test_the_review_leaves_no_duplicate_and_no_leak(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    data = Data(dataset=str(folder), image_size=32)
    pool = pool_of(open_dataset(data))
    groups = twins(pool, measure(pool))
    named = [tuple(tuple(pool.names[i] for i in group) for group in kind) for kind in (groups.exact, groups.near)]
    found = EMPTY.__class__(**{**vars(EMPTY), "dataset": str(folder), "exact": named[0], "near": named[1]})
    mended = pool_of(open_dataset(with_review(data, duplicates_review(found, pool))))
    left = twins(mended, measure(mended))
    assert groups.exact
    assert groups.near
    assert not left.exact
    assert not left.near
    gone = set(pool.names) - set(mended.names)
    assert len(gone) == sum(len(group) - 1 for group in found.duplicates)
    assert not any(name.startswith("test/") for name in gone)
