"""Small networks opened as the Inside page opens them, without the page."""

from __future__ import annotations

import numpy as np

from cnnviz.explain.inspection.receptive_field import table
from cnnviz.models.classifier import Loaded
from cnnviz.network import Head
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import Network, Source
from cnnviz.ui.inside.selection import Opened
from tests.made_models import made

__all__ = ["of_form", "opened"]

CLASSES = ("cat", "<b>dog</b>", "owl")


def of_form(form: str) -> Opened:
    """Opens a network of `made_models`, with random pixels as its image."""
    model = made(form)
    units = [int(tensor.shape[-1]) for tensor in model.outputs]
    heads = tuple(Head(name=f"head{n}", units=one, activation="softmax" if one > 1 else "sigmoid")
                  for n, one in enumerate(units))  # fmt: skip
    classes = {head.name: (CLASSES + ("bee",) * 9)[: max(2, head.units)] for head in heads}
    channels = model.input_shape[3]
    return opened(Loaded(form, model, heads, classes, tuple(model.input_shape[1:3]), channels))


def opened(loaded: Loaded) -> Opened:
    """Opens this network with random pixels as its image."""
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (*loaded.image_size, loaded.channels), np.uint8)
    source_image = InputImage(image, image.shape[:2], "Noise", ("noise", loaded.name))
    rows = table(loaded)
    source = Source(loaded.name, loaded.name, (loaded.name,), lambda progress: loaded)
    return Opened(Network(loaded), source, source_image, image, loaded.pixels(image[None]), rows, rows[0].name, 0)
