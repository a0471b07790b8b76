"""A compiled model predicts as the model does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnviz.models.compiled import compiled
from cnnviz.models.load.load import of_model
from tests.made_models import FORMS, made, pixels_for


@pytest.mark.parametrize("form", FORMS)
def test_predictions_are_the_models_for_any_number_of_images(form: str) -> None:
    classifier = replace(of_model(made(form), scale="unit"), at_once=4)
    predict = compiled(classifier)
    for count in (1, 4, 9):
        images = pixels_for(classifier.model, count, seed=count).astype(np.uint8)
        for found, wanted in zip(predict(images), classifier.predict(images), strict=True):
            assert found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, atol=1e-5)
