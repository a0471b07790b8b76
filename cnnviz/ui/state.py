"""The recipe that the Train page works on: a draft that may have mistakes, kept while other pages are shown.

Streamlit drops a widget's value when its page is left, so the draft is the truth: widgets are seeded from it and
written back to it. A draft is the recipe's JSON tree; `checked` makes a recipe of it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS, preset
from cnnviz.recipe import Recipe

__all__ = ["Draft", "forget", "key", "load", "opened", "unchanged"]

FIRST = "Q"
_DRAFT, _FIELD = "train_draft", "train_field_"


@dataclass
class Draft:
    """The tree that is worked on, the preset it came from ("" for another origin), and how often one was loaded.

    `table` counts the layer table's versions, each a table of its own; `note` is a sentence for the page's top.
    """

    tree: dict[str, Any]
    origin: str = ""
    table: int = 0
    note: str = ""
    shown: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        """Returns the value at a dotted path such as "fit.epochs"."""
        node = self.tree
        for part in path.split("."):
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    def put(self, path: str, value: Any) -> None:
        """Sets the value at a dotted path."""
        parent, _, last = path.rpartition(".")
        node = self.get(parent) if parent else self.tree
        node[int(last) if isinstance(node, list) else last] = value

    def read(self) -> None:
        """Takes over what the person has set in widgets since the last run of the page."""
        for name, value in st.session_state.items():
            path = name.removeprefix(_FIELD) if isinstance(name, str) and name.startswith(_FIELD) else ""
            if path.partition(".")[0] in self.tree:
                self.put(path, value)


def opened() -> Draft:
    """Returns the draft, after taking over a recipe from another page or a preset that the address names."""
    session = st.session_state
    wanted = st.query_params.get("preset")
    if isinstance(handed := session.pop("train_recipe", None), Recipe):
        load(handed)
    elif _DRAFT not in session or (wanted and wanted != session[_DRAFT].origin):
        try:
            load(preset(wanted or FIRST), wanted or FIRST)
        except RecipeError as error:
            if _DRAFT not in session:
                load(PRESETS[FIRST], FIRST)
            session[_DRAFT].note = str(error)
    draft = session[_DRAFT]
    draft.read()
    _name_in_address(draft.origin)
    return draft


def load(recipe: Recipe, origin: str = "") -> None:
    """Puts a recipe in the draft's place; widgets that are drawn from now on show it."""
    session = st.session_state
    for name in [name for name in session if isinstance(name, str) and name.startswith(_FIELD)]:
        del session[name]
    table = session[_DRAFT].table + 1 if _DRAFT in session else 0
    session[_DRAFT] = Draft(copy.deepcopy(recipe.model_dump(mode="json")), origin, table)
    _name_in_address(origin)


def _name_in_address(origin: str) -> None:
    if origin and st.query_params.get("preset") != origin:
        st.query_params["preset"] = origin
    elif not origin and "preset" in st.query_params:
        del st.query_params["preset"]


def key(draft: Draft, path: str, value: Any = ...) -> str:
    """Returns the key of the widget for a path; a widget that isn't there yet is seeded with the draft's value.

    Args:
        draft: where the value is.
        path: dotted, such as "fit.epochs"; any name where `value` is given.
        value: the seed, where it isn't the draft's value at `path`.
    """
    name = _FIELD + path
    if name not in st.session_state:
        st.session_state[name] = draft.get(path) if value is ... else value
    return name


def forget(*paths: str) -> None:
    """Lets the widgets of these paths be seeded anew; for use before they are drawn."""
    for path in paths:
        st.session_state.pop(_FIELD + path, None)


def unchanged(draft: Draft) -> bool:
    """Returns whether the draft is still its preset; heads don't count, as they follow the data."""
    if not draft.origin:
        return True
    original = PRESETS[draft.origin].model_dump(mode="json")
    now = {**draft.tree, "network": {**draft.tree["network"], "heads": None}}
    return now == {**original, "network": {**original["network"], "heads": None}}
