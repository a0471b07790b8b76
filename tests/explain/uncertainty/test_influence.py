"""Heads on features and influence functions: against scikit-learn, and against leaving images out."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from cnnviz.explain.uncertainty.influence import fitted_head, influences, log_odds
from cnnviz.progress import Cancelled


def made(count: int = 300, wide: int = 8, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of classes that overlap, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return rng.normal(0, 1, (classes, wide))[labels] + rng.normal(0, 1.2, (count, wide)), labels


def test_the_head_is_scikit_learns_logistic_regression() -> None:
    features, labels = made()
    head = fitted_head(features, labels, 3)
    inputs = head.inputs(features)  # the bias is penalised here, as a feature that is always 1
    peer = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-9, max_iter=5_000).fit(inputs, labels)
    assert head.probabilities(features) == pytest.approx(peer.predict_proba(inputs), abs=1e-4)


def test_what_is_left_out_is_not_learned_from() -> None:
    features, labels = made()
    left_out = np.arange(100, 200)
    stay = np.setdiff1d(np.arange(300), left_out)
    start = fitted_head(features, labels, 3)
    head = fitted_head(features, labels, 3, start=start, left_out=left_out)
    peer = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-9, max_iter=5_000)
    peer.fit(start.inputs(features[stay]), labels[stay])
    assert head.probabilities(features) == pytest.approx(peer.predict_proba(start.inputs(features)), abs=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_influence_foretells_what_leaving_an_image_out_changes(classes: int) -> None:
    features, labels = made(classes=classes)
    head = fitted_head(features, labels, classes)
    image = features[:1] + 0.3
    index = int(head.probabilities(image)[0].argmax())
    found = influences(head, features, labels, image, index)
    order = np.argsort(found)
    chosen = np.r_[order[:10], order[145:155], order[-10:]]
    before = log_odds(head, image, index)[0]
    real = [
        before - log_odds(fitted_head(features, labels, classes, start=head, left_out=np.array([k])), image, index)[0]
        for k in chosen
    ]
    assert spearmanr(found[chosen], real).statistic > 0.95
    assert np.abs(found[chosen] - real).max() < 0.15 * np.abs(real).max()


def test_images_of_the_class_raise_its_answer_and_twins_most_of_all() -> None:
    features, labels = made(classes=2)
    head = fitted_head(features, labels, 2)
    found = influences(head, features, labels, features[4:5], int(labels[4]))
    assert found[labels == labels[4]].mean() > 0 > found[labels != labels[4]].mean()
    assert found[4] > 0


def test_log_odds_are_those_of_the_probability() -> None:
    features, labels = made()
    head = fitted_head(features, labels, 3)
    share = head.probabilities(features)[:, 1]
    assert log_odds(head, features, 1) == pytest.approx(np.log(share / (1 - share)), abs=1e-9)


def test_features_that_never_vary_and_float16_do_no_harm() -> None:
    features, labels = made()
    features[:, 3] = 7
    head = fitted_head(features.astype(np.float16), labels, 3)
    assert np.isfinite(head.weights).all()
    assert np.isfinite(influences(head, features.astype(np.float16), labels, features[:1], 0)).all()


def test_it_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        fitted_head(*made(), 3, cancelled=lambda: True)
