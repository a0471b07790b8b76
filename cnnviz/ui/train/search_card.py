"""The Train page's card for a search: which fields of the recipe are tried with what, for how long, and by what metric
they are judged."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from cnnviz import search as searches
from cnnviz.data.compatibility import check
from cnnviz.errors import CnnvizError, RecipeError
from cnnviz.recipe import Recipe
from cnnviz.runs.launch import slots
from cnnviz.search.fields import Field, fields_of
from cnnviz.search.space import Range
from cnnviz.search.spec import PRUNERS, SearchSpec, metrics_of
from cnnviz.ui.components.component import component
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.packed_state import pack, unpack
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first
from cnnviz.ui.train.engine_choice import engine_chosen
from cnnviz.ui.train.recipe_draft import Draft
from cnnviz.ui.train.recipe_errors import field_names, in_words

__all__ = ["search_button", "search_card"]

_OPEN, _PRESSED, _TURN = "train_search_open", "train_search_pressed", "train_search_turn"
_USUAL = ("fit.learning_rate", "fit.optimizer")
"""What a search is of before somebody has chosen."""
_PRUNING = {"none": "None", "median": "Median", "hyperband": "Hyperband"}
_ENDS = {"low": "smallest", "high": "largest"}
_BUDGET: dict[str, Any] = {"trials": 24, "minutes": None, "metric": "val_accuracy", "pruner": "median"}


def search_button(recipe: Recipe | None) -> None:
    """Draws the button that opens and closes the card."""
    opened = bool(st.session_state.get(_OPEN))
    st.button(
        "Close search" if opened else "Search",
        icon=":material/manage_search:",
        key="train_search",
        disabled=recipe is None and not opened,
        on_click=st.session_state.update,
        args=({_OPEN: not opened, _TURN: st.session_state.get(_TURN, 0) + (not opened)},),
        help="Tries many settings of this recipe and keeps all the runs: you say which fields, and for how long.",
    )


def search_card(draft: Draft, recipe: Recipe | None) -> None:
    """Draws the card, where it is open; its button starts the search and leads to it.

    Args:
        draft: whose recipe it is.
        recipe: what is searched from; `None` while the draft has mistakes.
    """
    _take_address(draft)
    if not st.session_state.get(_OPEN):
        query_params.write("train_search", {})
        return
    with st.container(border=True, key="train_card_search"):
        st.header("Search", anchor="train-search")
        if recipe is None:
            st.caption("Mend the recipe first: a search tries what is round it.")
            return
        fields = {field.key: field for field in fields_of(recipe)}
        names = field_names(fields, draft.tree)
        space = _space(draft, fields, names)
        budget = _budget(draft, recipe)
        query_params.write("train_search", {"search": pack({"space": space, **budget})})
        spec = _checked(draft, recipe, space, budget)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Start search",
                type="primary",
                icon=":material/play_arrow:",
                key="train_search_start",
                disabled=spec is None,
                on_click=st.session_state.update,
                args=({_PRESSED: True},),
                help="Goes on in processes of its own, also with this page closed. Each trial is an ordinary run.",
            )
            if spec is not None:
                st.caption(_summary(spec))
    if turn := st.session_state.get(_TURN):  # opened by its button, which stands elsewhere
        with st.container(key="unseen_train_search"):
            component("scroll_to")(data={"turn": turn, "to": ".st-key-train_card_search"}, key="train_search_scroll")
    if st.session_state.pop(_PRESSED, False) and spec is not None:
        _start(spec)


def _summary(spec: SearchSpec) -> str:
    many = f"{slots()} at a time" if slots() > 1 else "one after another"
    stop = f", at most {spec.minutes:g} minutes" if spec.minutes else ""
    return f"{spec.trials} trials, {many}{stop}; the first is the recipe as it is, where that lies in the ranges."


def _start(spec: SearchSpec) -> None:
    try:
        heads = [head.name for head in spec.recipe.network.heads]
        check(spec.recipe, dataset_cache.open_with_progress(spec.recipe.data, heads))
        found = searches.start(spec)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.session_state[_OPEN] = False
    query_params.go("pages/runs.py", search=found.id)


def _name(draft: Draft, part: str) -> str:
    """The key of a widget; those of another draft are others."""
    return f"train_search_{draft.number}_{part}"


def _take_address(draft: Draft) -> None:
    """Opens the card as a link has it."""
    named = query_params.new_values("train_search", ("search",))
    if not named or not named["search"]:
        return
    st.session_state[_OPEN] = True
    try:
        found = unpack(named["search"])
    except RecipeError as error:
        draft.note = str(error)
        return
    space: Any = found.get("space")
    space = space if isinstance(space, dict) else {}
    set_widget_value(_name(draft, "fields"), list(space))
    for key, part in space.items():
        if isinstance(part, dict):
            for end in ("low", "high", "log"):
                if end in part:
                    set_widget_value(_name(draft, f"{key}.{end}"), part[end])
        elif isinstance(part, list):
            set_widget_value(_name(draft, key), [json.dumps(choice) for choice in part])
    for part in _BUDGET:
        if part in found:
            set_widget_value(_name(draft, part), found[part])


def _space(draft: Draft, fields: dict[str, Field], names: dict[str, str]) -> dict[str, Any]:
    """Draws which fields are searched and a row for each; returns the space as JSON."""
    key = _name(draft, "fields")
    set_widget_value_first(key, [one for one in _USUAL if one in fields])
    kept = st.session_state.get(key) or []
    if gone := [one for one in kept if one not in fields]:
        set_widget_value(key, [one for one in kept if one not in gone])
    chosen = st.multiselect(
        "Fields to search",
        list(fields),
        format_func=lambda one: f"{names[one]} · {_shown(fields[one].value)}",
        key=key,
        persist_state="session",
        placeholder="Learning rate, filters, dropout …",
        help="Each field of the recipe with its present value; type to find one.",
    )
    space: dict[str, Any] = {}
    for one in chosen:
        with st.container(
            horizontal=True, vertical_alignment="bottom", key=f"train_search_row_{one.replace('.', '-')}"
        ):
            part = fields[one].suggestion
            drawn = _range_row if isinstance(part, Range) else _choices_row
            space[one] = drawn(draft, fields[one], names[one])
    return space


def _range_row(draft: Draft, field: Field, name: str) -> dict[str, Any]:
    part = field.suggestion
    assert isinstance(part, Range)  # as the caller has looked
    ends: dict[str, Any] = {}
    for end, value in (("low", part.low), ("high", part.high)):
        key = _name(draft, f"{field.key}.{end}")
        set_widget_value_first(key, value)
        ends[end] = st.number_input(
            f"{name}, {'from' if end == 'low' else 'to'}",
            key=key,
            persist_state="session",
            format="%d" if part.whole else "%g",
            step=1 if part.whole else max(abs(float(value)) / 10, 1e-7),
            width=210,
            help=f"The {_ENDS[end]} value that is tried; now it is {_shown(field.value)}.",
        )
    key = _name(draft, f"{field.key}.log")
    set_widget_value_first(key, part.log)
    log = st.toggle(
        "Logarithmic",
        key=key,
        persist_state="session",
        help="Each order of magnitude is tried as often as the next: right for rates.",
    )
    return {**ends, **({"log": True} if log else {})}


def _choices_row(draft: Draft, field: Field, name: str) -> list[Any]:
    part = field.suggestion
    assert not isinstance(part, Range)  # as the caller has looked
    key, options = _name(draft, field.key), [json.dumps(choice) for choice in part]
    few = options[:4] if len(options) > 4 else options
    set_widget_value_first(key, few)
    number = isinstance(field.value, (int, float)) and not isinstance(field.value, bool)
    options += [one for one in st.session_state.get(key) or [] if one not in options]
    chosen = st.multiselect(
        name,
        options,
        format_func=lambda one: _shown(_read(one)),
        key=key,
        persist_state="session",
        accept_new_options=number,
        placeholder="at least two",
        help=f"The values that are tried; now it is {_shown(field.value)}." + (" Type others." if number else ""),
    )
    return [_read(one) for one in chosen]


def _read(text: str) -> Any:
    """A choice: JSON, or what somebody has typed."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return str(value.get("name") or "own")
    if isinstance(value, list):
        return " × ".join(map(str, value)) if all(isinstance(one, int) for one in value) else f"{len(value)} items"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _budget(draft: Draft, recipe: Recipe) -> dict[str, Any]:
    """Draws for how long is searched and what is judged; returns that as JSON."""
    for part, value in _BUDGET.items():
        set_widget_value_first(_name(draft, part), value)
    metrics = metrics_of(recipe)
    if st.session_state.get(_name(draft, "metric")) not in metrics:
        set_widget_value(_name(draft, "metric"), metrics[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trials = st.number_input(
            "Trials",
            1,
            10_000,
            key=_name(draft, "trials"),
            persist_state="session",
            width=120,
            help="How many runs are made in all.",
        )
        minutes = st.number_input(
            "Minutes",
            0.1,
            1e6,
            value=None,
            format="%g",
            step=10.0,
            placeholder="no limit",
            key=_name(draft, "minutes"),
            persist_state="session",
            width=140,
            help="When they are over, no trial is begun and those that learn are paused; empty: no limit.",
        )
        metric = st.selectbox(
            "Judged by",
            metrics,
            format_func=_aim,
            key=_name(draft, "metric"),
            persist_state="session",
            width=280,
            help="The metric, on validation images, of the model that each run keeps.",
        )
        pruner = st.segmented_control(
            "Pruning",
            list(PRUNERS),
            format_func=_PRUNING.__getitem__,
            key=_name(draft, "pruner"),
            persist_state="session",
            required=True,
            help="Pauses trials early that do worse than others by the same epoch: below their median, or by brackets "
            "of successive halving. A pruned run can be continued, exactly.",
        )
    return {"trials": trials, "minutes": minutes, "metric": metric, "pruner": pruner}


def _aim(metric: str) -> str:
    way = "Lowest" if metric.endswith("loss") else "Highest"
    return f"{way} {metric.replace('val_', 'validation ').replace('_', ' ')}"


def _checked(draft: Draft, recipe: Recipe, space: dict[str, Any], budget: dict[str, Any]) -> SearchSpec | None:
    """The search, or `None` with a sentence on what is to be mended."""
    if not space:
        st.caption("Choose at least one field that is to be searched.")
        return None
    try:
        slots()
        engine, resources = engine_chosen()
        where = {"engine": engine, "resources": resources}
        return searches.parse_spec({"recipe": recipe, "space": space, **budget, **where})
    except CnnvizError as error:
        st.error(plain(in_words(error, draft.tree).replace("The space's ", "")), icon=":material/error:")
        return None
