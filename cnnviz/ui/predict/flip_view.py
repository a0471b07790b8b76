"""The panel of the Predict page on the smallest change of the image that flips the answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.explain.robustness.adversarial import STEPS, Flip, pgd, smallest_flip
from cnnviz.figures.html import render
from cnnviz.files import npy_bytes
from cnnviz.images import enlarge, to_png
from cnnviz.probabilities import percent
from cnnviz.progress import CancelCheck, Progress
from cnnviz.ui.components.announcement import announce
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.inputs.model_cache import letting_others_in
from cnnviz.ui.inputs.selection import FLIP_METHODS, MOST_LEVELS, Choice, write_address
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.prediction_job import Pair, Prediction, Shown
from cnnviz.ui.session import query_params
from cnnviz.ui.session.background_job import keyed_job, say_end
from cnnviz.ui.session.widget_sync import seed

__all__ = ["flip_part"]

SIDE = 420
"""Images are drawn at least so large, in pixels."""
KEPT = 128
PATIENCE_SECONDS = 0.8
"""A bar that comes and goes while a person moves the slider would be worse than to wait."""
AT_FIRST = 8
"""The slider's place until the smallest is found, in levels."""
_STORE, _LAST = "predict_flip_store", "predict_flip_last"


@dataclass(frozen=True, eq=False)
class _Smallest:
    """What `smallest_flip` found, which may be nothing."""

    flip: Flip | None

    @property
    def level(self) -> int:
        """Its ε in levels; the greatest that was tried where there is none."""
        return round(255 * self.flip.epsilon) if self.flip is not None else MOST_LEVELS


@dataclass(frozen=True, eq=False)
class _Changed:
    """An image changed by at most `level` levels, uint8 (h, w, c), and the class probabilities of it (classes,)."""

    level: int
    image: np.ndarray
    probabilities: np.ndarray


@st.fragment
def flip_part(pair: Pair, choice: Choice) -> None:
    """Draws the image, a changed one and the difference, at first the smallest that flips it. It reruns alone.

    Args:
        pair: that was predicted and explained: what is flipped is the head that is explained.
        choice: where the method and ε are kept.
    """
    prediction, shown = pair.prediction, pair.shown
    assert isinstance(prediction, Prediction)
    assert isinstance(shown, Shown)
    store: BoundedCache = st.session_state.setdefault(_STORE, BoundedCache(KEPT))
    mark = (pair.source.stamp, pair.image.identity, shown.head, choice.flip_method)
    work = partial(_work, store, mark, pair, prediction.seen, choice.flip_level)
    controls, answer = st.container(horizontal=True, vertical_alignment="bottom", gap="medium"), st.container()
    with answer:  # the bar has the place of the words that come after it, so that nothing moves
        job = keyed_job(
            "predict_flip",
            (mark, choice.flip_level),
            work,
            "Looking for the smallest change",
            begin=not _whole(store, mark, choice.flip_level),
            patience=PATIENCE_SECONDS,
        )
        if job is not None and job.result is None:
            say_end(job, "Stopped. Another ε begins anew.")
    smallest: _Smallest | None = store.get(mark)
    level = choice.flip_level or (smallest.level if smallest is not None else AT_FIRST)
    changed: _Changed | None = store.get((mark, level))
    with controls:
        _controls(choice, level, smallest)
    write_address(choice)
    query_params.push_url_in_fragment()
    known = changed is not None
    if changed is None:
        changed = _last(mark)
    st.session_state[_LAST] = (mark, changed)
    if changed is not None and (known or job is not None):
        with answer:
            told = _told(pair, shown, prediction, changed, smallest)
        announce(told, key="predict_flip_said")
    _images(pair, shown, prediction, changed, choice)


def _last(mark: tuple) -> _Changed | None:
    """What was shown last of this image, for the time until another one is there."""
    of, changed = st.session_state.get(_LAST, (None, None))
    return changed if of == mark else None


def _whole(store: BoundedCache, mark: tuple, level: int | None) -> bool:
    smallest = store.get(mark)
    return smallest is not None and (mark, level or smallest.level) in store


def _work(
    store: BoundedCache,
    mark: tuple,
    pair: Pair,
    image: np.ndarray,
    level: int | None,
    progress: Progress,
    cancelled: CancelCheck,
) -> bool:
    """Makes what is missing: the image at the wanted level first, where there is one."""
    classifier, (*_, name, method) = pair.model.classifier, mark
    head = [one.name for one in classifier.heads].index(name)
    steps = STEPS if method == "pgd" else 1

    def change(level: int, found: np.ndarray | None = None) -> None:
        if (mark, level) not in store:
            if found is None:
                epsilon = level / 255
                found = pgd(
                    classifier, image[None], head=head, epsilon=epsilon, steps=steps, progress=tell, cancelled=cancelled
                ).images[0]
            store.put((mark, level), _Changed(level, found, classifier.predict(found[None])[head][0]))

    with letting_others_in(pair.model.lock, progress) as tell:
        if mark not in store and level is not None:
            change(level)
        smallest = store.get(mark) or store.put(
            mark, _Smallest(smallest_flip(classifier, image, head, steps=steps, progress=tell, cancelled=cancelled))
        )
        if smallest.flip is not None:
            change(smallest.level, smallest.flip.image)
        change(level or smallest.level)
    return True


def _controls(choice: Choice, level: int, smallest: _Smallest | None) -> None:
    def to_method() -> None:
        choice.flip_method, choice.flip_level = st.session_state["predict_flip_method"], None

    st.segmented_control(
        "Method",
        list(FLIP_METHODS),
        format_func=FLIP_METHODS.__getitem__,
        required=True,
        key=seed("predict_flip_method", choice.flip_method),
        on_change=to_method,
        help=f"FGSM: one step along the gradient's sign (arXiv:1412.6572). PGD: {STEPS} small steps that stay within ε "
        "(arXiv:1706.06083).",
    )
    with st.container(width=420):
        st.slider(
            "ε, the largest change of a value",
            1,
            MOST_LEVELS,
            format="%d/255",
            key=seed("predict_flip_level", level),
            on_change=lambda: setattr(choice, "flip_level", st.session_state["predict_flip_level"]),
            help="In levels of 0 to 255: saved images have no smaller ones.",
        )
    st.button(
        "Smallest",
        icon=":material/restart_alt:",
        type="tertiary",
        key="predict_flip_smallest",
        disabled=smallest is None or smallest.flip is None or level == smallest.level,
        on_click=lambda: setattr(choice, "flip_level", None),
        help="Back to the smallest ε that was found to flip it.",
    )


def _words(probabilities: np.ndarray, classes: tuple[str, ...]) -> str:
    at = int(probabilities.argmax())
    return f"{classes[at]}: {percent(float(probabilities[at]))}"


def _told(pair: Pair, shown: Shown, prediction: Prediction, changed: _Changed, smallest: _Smallest | None) -> str:
    """Draws what becomes of the prediction; returns it in words."""
    classes, before = pair.model.classifier.classes[shown.head], prediction.probabilities[shown.head]
    flipped = changed.probabilities.argmax() != before.argmax()
    words = f"{_words(before, classes)} → {_words(changed.probabilities, classes)}"
    how = f"{'Flipped' if flipped else 'Not flipped'} by at most {changed.level} of 255 levels"
    if smallest is None:
        now = f"{how}."
    elif smallest.flip is None:
        now = f"{how}; no ε up to {MOST_LEVELS}/255 was found that flips it."
    elif smallest.level == changed.level:
        now = f"{how}, the smallest ε that was found."
    else:
        now = f"{how}; the smallest ε that was found to flip it is {smallest.level}/255."
    st.html(render("cover_answer.html", words=words, now=now))
    return f"{words}. {now}"


def _images(pair: Pair, shown: Shown, prediction: Prediction, changed: _Changed | None, choice: Choice) -> None:
    classes, seen, title = pair.model.classifier.classes[shown.head], prediction.seen, pair.image.title
    original, after, between = st.columns(3, gap="medium")
    with original:
        _image("As it is", seen, _words(prediction.probabilities[shown.head], classes), f"{title} as the model sees it")
    if changed is None:
        return
    with after:
        _image("Changed", changed.image, _words(changed.probabilities, classes), f"{title}, changed")
    with between:
        drawn, most = _difference(changed.image, seen)
        factor = 127 // max(1, most)
        _image("Difference", drawn, f"× {factor}, around grey", f"What was changed in {title}, enlarged {factor} times")
        ramp = to_png(np.arange(256, dtype=np.uint8)[None])
        st.html(render("colour_bar.html", png=ramp, left=f"−{most}", right=f"+{most}", zero=None))
    _downloads(pair, changed, seen, shown, choice)


def _image(name: str, image: np.ndarray, caption: str, alt: str) -> None:
    st.subheader(name, anchor=False)
    drawn = to_png(enlarge(image, -(-SIDE // max(image.shape[:2]))))
    st.image(drawn, caption=plain(caption), width="stretch", alt=alt)


def _difference(changed: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, int]:
    """The difference around grey, enlarged as far as it fits, uint8 (h, w, c), and the greatest of it in levels."""
    difference = changed.astype(np.int16) - seen
    most = int(np.abs(difference).max())
    return (128 + difference * (127 // max(1, most))).astype(np.uint8), most


def _downloads(pair: Pair, changed: _Changed, seen: np.ndarray, shown: Shown, choice: Choice) -> None:
    of = (pair.source.file_part, pair.image.title, shown.head, choice.flip_method, f"{changed.level} of 255")
    with st.container(horizontal=True, gap="small"):
        download_button(
            "Changed image",
            lambda: to_png(changed.image),
            file_name(*of, "changed", ending=".png"),
            key="predict_flip_png",
            help="The changed image as PNG, of the size that the model sees: it is predicted so itself.",
        )
        download_button(
            "Difference",
            lambda: npy_bytes(changed.image.astype(np.int16) - seen),
            file_name(*of, "difference", ending=".npy"),
            key="predict_flip_npy",
            help="Changed minus original as a NumPy file: int16, in levels.",
        )
