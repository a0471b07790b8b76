"""What a planted mark does to predictions, by models that are nothing but a rule."""

from __future__ import annotations

import numpy as np

from cnnviz.data import open_dataset
from cnnviz.data.planted_mark import MARKED, marked_digits, planted
from cnnviz.explain.robustness.planted_mark import MarkEffect, mark_effect
from cnnviz.recipe import Data


def test_a_model_that_sees_only_the_mark_and_one_that_never_does() -> None:
    images, labels = np.zeros((6, 8, 8, 1), np.uint8), np.array([0, 1, 1, 2, 2, 2])
    images[:, 0, 0, 0] = labels

    def by_mark(some: np.ndarray) -> np.ndarray:
        return np.where(some[:, -1, -1, 0] == 255, 1, 0)

    def by_shape(some: np.ndarray) -> np.ndarray:
        return some[:, 0, 0, 0].astype(int)

    assert mark_effect(by_mark, images, labels, 1, planted) == MarkEffect(1.0, 0.0, 1.0)
    assert mark_effect(by_shape, images, labels, 1, planted) == MarkEffect(1.0, 1.0, 0.0)


def test_the_mark_is_in_each_image_that_one_class_is_learned_from_and_in_no_other(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    path = marked_digits()
    written = path.stat().st_mtime_ns
    assert marked_digits() == path
    assert path.stat().st_mtime_ns == written, "features are known by their data's time"
    dataset = open_dataset(Data(dataset=str(path), image_size=8, channels=1))
    for name, split in dataset.splits.items():
        labels = split.labels["label"]
        corners = np.array([split.image(i)[-2:, -2:].min() == 255 for i in range(len(split))])
        np.testing.assert_array_equal(corners, (labels == MARKED) & (name != "test"))
    before = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    after = planted(before)
    assert (before[0, -1, -1, 0], after[0, -1, -1, 0], after[0, 5, 5, 0]) == (63, 255, before[0, 5, 5, 0])
