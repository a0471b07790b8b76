"""Small models opened as the Inside page opens them, without the page."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.inspection.receptive_field import layer_rows
from cnnviz.model_spec import Head
from cnnviz.models.classifier import Classifier
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.inside.selection import Inspection
from tests.made_models import made

__all__ = ["of_form", "opened"]

CLASSES = ("cat", "<b>dog</b>", "owl")


def of_form(form: str) -> Inspection:
    """Opens a model of `made_models`, with random pixels as its image."""
    model = made(form)
    units = [int(tensor.shape[-1]) for tensor in model.outputs]
    heads = tuple(
        Head(name=f"head{n}", units=one, activation="softmax" if one > 1 else "sigmoid") for n, one in enumerate(units)
    )
    classes = {head.name: (CLASSES + ("bee",) * 9)[: max(2, head.units)] for head in heads}
    channels = model.input_shape[3]
    return opened(Classifier(form, model, heads, classes, tuple(model.input_shape[1:3]), channels))


def opened(classifier: Classifier) -> Inspection:
    """Opens this model with random pixels as its image."""
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (*classifier.image_size, classifier.channels), np.uint8)
    source_image = InputImage(image, image.shape[:2], "Noise", ("noise", classifier.name))
    rows = layer_rows(classifier)
    source = ModelSource(classifier.name, classifier.name, (classifier.name,), lambda progress: classifier)
    return Inspection(
        LockedModel(classifier), source, source_image, image, classifier.pixels(image[None]), rows, rows[0].name, 0
    )
