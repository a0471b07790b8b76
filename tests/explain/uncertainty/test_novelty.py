"""Novelty against SciPy's Mahalanobis distance, percentiles by hand, and the nearest images against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from cnnviz.explain.uncertainty.neighbours import nearest
from cnnviz.explain.uncertainty.novelty import FOREIGN, distances, fitted_novelty, percentiles


def clouds(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(12, 12)) * np.logspace(0, 2, 12)
    return rng.normal(size=(600, 12)) @ shape + 5, rng.normal(size=(200, 12)) @ shape + 5


def test_distances_are_mahalanobis_by_the_shrunk_covariance() -> None:
    train, held_out = clouds()
    known = fitted_novelty(train, held_out)
    mean, spread = train.mean(axis=0), train.std(axis=0)
    inverse = np.linalg.inv(ledoit_wolf((train - mean) / spread, assume_centered=True)[0])
    wanted = [mahalanobis(one, np.zeros(12), inverse) / np.sqrt(12) for one in (held_out - mean) / spread]
    assert distances(known, held_out) == pytest.approx(wanted, rel=1e-3)
    assert known.held_out.tolist() == sorted(known.held_out.tolist())


def test_what_varies_together_is_told_from_what_does_not() -> None:
    """Each value alone is an ordinary one; only their combination is new."""
    rng = np.random.default_rng(0)
    value = rng.normal(size=2000)
    train = np.stack([value, value + rng.normal(size=2000) * 0.05], axis=1)
    new = np.stack([value[:300], -value[:300]], axis=1)
    known = fitted_novelty(train[:1500], train[1500:])
    scores = np.concatenate([distances(known, train[1500:]), distances(known, new)])
    assert roc_auc_score(np.repeat([0, 1], [500, 300]), scores) > 0.95


def test_more_statistics_than_images_and_constant_ones_are_no_error() -> None:
    rng = np.random.default_rng(0)
    train = np.concatenate([rng.normal(size=(20, 100)), np.full((20, 3), 7.0)], axis=1)
    known = fitted_novelty(train, train[:5])
    assert np.isfinite(distances(known, train * 2)).all()


def test_percentiles_count_the_held_out_images_that_are_nearer() -> None:
    known = fitted_novelty(*clouds())
    low, high = float(known.held_out[0]), float(known.held_out[-1])
    assert percentiles(known, np.array([low / 2, low, high, 2 * high])).tolist() == [0, 0, 199 / 200, 1]


def test_a_models_own_images_are_rarely_foreign() -> None:
    train, held_out = clouds()
    known = fitted_novelty(train, held_out)
    _, others = clouds(0)
    assert np.mean(percentiles(known, distances(known, others)) >= FOREIGN) == pytest.approx(1 - FOREIGN, abs=0.01)


def test_the_nearest_are_scikit_learns_by_cosine() -> None:
    rng = np.random.default_rng(0)
    train, new = rng.normal(size=(50, 8)), rng.normal(size=(7, 8))
    far, at = NearestNeighbors(n_neighbors=4, metric="cosine").fit(train).kneighbors(new)
    found, distance = nearest(new, train, 4)
    assert found.tolist() == at.tolist()
    assert distance == pytest.approx(far, abs=1e-5)
    assert nearest(new, train[:2], 4)[0].shape == (7, 2)
    assert nearest(train[:1], train, 1)[0].tolist() == [[0]]
    assert np.isfinite(nearest(np.zeros((1, 8)), train, 2)[1]).all()
