"""What stands in a page's address: one entry of the browser's history for each step of a person, and all of it exact.

A page says by `write` what it shows and reads by `new_values` what a person came with: a link, or an address that they
went back or forward to. Once the page is drawn, `push_url` compares that with what the browser has: a person's step
becomes a new entry, in one message. What a page fills in by itself (its defaults on arrival, a layer that a model must
be loaded for) takes the present entry's place, as nobody would go back to it; Streamlit can't do that (its widgets'
`bind="query-params"` can do nothing else, so that a step couldn't be taken back), and a few lines of script do.

A message of the browser may still carry an older address than the page has told it meanwhile. So what it carries counts
only where a person comes to a page, or goes back or forward, which Streamlit knows and has no public way to ask for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cnnviz.ui.components.component import component

__all__ = ["enter", "go", "new_values", "push_url", "push_url_in_fragment", "replace_silently", "write"]

LONGEST = 20_000
"""So many characters of a value are read, and at most so many written."""
_EARLIER = 10  # addresses that may still stand in the browser
_VISIT, _HANDED, _MEANT = "address_visit", "address_handed", "address_meant"


@dataclass
class _Visit:
    """A stay on a page.

    Attributes:
        page: the last part of its address.
        link: what the person came with, by name; `None` where the page is to be as they left it.
        taken: which parts of the page have read that.
        parts: what each part of the page wants in the address.
        at: what the browser has there.
        arriving: whether nothing was told since the person came.
        settled: names whose new values are no steps.
        turn: counts what is told, over all visits.
        to: what is to take the place of the browser's search.
        since: which that must be, one of these, as it may have moved on; `None` for whatever it is.
        drawing: whether all of the page is being drawn, rather than a fragment of it.
    """

    page: str
    link: dict[str, str] | None
    at: dict[str, str]
    turn: int = 0
    taken: set[str] = field(default_factory=set)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    arriving: bool = True
    settled: set[str] = field(default_factory=set)
    drawing: bool = True
    to: str | None = None
    since: list[str] | None = None


def enter(page: str) -> None:
    """Notes which page is drawn now, and with what a person came to it; before it is drawn.

    Args:
        page: the last part of its address.
    """
    session = st.session_state
    visit: _Visit | None = session.get(_VISIT)
    context = get_script_run_ctx()
    went = context is not None and context.is_history_navigation
    if visit is None or visit.page != page or went:
        found = {name: ",".join(st.query_params.get_all(name))[:LONGEST] for name in st.query_params}
        handed = session.pop(_HANDED, None)
        meant = session.get(_MEANT, {}).get((page, urlencode(found)), found)
        session[_VISIT] = _Visit(
            page,
            link=meant if went else (found if handed is None else handed) or None,
            at=found,
            turn=visit.turn if visit else 0,
            since=None if handed is not None else [urlencode(found), ""],
        )
    session[_VISIT].drawing = True


def go(page: str, **values: str) -> None:
    """Switches to another page, which finds these values as if a link had named them.

    Streamlit first puts what it is given, or nothing, into the address of the page that is left: a step that nobody
    took, unless that is there already.
    """
    session = st.session_state
    session[_HANDED] = values
    st.switch_page(page, query_params=session[_VISIT].at if _VISIT in session else None)


def new_values(part: str, names: Collection[str]) -> dict[str, str] | None:
    """Returns the values of these names in the address that a person came with, once; `None` where there is no such.

    Args:
        part: whose names; each part of a page knows its own.
        names: those that it reads; what isn't in the address is empty, and stands for what is as usual.
    """
    visit: _Visit | None = st.session_state.get(_VISIT)
    if visit is None or visit.link is None or part in visit.taken:
        return None
    visit.taken.add(part)
    return {name: visit.link.get(name, "") for name in names}


def write(part: str, values: Mapping[str, str]) -> None:
    """Says what a part of the page wants in the address from now on; empty values are left out."""
    if (visit := st.session_state.get(_VISIT)) is not None:
        visit.parts[part] = dict(values)


def replace_silently(*names: str) -> None:
    """Notes that a change of these names is the page's own and no step, unless another name changes with them."""
    if (visit := st.session_state.get(_VISIT)) is not None:
        visit.settled.update(names)


def push_url(others: Collection[str]) -> None:
    """Tells the browser the address of the page; once it is drawn.

    Args:
        others: the last parts of all pages' addresses.
    """
    visit: _Visit = st.session_state[_VISIT]
    _tell(visit, may_settle=True)
    visit.drawing = False
    data = {
        "turn": visit.turn,
        "to": visit.to,
        "since": visit.since,
        "page": visit.page,
        "others": [one for one in others if one],
    }
    with st.container(key="address_place"):
        component("query_params")(data=data, key="address")


def push_url_in_fragment() -> None:
    """Tells the browser of a step that was taken within a fragment; at its end."""
    visit: _Visit | None = st.session_state.get(_VISIT)
    if visit is not None and not visit.drawing:
        _tell(visit, may_settle=False)


def _tell(visit: _Visit, *, may_settle: bool) -> None:
    wanted = {name: value for part in visit.parts.values() for name, value in part.items() if value}
    changed = {name for name in {*wanted, *visit.at} if wanted.get(name) != visit.at.get(name)}
    meant = st.session_state.setdefault(_MEANT, {})
    if changed and not (visit.arriving or changed <= visit.settled):
        meant.pop((visit.page, urlencode(wanted)), None)
        st.query_params.from_dict(wanted)
        visit.at, visit.to, visit.turn, visit.since = wanted, None, visit.turn + 1, []
        visit.settled.clear()  # they were told with it; in a fragment nothing else would end them
    elif may_settle and (changed or visit.arriving):
        # A person may take a step before the script has heard of this, and come back to the entry as it was.
        meant[visit.page, urlencode(visit.at)] = wanted
        if not visit.arriving:  # a browser may never have drawn what it was told before a quick rerun
            visit.since = [*dict.fromkeys([*(visit.since or ()), urlencode(visit.at)])][-_EARLIER:]
        visit.at, visit.to, visit.turn = wanted, urlencode(wanted), visit.turn + 1
    if may_settle:
        visit.arriving = False
        visit.settled.clear()
