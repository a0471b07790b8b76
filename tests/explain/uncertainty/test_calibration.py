"""Temperature scaling against scikit-learn's, and prediction sets against their guarantee and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from cnnviz.explain.uncertainty.calibration import fitted_temperature, with_temperature
from cnnviz.explain.uncertainty.prediction_sets import coverage, lowest_probability, prediction_sets


class Given(ClassifierMixin, BaseEstimator):
    """Its inputs are its logits."""

    def fit(self, logits, labels):
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, logits):
        return logits

    def predict(self, logits):
        return logits.argmax(axis=1)


def model(count: int, classes: int, sure: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is `sure` times as sure as it should be, and labels drawn by the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, classes)) * 1.5
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    powers = np.exp(logits * sure)
    return powers / powers.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize(("classes", "sure"), [(3, 3.0), (10, 0.4), (3, 1.0)])
def test_the_temperature_is_scikit_learns_and_undoes_overconfidence(classes: int, sure: float) -> None:
    probabilities, labels = model(4000, classes, sure)
    found = fitted_temperature(probabilities, labels)
    logits = np.log(probabilities)
    theirs = CalibratedClassifierCV(FrozenEstimator(Given().fit(logits, labels)), method="temperature")
    theirs.fit(logits, labels)
    assert with_temperature(probabilities, found) == pytest.approx(theirs.predict_proba(logits), abs=1e-4)
    assert found == pytest.approx(sure, rel=0.1)


def test_a_temperature_keeps_the_order_and_the_sum() -> None:
    probabilities, _ = model(200, 5, 2)
    for temperature in (0.2, 1, 4):
        made = with_temperature(probabilities, temperature)
        assert made.dtype == np.float32
        assert made.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (made.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert with_temperature(probabilities, 1) == pytest.approx(probabilities, abs=1e-6)
    assert np.isfinite(with_temperature(np.array([[1.0, 0.0]]), 0.1)).all()


def test_no_images_and_one_class_fit_something_finite() -> None:
    assert fitted_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1
    assert 0 < fitted_temperature(np.array([[0.9, 0.1]] * 5), np.zeros(5, int)) < np.inf


@pytest.mark.parametrize("risk", [0.1, 0.05, 0.01])
def test_sets_of_new_images_keep_the_risk(risk: float) -> None:
    """Over many draws of both kinds of images the true class is missing as often as the risk says, and hardly less."""
    found = []
    for seed in range(150):
        probabilities, labels = model(1200, 4, 3, seed)
        of_truth = probabilities[np.arange(400), labels[:400]]
        sets = prediction_sets(probabilities[400:], lowest_probability(of_truth, risk))
        found.append(coverage(sets, labels[400:])[0])
    assert 1 - risk - 0.002 < np.mean(found) < 1 - risk + 0.006


def test_the_rank_is_that_of_the_theorem() -> None:
    of_truth = np.linspace(0.01, 0.99, 99)  # (99 + 1) · 0.1 = 10: nine may lie below the bound, which itself is inside
    assert lowest_probability(of_truth, 0.1) == pytest.approx(0.10)
    assert lowest_probability(of_truth, 0.001) == 0
    assert lowest_probability(of_truth[:8], 0.1) == 0


def test_a_set_may_be_empty_and_may_hold_all() -> None:
    probabilities = np.array([[0.4, 0.35, 0.25], [0.9, 0.06, 0.04]])
    assert prediction_sets(probabilities, 0.5).tolist() == [[False, False, False], [True, False, False]]
    assert prediction_sets(probabilities, 0.3).tolist() == [[True, True, False], [True, False, False]]
    assert prediction_sets(probabilities, 0.0).all()


def test_coverage_is_told_for_each_class() -> None:
    sets = np.array([[True, False, False], [True, True, False], [False, True, False]])
    assert coverage(sets, np.array([0, 1, 0])) == (2 / 3, [0.5, 1.0, None])
