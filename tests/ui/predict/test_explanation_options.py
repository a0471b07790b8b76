"""With which class a prediction is compared."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.predict.prediction_job import Request, _against

ORDER = np.array([2, 0, 1])  # it predicts c, then a, then b
CLASSES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("against", "truth", "index", "told"),
    [
        ("", "b", None, ""),
        ("second", "b", 0, ""),
        ("truth", "b", 1, ""),
        ("truth", "c", 0, "the true label"),
        ("truth", "", None, "isn't known"),
    ],
)
def test_the_second_or_the_true_class(against: str, truth: str, index: int | None, told: str) -> None:
    labels = (("label", truth),) if truth else ()
    image = InputImage(np.zeros((4, 4, 3), np.uint8), (4, 4), "x", ("x",), labels)
    notes: list[str] = []
    assert _against(image, Request(against=against), "label", CLASSES, ORDER, 2, notes) == index
    assert told in " ".join(notes)
    assert bool(notes) == bool(told)
