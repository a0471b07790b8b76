"""What a person has decided of a data set's images: kept on disk at once, and undone step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cnnviz.data.disk_cache import cache_folder
from cnnviz.data.review import Decision, Review, merge, review_from_json, review_to_json
from cnnviz.errors import DataError, RecipeError
from cnnviz.files import write_bytes
from cnnviz.frozen_model import parse_record

__all__ = ["can_undo", "decide", "read", "refusal", "refuse", "replace", "take_in", "undo"]

_HISTORY, _REFUSED = "data_review_history", "data_review_refused"
_STEPS = 200


def read(dataset: str) -> Review:
    """Returns what has been decided; nothing where that can't be read."""
    try:
        return review_from_json(_place(dataset).read_bytes())
    except (OSError, DataError):
        return Review(dataset=dataset)


def decide(dataset: str, images: Sequence[str], decision: Decision | None) -> None:
    """Notes a decision on images; `None` takes back what was decided."""
    before, gone = read(dataset), set(images)
    decisions = {name: one for name, one in before.decisions.items() if name not in gone}
    if decision is not None:
        decisions |= dict.fromkeys(images, decision)
    try:
        _change(before, parse_record({"dataset": dataset, "decisions": decisions}, Review))
    except RecipeError as error:
        refuse(str(error))


def take_in(dataset: str, other: Review) -> None:
    """Adds another person's decisions, which count where both decide."""
    before = read(dataset)
    try:
        _change(before, merge(before, other))
    except DataError as error:
        refuse(str(error))


def replace(dataset: str, review: Review) -> None:
    """Puts a whole review in the place of what was decided."""
    _change(read(dataset), review)


def undo(dataset: str) -> None:
    """Takes the last step back."""
    history = st.session_state.get(_HISTORY, [])
    if history and history[-1].dataset == dataset:
        _write(history.pop())


def can_undo(dataset: str) -> bool:
    """Returns whether there is a step of this session to take back."""
    history = st.session_state.get(_HISTORY, [])
    return bool(history) and history[-1].dataset == dataset


def refuse(message: str) -> None:
    """Notes why a step was refused, for `refusal`."""
    st.session_state[_REFUSED] = message


def refusal() -> str:
    """Returns, once, why the last step was refused; "" where it wasn't."""
    return str(st.session_state.pop(_REFUSED, ""))


def _change(before: Review, after: Review) -> None:
    if _write(after):
        history = st.session_state.setdefault(_HISTORY, [])
        history.append(before)
        del history[:-_STEPS]


def _write(review: Review) -> bool:
    path = _place(review.dataset)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, review_to_json(review).encode())
    except OSError as error:
        refuse(
            f"The review can't be kept in {path.parent} ({error.strerror}): set CNNVIZ_CACHE to a folder that can be "
            "written."
        )
        return False
    return True


def _place(dataset: str) -> Path:
    return cache_folder() / "reviews" / f"{hashlib.sha256(dataset.encode()).hexdigest()[:32]}.json"
