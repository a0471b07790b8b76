"""Figures of a report, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from cnnviz.runs.report import absent_text, calibration, confusion, head_report, metrics_of

# Ten made-up predictions about two classes: the second class's probability, and the truth.
SECOND = np.array([0.05, 0.2, 0.3, 0.45, 0.6, 0.55, 0.7, 0.8, 0.9, 0.95], np.float32)
TRUTH = np.array([0, 0, 1, 0, 0, 1, 1, 1, 0, 1])
SHARES = np.stack([1 - SECOND, SECOND], axis=1)
LOSSES = -np.log(SHARES[np.arange(10), TRUTH].astype(np.float64))


@pytest.fixture
def two():
    return head_report(TRUTH, SHARES, LOSSES, ["cat", "dog"])


def test_two_classes_by_hand(two):
    # predicted dog: the last six; of these 4 are dogs. Predicted cat: four, of which 3 are cats.
    assert two["confusion"] == [[3, 2], [1, 4]]
    assert two["accuracy"] == 0.7
    cat, dog = two["classes"]
    assert (cat["class"], cat["precision"], cat["recall"], cat["support"]) == ("cat", 0.75, 0.6, 5)
    assert dog["precision"] == pytest.approx(4 / 6, abs=1e-6)
    assert dog["f1"] == pytest.approx(8 / 11, abs=1e-6)  # 2·4 / (2·4 + 2 + 1)


def test_two_classes_by_scikit_learn(two):
    curves = two["curves"]
    assert two["loss"] == pytest.approx(metrics.log_loss(TRUTH, SHARES.astype(np.float64)), rel=1e-6)
    assert curves["roc"]["area"] == pytest.approx(metrics.roc_auc_score(TRUTH, SECOND), abs=1e-6)
    average = metrics.average_precision_score(TRUTH, SECOND)
    assert curves["precision_recall"]["average"] == pytest.approx(average, abs=1e-6)
    area = np.trapezoid(curves["roc"]["true_positive"], curves["roc"]["false_positive"])
    assert area == pytest.approx(curves["roc"]["area"], abs=1e-5)
    assert curves["precision_recall"]["recall"][0] == 0
    assert curves["precision_recall"]["recall"][-1] == 1


def test_several_classes_by_scikit_learn():
    rng = np.random.default_rng(3)
    truth, probabilities = rng.integers(0, 4, 200), rng.dirichlet(np.ones(5), 200).astype(np.float32)
    made = head_report(truth, probabilities, np.zeros(200), list("abcde"))  # nothing is e
    predictions = probabilities.argmax(axis=1)
    assert made["confusion"] == metrics.confusion_matrix(truth, predictions, labels=range(5)).tolist()
    told = metrics.classification_report(truth, predictions, labels=range(5), output_dict=True, zero_division=0)
    for at, row in enumerate(made["classes"]):
        found = told[str(at)]
        expected = [found[name] for name in ("precision", "recall", "f1-score", "support")]
        assert [row[name] for name in ("precision", "recall", "f1", "support")] == pytest.approx(expected, abs=1e-5)
    present = metrics.classification_report(truth, predictions, labels=range(4), output_dict=True, zero_division=0)
    expected = {
        name: present["macro avg"][f"{name}-score" if name == "f1" else name] for name in ("precision", "recall", "f1")
    }
    assert made["macro"].pop("absent") == ["e"]
    assert made["macro"] == pytest.approx(expected, abs=1e-5)
    assert "curves" not in made


def test_a_class_without_samples_counts_in_no_mean():
    truth = np.repeat([0, 2], 17)  # 34 predictions, all right
    made = head_report(truth, np.eye(3, dtype=np.float32)[truth], np.zeros(34), ["apple", "pear", "plum"])
    assert made["macro"] == {"precision": 1, "recall": 1, "f1": 1, "absent": ["pear"]}
    assert absent_text(made["macro"]["absent"]) == "Without an image here, and so in no mean: pear."
    assert absent_text([str(at) for at in range(25)]).endswith(" 18, 19 and 5 more.")
    assert absent_text([]) == ""


def test_calibration_by_hand():
    # Confidences 0.62, 0.65 (one of two right) and 0.9, 0.92 (both right) lie in the bins from 9/15 and from 13/15.
    confidence = np.array([0.62, 0.65, 0.9, 0.92])
    probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    made = calibration(np.array([0, 1, 0, 0]), probabilities)
    assert [(row["samples"], row["accuracy"]) for row in made["bins"]] == [(2, 0.5), (2, 1.0)]
    assert made["bins"][0]["low"] == pytest.approx(0.6)
    assert made["error"] == pytest.approx(0.5 * (0.635 - 0.5) + 0.5 * (1 - 0.91), abs=1e-6)


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not():
    probabilities = np.eye(3, dtype=np.float32)
    assert calibration(np.arange(3), probabilities)["error"] == 0
    assert calibration((np.arange(3) + 1) % 3, probabilities)["error"] == 1


def test_images_of_one_class_have_no_curves():
    made = head_report(np.ones(3, np.int64), SHARES[:3], LOSSES[:3], ["cat", "dog"])
    assert made["curves"] is None
    assert made["classes"][0]["recall"] == 0


def test_heads_are_summed_up_as_keras_does():
    heads = {"a": {"accuracy": 0.5, "loss": 1.0}, "b": {"accuracy": 1.0, "loss": 0.25}}
    made = metrics_of(heads)
    assert (made["accuracy"], made["loss"], made["b_loss"]) == (0.75, 1.25, 0.25)
    assert metrics_of({"a": heads["a"]}) == {"accuracy": 0.5, "loss": 1.0}


def test_a_matrix_of_no_images():
    assert confusion(np.zeros(0, np.int64), np.zeros(0, np.int64), 2).tolist() == [[0, 0], [0, 0]]
