"""What stands in a page's address: written as a person changes it, read where they opened a link or went back.

A browser that has not heard of a change yet asks once more under the address as it was. Taken for a link, that would
undo what the person has just done; so what was replaced a moment ago is no news.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import streamlit as st

__all__ = ["news", "write"]

MOMENT = 4.0
"""For how many seconds an address that was replaced may still arrive. Going back in less than that does nothing."""
_LONGEST = 2000


class _Told(NamedTuple):
    """A value that the browser was told, or told us, and those before it with the times until which they are stale."""

    value: str = ""
    before: tuple[tuple[str, float], ...] = ()


def news(page: str, names: Collection[str]) -> dict[str, str] | None:
    """Returns the values of these names where the address says anything new, else `None`.

    Args:
        page: whose address; each knows its own values.
        names: those that the page reads; what isn't in the address is empty.
    """
    found = {name: ",".join(st.query_params.get_all(name))[:_LONGEST] for name in names}
    told, now = _told(page), time.monotonic()
    changed = [name for name, value in found.items() if value != told.get(name, _Told()).value]
    if not any(found.values()) or all(_stale(told.get(name, _Told()), found[name], now) for name in changed):
        return None
    _keep(page, found)
    return found


def write(page: str, values: Mapping[str, str]) -> None:
    """Puts values into the address; empty ones are left out."""
    _keep(page, values)  # first, as the page may be broken off while it tells the browser
    for name, value in values.items():
        if value and st.query_params.get_all(name) != [value]:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]


def _told(page: str) -> dict[str, _Told]:
    return st.session_state.setdefault(f"{page}_address", {})


def _stale(told: _Told, value: str, now: float) -> bool:
    return any(value == old and now < until for old, until in told.before)


def _keep(page: str, values: Mapping[str, str]) -> None:
    told, now = _told(page), time.monotonic()
    for name, value in values.items():
        old = told.get(name, _Told())
        if value != old.value:
            before = (*(one for one in old.before if now < one[1]), (old.value, now + MOMENT))
            told[name] = _Told(value, before)
