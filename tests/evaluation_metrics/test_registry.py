"""The further evaluation metrics against scikit-learn's own, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from cnnviz import evaluation_metrics
from cnnviz.evaluation_metrics.registry import METRICS, values_of

RNG = np.random.default_rng(5)
TRUTH = RNG.choice(8, 300, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0])
PROBABILITIES = RNG.dirichlet(np.ones(8), 300).astype(np.float32)


def test_each_file_is_a_metric() -> None:
    files = {path.stem for path in Path(evaluation_metrics.__path__[0]).glob("*.py")}
    assert set(METRICS) == files - {"__init__", "registry", "metric"}


def test_they_are_scikit_learns() -> None:
    found, predictions = values_of(TRUTH, PROBABILITIES), PROBABILITIES.argmax(axis=1)
    present = predictions != 7  # scikit-learn warns of classes that are predicted and never true
    assert found["matthews_correlation"] == pytest.approx(metrics.matthews_corrcoef(TRUTH, predictions), rel=1e-5)
    expected = metrics.top_k_accuracy_score(TRUTH, PROBABILITIES, k=5, labels=range(8))
    assert found["top_5_accuracy"] == pytest.approx(expected, rel=1e-5)
    recalls = metrics.recall_score(TRUTH, predictions, labels=range(7), average=None)
    assert found["balanced_accuracy"] == pytest.approx(recalls.mean(), rel=1e-5)
    exact = values_of(TRUTH[present], PROBABILITIES[present])["balanced_accuracy"]
    assert exact == pytest.approx(metrics.balanced_accuracy_score(TRUTH[present], predictions[present]), rel=1e-5)


def test_by_hand_and_where_they_say_nothing() -> None:
    truth, probabilities = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1]] * 4, np.float32)
    assert values_of(truth, probabilities) == {"balanced_accuracy": 0.5, "matthews_correlation": 0.0}
    assert values_of(truth[:0], probabilities[:0]) == {}
