"""What a model's predictions on labelled images are worth, as a tree for `report.json`. All shares are 0..1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnviz.evaluation_metrics.registry import values_of
from cnnviz.runs.metrics import round_metric

__all__ = [
    "BINS",
    "MOST_CLASSES",
    "absent_text",
    "calibration",
    "confusion",
    "head_report",
    "macro",
    "metrics_of",
    "split_report",
]

BINS = 15
"""Of how many equally wide bins of confidence calibration is reported, as Guo et al. (2017) do."""
MOST_CLASSES = 100
"""Up to how many classes the confusion matrix is written."""
_POINTS = 300
_NAMED = 20


def split_report(
    labels: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    losses: Mapping[str, np.ndarray],
    classes: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Returns a split's report: `samples`, `metrics_of` as Keras names them, and `heads` as `head_report` returns them.

    Args:
        labels: for each head the true classes, int64 (n,).
        probabilities: for each head the class probabilities, float32 (n, classes).
        losses: for each head every sample's cross-entropy, float (n,).
        classes: for each head the classes' names.
    """
    heads = {
        name: head_report(labels[name], probabilities[name], losses[name], classes[name]) for name in probabilities
    }
    return {"samples": len(next(iter(labels.values()))), "figures": metrics_of(heads), "heads": heads}


def metrics_of(heads: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Returns `loss` and `accuracy`; of several heads the sum of their losses, the mean of their accuracies, and both
    for each of them; see `metrics.round_metric`."""
    found: dict[str, float] = {}
    if len(heads) > 1:
        for name, head in heads.items():
            found |= {f"{name}_accuracy": head["accuracy"], f"{name}_loss": head["loss"]}
    found["accuracy"] = float(np.mean([head["accuracy"] for head in heads.values()]))
    found["loss"] = float(np.sum([head["loss"] for head in heads.values()]))
    return {name: round_metric(name, value) for name, value in found.items()}


def head_report(
    labels: np.ndarray, probabilities: np.ndarray, losses: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Returns a head's report.

    `accuracy`, `loss` (the mean cross-entropy); `classes` with precision, recall, F1 and support of each, by
    scikit-learn, 0 where there is nothing to divide by; `macro`, their means, see `macro`; `confusion`, rows are true
    classes and columns predictions (`None` for more than `MOST_CLASSES`); `calibration`; `metrics`, those of
    `evaluation_metrics`; and for two classes `curves`, of the second class: `None` where the images are all of one
    class.
    """
    from sklearn.metrics import precision_recall_fscore_support

    count, predictions = len(classes), probabilities.argmax(axis=1)
    rows = precision_recall_fscore_support(labels, predictions, labels=np.arange(count), zero_division=0)
    precision, recall, f1, support = (np.asarray(row) for row in rows)
    each = [
        {
            "class": classes[at],
            "precision": _short(precision[at]),
            "recall": _short(recall[at]),
            "f1": _short(f1[at]),
            "support": int(support[at]),
        }
        for at in range(count)
    ]
    report = {
        "accuracy": float(np.mean(predictions == labels)),
        "loss": float(np.mean(losses, dtype=np.float64)),
        "classes": each,
        "macro": macro(each),
        "confusion": confusion(labels, predictions, count).tolist() if count <= MOST_CLASSES else None,
        "calibration": calibration(labels, probabilities),
        "metrics": values_of(labels, probabilities),
    }
    if count == 2:
        report["curves"] = _curves(labels, probabilities[:, 1])
    return report


def macro(classes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the means of `precision`, `recall` and `f1` over the classes that have samples, as scikit-learn does with
    their `labels`, and `absent`, the names of the others. Without any sample the means are 0.

    Args:
        classes: as in a head's report.
    """
    present = [one for one in classes if one["support"]]
    means = {
        name: _short(np.mean([one[name] for one in present])) if present else 0.0
        for name in ("precision", "recall", "f1")
    }
    return {**means, "absent": [one["class"] for one in classes if not one["support"]]}


def absent_text(absent: Sequence[str]) -> str:
    """Returns the sentence that names the classes without samples, "" where there is none."""
    more = f" and {len(absent) - _NAMED:,} more" if len(absent) > _NAMED else ""
    return f"Without an image here, and so in no mean: {', '.join(absent[:_NAMED])}{more}." if absent else ""


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Returns how many images of each true class (rows) got each prediction (columns): int64 (classes, classes)."""
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Returns the expected calibration error and, for each bin of confidence that has images, how often it was right.

    Confidence is the probability of the prediction; a bin holds those above its `low` up to its `high`. The error is
    the mean, over images, of how far their bin's accuracy is from its mean confidence (Guo et al. 2017).
    """
    confidence, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    bins, error = [], 0.0
    for at in np.unique(places):
        inside = places == at
        mean, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
        error += abs(accuracy - mean) * np.count_nonzero(inside) / len(labels)
        bins.append(
            {
                "low": _short(edges[at]),
                "high": _short(edges[at + 1]),
                "samples": int(np.count_nonzero(inside)),
                "confidence": _short(mean),
                "accuracy": _short(accuracy),
            }
        )
    return {"error": _short(error), "bins": bins}


def _curves(labels: np.ndarray, share: np.ndarray) -> dict[str, Any] | None:
    """ROC with the area under it, and precision over recall with the average precision."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    if len(np.unique(labels)) < 2:
        return None
    false, true, _ = roc_curve(labels, share)
    precision, recall, _ = precision_recall_curve(labels, share, drop_intermediate=True)
    return {
        "roc": {
            "false_positive": _thin(false),
            "true_positive": _thin(true),
            "area": _short(roc_auc_score(labels, share)),
        },
        "precision_recall": {
            "recall": _thin(recall[::-1]),
            "precision": _thin(precision[::-1]),
            "average": _short(average_precision_score(labels, share)),
        },
        "share": _short(np.mean(labels == 1)),
    }


def _thin(values: np.ndarray) -> list[float]:
    """At most so many points as a chart shows, the first and the last among them."""
    at = np.unique(np.linspace(0, len(values) - 1, min(len(values), _POINTS)).round().astype(int))
    return [_short(value) for value in values[at]]


def _short(value: float) -> float:
    return float(f"{float(value):.6g}")
