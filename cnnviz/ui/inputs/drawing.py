"""A pad as a source of images, for models of small grey ones: the answer is there at once, the page follows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnnviz import images
from cnnviz.drawing import Strokes, checked_strokes, pack_strokes, prepare, rasterize, unpack_strokes
from cnnviz.errors import ImageError
from cnnviz.probabilities import percents
from cnnviz.runs import Run, recipe_of
from cnnviz.ui.components.drawing_pad import drawing_pad
from cnnviz.ui.inputs.input_image import of_drawing
from cnnviz.ui.inputs.model_cache import ModelSource, loaded_model
from cnnviz.ui.inputs.selection import Choice, add
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

__all__ = ["can_draw", "drawing_part", "drawing_toggle", "fit_drawing"]

LARGEST = 64
"""The longest side, in pixels, of images that one can draw as one sees them."""
ANSWERS = 3
_KEY, _SETTLED = "drawing_pad", "drawing_settled"


def can_draw(run: Run) -> bool:
    """Returns whether a run's model takes small grey images."""
    data = recipe_of(run).data
    return data.channels == 1 and max(data.image_size) <= LARGEST


def drawing_toggle(choice: Choice, run: Run) -> None:
    """Draws the switch for the pad."""

    def turn() -> None:
        choice.drawing = bool(st.session_state["drawing_on"])
        _show(choice, run, choice.strokes if choice.drawing else "")

    st.toggle(
        "Draw",
        key=seed("drawing_on", choice.drawing),
        on_change=turn,
        help="A pad to draw on: what the model makes of it follows your pen.",
    )


def fit_drawing(choice: Choice, run: Run) -> None:
    """Fits a drawing among the images, if it was made for another model's size, to that of a run's model."""
    size = recipe_of(run).data.image_size
    if any(one.identity[0] == "drawing" and one.shown.shape[:2] != size for one in choice.images):
        choice.images = [
            of_drawing(choice.strokes, size) if one.identity[0] == "drawing" else one for one in choice.images
        ]


def drawing_part(choice: Choice, run: Run, source: ModelSource | None) -> None:
    """Draws the pad.

    Args:
        choice: of images; a drawing takes the place of the others, as any image that is chosen.
        run: which one `can_draw` for.
        source: its model.
    """
    query_params.replace_silently("draw")  # strokes are no steps to go back by
    choice.turn_shown = choice.turn
    _part(choice, run, source)


@st.fragment
def _part(choice: Choice, run: Run, source: ModelSource | None) -> None:
    strokes, prepared, message = _prepared(choice.strokes, recipe_of(run).data.image_size)
    height, width = recipe_of(run).data.image_size

    def drawn(turn: int, given: object) -> None:
        choice.turn = turn
        try:
            packed = pack_strokes(checked_strokes(given)) if given else ""
        except ImageError as error:
            choice.refused[:] = [("Drawing", str(error))]
            return
        choice.strokes = packed
        _show(choice, run, packed)

    drawing_pad(
        strokes,
        choice.turn,
        choice.turn_shown,
        key=_KEY,
        on_drawn=drawn,
        on_settled=lambda: st.session_state.update({_SETTLED: True}),
        seen=b"" if prepared is None else images.to_png(prepared),
        caption=f"as the model sees it: {width} × {height}",
        rows=[] if prepared is None else _answer(source, prepared),
        message=message,
    )
    if st.session_state.pop(_SETTLED, False):
        st.rerun(scope="app")


def _prepared(packed: str, size: tuple[int, int]) -> tuple[Strokes, np.ndarray | None, str]:
    """The strokes, the image of them, and the sentence where there is none."""
    try:
        strokes = unpack_strokes(packed) if packed else ()
        return strokes, prepare(rasterize(strokes), size), ""
    except ImageError as error:
        return (), None, str(error)


def _show(choice: Choice, run: Run, packed: str) -> None:
    """Shows the drawing in the place of the one before; without strokes the page's own image where no other is left."""
    choice.images = [one for one in choice.images if one.identity[0] != "drawing"]
    if packed:
        choice.refused.clear()
        add(choice, [of_drawing(packed, recipe_of(run).data.image_size)])
    choice.chosen = bool(choice.images)


def _answer(source: ModelSource | None, prepared: np.ndarray) -> list[tuple[str, str, str]]:
    """The likeliest classes of the first head, where the model is loaded."""
    model = None if source is None else loaded_model(source)
    if model is None:
        return []
    shares = model.predict(prepared[None])[0][0]
    classes = model.classifier.classes[model.classifier.heads[0].name]
    order = np.argsort(-shares, kind="stable")[:ANSWERS]
    words = percents([float(one) for one in shares])
    return [(classes[one], f"{max(0.5, 100 * float(shares[one])):.1f}", words[one]) for one in order]
