"""Carries a `cnnviz.policy.Policy` out on images, by the same functions for the pages and for training."""

from cnnviz.augment.draw import Drawn, draw, draw_batch, drawn_at
from cnnviz.augment.geometry import filled_pixels, matrix, working
from cnnviz.augment.mix import mix_batch, partners
from cnnviz.augment.pipeline import apply, augment_batch, sweep
from cnnviz.augment.snippet import caption, keras_snippet

__all__ = [
    "Drawn",
    "apply",
    "augment_batch",
    "caption",
    "draw",
    "draw_batch",
    "drawn_at",
    "filled_pixels",
    "keras_snippet",
    "matrix",
    "mix_batch",
    "partners",
    "sweep",
    "working",
]
