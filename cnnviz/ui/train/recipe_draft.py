"""The recipe that the Train page works on: a draft that may have mistakes, kept while other pages are shown.

Streamlit drops a widget's value when its page is left, so the draft is the truth: widgets are seeded from it and
written back to it. A draft is the recipe's JSON tree; `checked` makes a recipe of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS, preset
from cnnviz.recipe import Recipe, parse
from cnnviz.ui.session import query_params
from cnnviz.ui.session.packed_state import pack, unpack
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = [
    "Draft",
    "choice",
    "dataset_of_draft",
    "is_preset",
    "key",
    "leave_preset",
    "load",
    "open_draft",
    "picked_value",
    "reset_widgets",
    "write_address",
]

FIRST = "Q"
_DRAFT, _CHOICE = "train_draft", "train_preset"


@dataclass
class Draft:
    """The tree that is worked on and the preset it came from ("" for another origin).

    `number` tells drafts apart and is part of their widgets' keys: what a browser still sends of a draft that has been
    replaced then finds no widget. `table` counts the layer table's versions, each a table of its own; `note` is a
    sentence for the page's top; `valid` is the recipe as it last had no mistake; `shown` is what cards remember beside
    the recipe; `branch` is the run that it branches from, and after which epoch.
    """

    tree: dict[str, Any]
    origin: str = ""
    number: int = 0
    table: int = 0
    note: str = ""
    valid: Recipe | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    branch: tuple[str, int] | None = None
    turns: dict[str, int] = field(default_factory=dict, repr=False)
    names: dict[str, str] = field(default_factory=dict, repr=False)

    def get(self, path: str) -> Any:
        """Returns the value at a dotted path such as "fit.epochs"."""
        node: Any = self.tree
        for part in path.split("."):
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    def put(self, path: str, value: Any) -> None:
        """Sets the value at a dotted path."""
        parent, _, last = path.rpartition(".")
        node: Any = self.get(parent) if parent else self.tree
        node[int(last) if isinstance(node, list) else last] = value

    def name(self, path: str) -> str:
        """Returns the key of a path's widget, as it is now."""
        return f"train_{self.number}_{self.turns.get(path, 0)}_{path}"

    def read(self) -> None:
        """Takes over what the person has set in widgets since the last run of the page."""
        for path, name in self.names.items():
            if name in st.session_state and path.partition(".")[0] in self.tree:
                self.put(path, st.session_state[name])


def open_draft() -> Draft:
    """Returns the draft, after taking over a recipe from another page or the one that the address names."""
    session = st.session_state
    named = query_params.new_values("train", ("preset", "recipe", "branch")) or {}
    branch = session.pop("train_branch", None) or _branch_named(named.pop("branch", ""))
    if isinstance(handed := session.pop("train_recipe", None), Recipe):
        load(handed)
        session[_DRAFT].branch = branch
    elif _DRAFT not in session or any(named.values()):
        try:
            _load_named(named.get("preset", ""), named.get("recipe", ""))
            session[_DRAFT].branch = branch
        except RecipeError as error:
            if _DRAFT not in session:
                load(PRESETS[FIRST], FIRST)
            session[_DRAFT].note = str(error)
    draft = session[_DRAFT]
    draft.read()
    return draft


def dataset_of_draft() -> str:
    """Returns the data set that the draft names; "" where there is no draft yet."""
    draft = st.session_state.get(_DRAFT)
    return "" if draft is None else str(draft.get("data.dataset"))


def _branch_named(text: str) -> tuple[str, int] | None:
    """The run and the epoch that an address names, as "RUN.6"."""
    run, _, epoch = text.rpartition(".")
    return (run, int(epoch)) if run and epoch.isdecimal() and len(epoch) < 8 else None


def _load_named(name: str, packed: str) -> None:
    if packed:
        load(parse(unpack(packed)), name if name in PRESETS else "")
    else:
        load(preset(name or FIRST), name or FIRST)


def write_address(draft: Draft, recipe: Recipe | None) -> None:
    """Names the draft in the address: a preset as it is, or all that was made of it.

    Args:
        draft: as the page has drawn it.
        recipe: made of it; while it has mistakes, `None`, the address has it as it was before them, under no preset's
            name.
    """
    draft.valid = recipe or draft.valid
    branch = {"branch": f"{draft.branch[0]}.{draft.branch[1]}" if draft.branch else ""}
    if draft.origin and recipe is not None and is_preset(draft):
        query_params.write("train", {"preset": draft.origin, **branch})
        return
    packed = pack(draft.valid.model_dump(mode="json")) if draft.valid else ""
    query_params.write("train", {"preset": draft.origin if packed and recipe else "", "recipe": packed, **branch})
    if draft.valid and not packed:
        st.caption("This recipe is too long for an address: save its file to keep or share it.")


def load(recipe: Recipe, origin: str = "") -> None:
    """Puts a recipe in the draft's place; widgets that are drawn from now on show it."""
    session, old = st.session_state, st.session_state.get(_DRAFT)
    draft = Draft(recipe.model_dump(mode="json"), origin, valid=recipe)
    if old is not None:
        draft.number, draft.table = old.number + 1, old.table + 1
        draft.shown["editing"] = old.shown.get("editing", False)
    session[_DRAFT] = draft
    session[_CHOICE] = origin or None


def leave_preset(draft: Draft) -> None:
    """Notes that the draft comes from no preset any more; for use before the choice of one is drawn."""
    draft.origin = ""
    st.session_state[_CHOICE] = None


def choice(draft: Draft) -> str:
    """Returns the key of the widget that chooses a preset; it outlives drafts, so that it keeps the focus."""
    set_widget_value_first(_CHOICE, draft.origin or None)
    return _CHOICE


def key(draft: Draft, path: str, value: Any = ...) -> str:
    """Returns the key of the widget for a path; a widget that isn't there yet is seeded with the draft's value.

    Args:
        draft: where the value is.
        path: dotted, such as "fit.epochs"; any name where `value` is given.
        value: the seed, where it isn't the draft's value at `path`.
    """
    name = draft.names[path] = draft.name(path)
    set_widget_value_first(name, draft.get(path) if value is ... else value)
    return name


def picked_value(path: str) -> Any:
    """Returns what a widget holds, for its callback; `None` where another callback has just loaded a recipe."""
    return st.session_state.get(st.session_state[_DRAFT].name(path))


def reset_widgets(*paths: str) -> None:
    """Gives these paths new widgets, seeded anew; for use before they are drawn."""
    draft = st.session_state[_DRAFT]
    for path in paths:
        draft.turns[path] = draft.turns.get(path, 0) + 1
        draft.names.pop(path, None)


def is_preset(draft: Draft) -> bool:
    """Returns whether the draft is still its preset; heads don't count, as they follow the data."""
    if not draft.origin:
        return True
    original = PRESETS[draft.origin].model_dump(mode="json")
    now = {**draft.tree, "network": {**draft.tree["network"], "heads": None}}
    return now == {**original, "network": {**original["network"], "heads": None}}
