"""Runs as a short list beside what is shown of them: one is opened by its name, several are ticked to be compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from cnnviz.ui.components.component import component

__all__ = ["Row", "run_list"]


@dataclass(frozen=True)
class Row:
    """A run in the list: its id, name, what stands small under that and at its right, and its tags."""

    id: str
    name: str
    line: str
    figure: str
    tags: tuple[str, ...] = ()


def run_list(
    rows: Sequence[Row],
    ticked: Collection[str],
    *,
    key: str,
    on_open: Callable[[str], None],
    on_tick: Callable[[list[str]], None],
) -> None:
    """Draws the list, which scrolls by itself; on a phone it is folded. Names become text, whatever they contain.

    Args:
        rows: the runs.
        ticked: the ids of those that are shown.
        key: of the element.
        on_open: called with the id of the run that is to be shown alone.
        on_tick: called with the ids that are ticked among the rows, when one was added or taken away.
    """
    known = [row.id for row in rows]
    data = {"rows": [asdict(row) for row in rows], "ticked": [run for run in known if run in ticked]}
    component("run_list")(
        data=data,
        key=key,
        on_opened_change=lambda: _opened(key, known, on_open),
        on_ticked_change=lambda: _ticked(key, known, on_tick),
    )


def _opened(key: str, known: Sequence[str], take: Callable[[str], None]) -> None:
    said = getattr(st.session_state.get(key), "opened", None)
    if isinstance(said, str) and said in known:
        take(said)


def _ticked(key: str, known: Sequence[str], take: Callable[[list[str]], None]) -> None:
    said = getattr(st.session_state.get(key), "ticked", None)
    if isinstance(said, (list, tuple)) and said and all(isinstance(run, str) and run in known for run in said):
        take(list(said))
