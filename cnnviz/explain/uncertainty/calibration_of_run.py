"""What a run's kept predictions about its validation images tell of new predictions: temperatures and prediction
sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cnnviz.explain.uncertainty.calibration import fitted_temperature, with_temperature
from cnnviz.explain.uncertainty.prediction_sets import lowest_probability, prediction_sets
from cnnviz.runs import Run
from cnnviz.runs.predictions import Predictions, read_predictions

__all__ = ["RISK", "Calibration", "calibrated", "calibration_of", "held_out_predictions", "kept_calibration", "sets_of"]

RISK = 0.1


@dataclass(frozen=True, eq=False)
class Calibration:
    """What held-out images tell of a model's heads.

    Attributes:
        temperatures: of each head, see `calibration`.
        of_truth: for each head the calibrated probabilities of the held-out images' true classes, float32 (n,).
    """

    temperatures: dict[str, float]
    of_truth: dict[str, np.ndarray]


def calibration_of(probabilities: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> Calibration:
    """Returns what predictions about images that the model did not learn from tell of it.

    Args:
        probabilities: for each head, float (n, classes).
        labels: for each head the true classes, int64 (n,).
    """
    temperatures, of_truth = {}, {}
    for head, values in probabilities.items():
        temperatures[head] = fitted_temperature(values, labels[head])
        of_truth[head] = with_temperature(values, temperatures[head])[np.arange(len(values)), labels[head]]
    return Calibration(temperatures, of_truth)


def held_out_predictions(run: Run) -> Predictions | None:
    """Returns the run's kept predictions about its validation images, which may be those about its test images where
    both are the same; `None` where there are none."""
    for split in ("validation", "test"):
        found = read_predictions(run.folder, split)
        if found is not None and len(found.indices) and (split == "validation" or found.same_as == "validation"):
            return found
    return None


def kept_calibration(run: Run) -> Calibration | None:
    """Returns what `held_out_predictions` tell; `None` where there are none."""
    found = held_out_predictions(run)
    return None if found is None else _calibration(found)


@lru_cache(maxsize=16)
def _calibration(found: Predictions) -> Calibration:
    return calibration_of(
        found.probabilities, found.labels
    )  # `read_predictions` gives the same object for the same file


def calibrated(known: Calibration, head: str, probabilities: np.ndarray) -> np.ndarray:
    """Returns a head's calibrated probabilities, float32 (n, classes).

    Args:
        known: of the model.
        head: its name.
        probabilities: what the model says, float (n, classes).
    """
    return with_temperature(probabilities, known.temperatures[head])


def sets_of(known: Calibration, head: str, probabilities: np.ndarray, risk: float = RISK) -> np.ndarray:
    """Returns which classes are in the prediction sets that lack the true class with a chance of `risk`, bool (n,
    classes).

    Args:
        known: of the model.
        head: its name.
        probabilities: what the model says, float (n, classes).
        risk: above 0 and below 1.
    """
    return prediction_sets(calibrated(known, head, probabilities), lowest_probability(known.of_truth[head], risk))
