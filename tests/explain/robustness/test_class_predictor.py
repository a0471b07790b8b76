"""The quick predictor of classes says what the model's own probabilities say."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.explain.robustness.class_predictor import class_predictor
from tests.explain.robustness.test_adversarial import FORMS, images_for


@pytest.mark.parametrize("form", FORMS)
def test_classes_are_those_of_the_greatest_probability(form: str) -> None:
    classifier = FORMS[form]()
    images = images_for(classifier, 70)
    (found,) = class_predictor(classifier)(images)
    np.testing.assert_array_equal(found, classifier.predict(images)[0].argmax(axis=1))
    assert found.dtype == np.int64
