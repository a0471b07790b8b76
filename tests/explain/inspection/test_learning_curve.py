"""Accuracy over the number of images learned from, against scikit-learn and cases that can be reckoned."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cnnviz.explain.inspection.learning_curve import learning_curve
from cnnviz.progress import Cancelled


@pytest.fixture(scope="module")
def noisy() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels, held_out_labels = np.arange(90) % 3, np.arange(60) % 3
    features, held_out = (
        (random.normal(size=(len(one), 4)) + one[:, None]).astype(np.float32) for one in (labels, held_out_labels)
    )
    return features, labels, held_out, held_out_labels


def test_all_images_are_fitted_as_scikit_learn_does(noisy) -> None:
    features, labels, held_out, held_out_labels = noisy
    found = learning_curve(*noisy, shares=(0.2, 1.0), seeds=3)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(features), labels)
    assert found.images == (18, 90)
    assert found.accuracy[1] == (model.score(scaler.transform(held_out), held_out_labels),)
    assert len(set(found.accuracy[0])) > 1, "each seed draws other images"


def test_each_draw_has_all_classes_and_can_be_repeated(noisy) -> None:
    _, labels, _, held_out_labels = noisy
    told = np.eye(3, dtype=np.float32)
    found = learning_curve(told[labels], labels, told[held_out_labels], held_out_labels, shares=(0.1, 0.5), seeds=4)
    assert found.accuracy == ((1.0,) * 4,) * 2, "a class that was not drawn could not be predicted"
    assert learning_curve(*noisy, shares=(0.2,)) == learning_curve(*noisy, shares=(0.2,))


def test_it_says_how_far_it_is_and_stops_when_asked(noisy) -> None:
    said: list[tuple[str, int, int]] = []
    learning_curve(*noisy, shares=(0.2, 0.5), seeds=2, progress=lambda *one: said.append(one))
    assert [done for _, done, _ in said] == [0, 1, 2, 3]
    with pytest.raises(Cancelled):
        learning_curve(*noisy, cancelled=lambda: True)
