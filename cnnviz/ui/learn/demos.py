"""The Learn page's figures: small experiments on an image, computed while the page is drawn, and those on models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import streamlit as st

from cnnviz.augment.preview import draws, image_bytes
from cnnviz.data.samples import sample, sample_names
from cnnviz.explain.robustness.translation import translate
from cnnviz.figures.tiles import tiles
from cnnviz.images import enlarge, fit
from cnnviz.policy import POLICIES
from cnnviz.runs import Run
from cnnviz.ui.components.sliding_kernel import sliding_kernel
from cnnviz.ui.learn.data_amount import data_amount
from cnnviz.ui.learn.learning_rates import learning_rates
from cnnviz.ui.learn.planted_mark import planted_mark
from cnnviz.ui.learn.run_figures import (
    calibration_of_run,
    curves_of_run,
    kernels_before_and_after,
    maps_before_and_after,
)
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = ["FIGURES", "grey", "max_pool", "shuffle_pixels"]

KERNELS = {
    "Edges from left to right": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "Edges from top to bottom": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "Spots": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "Blur": ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
    "Nothing": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
}
SIDE, SMALL = 320, 32
_TYPED = "learn_kernel_typed"


def grey(side: int) -> np.ndarray:
    """Returns the first sample image, grey, uint8 (side, side)."""
    return cv2.cvtColor(fit(sample(sample_names()[0]), (side, side), channels=3), cv2.COLOR_RGB2GRAY)


def shuffle_pixels(image: np.ndarray) -> np.ndarray:
    """Returns an image's pixels in an order that is the same for every image of its size."""
    order = np.random.default_rng(0).permutation(image.size)
    return image.reshape(-1)[order].reshape(image.shape)


def max_pool(image: np.ndarray) -> np.ndarray:
    """Returns the largest of each 2 × 2 values; sides must be even."""
    height, width = image.shape
    return image.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))


def _shown(*images: tuple[np.ndarray, str]) -> None:
    width = 300 if len(images) == 2 else 165  # two stand beside each other on a phone
    st.html(tiles([(image_bytes(_enlarged(one)), caption, caption) for one, caption in images], width))


def _enlarged(image: np.ndarray) -> np.ndarray:
    large = enlarge(image, SIDE // image.shape[0])
    return large[..., None] if large.ndim == 2 else large


def _kernel(_: Sequence[Run]) -> None:
    set_widget_value_first("learn_kernel", next(iter(KERNELS)))
    name = st.selectbox(
        "Kernel",
        list(KERNELS),
        key="learn_kernel",
        width=280,
        on_change=lambda: st.session_state.pop(_TYPED, None),
        help="Nine weights, or type your own below. Bright in the result: there the image looks like the kernel.",
    )
    weights = st.session_state.get(_TYPED) or tuple(np.ravel(KERNELS[name]))
    sliding_kernel(
        grey(SMALL),
        weights,
        f"{sample_names()[0].title()}, grey, {SMALL} × {SMALL} pixels",
        key="learn_sliding",
        on_typed=lambda typed: st.session_state.update({_TYPED: typed}),
    )


def _order(_: Sequence[Run]) -> None:
    image = grey(SMALL * 2)
    _shown((image, "As a convolution needs it"), (shuffle_pixels(image), "The same pixels; to a dense layer no worse"))


def _pool(_: Sequence[Run]) -> None:
    set_widget_value_first("learn_shift", 1)
    shift = st.slider(
        "Moved to the right, in pixels",
        0,
        4,
        key="learn_shift",
        width=280,
        help="By how much the image is moved before both are compared.",
    )
    image = grey(SMALL)
    later = translate(image[None, ..., None], 0, shift)[0, ..., 0]
    _shown(
        (image, "The image"),
        (later, f"Moved by {shift}"),
        (max_pool(image), "Pooled"),
        (max_pool(later), "Moved, then pooled"),
    )
    apart = [float(np.abs(a.astype(float) - b).mean()) for a, b in ((image, later), (max_pool(image), max_pool(later)))]
    twice = float(np.abs(max_pool(max_pool(image)).astype(float) - max_pool(max_pool(later))).mean())
    st.caption(f"Mean change of a pixel: {apart[0]:.1f} of 255; after pooling {apart[1]:.1f}, after two {twice:.1f}.")


def _draws(_: Sequence[Run]) -> None:
    image = sample(sample_names()[0])
    made = draws(image, POLICIES["D3"], seed=0, epochs=range(6), size=(150, 150))
    first = fit(image, (150, 150), channels=3)
    _shown((first, "The image"), *((one.image, f"Epoch {nth}") for nth, one in enumerate(made, 1)))


FIGURES: dict[str, Callable[[Sequence[Run]], None]] = {
    "kernel": _kernel,
    "order": _order,
    "pool": _pool,
    "draws": _draws,
    "rates": learning_rates,
    "amount": data_amount,
    "mark": planted_mark,
    "curves": curves_of_run,
    "kernels": kernels_before_and_after,
    "calibration": calibration_of_run,
    "maps": maps_before_and_after,
}
"""Each draws its controls and images; it gets all runs."""
