"""The policy that the Augment page works on: kept while other pages are shown, whole or not.

Streamlit drops a widget's value when its page is left, so the draft is the truth: widgets are seeded from it, and only
what a person changes is written back to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import streamlit as st

from cnnviz.errors import RecipeError, one_of
from cnnviz.policy import POLICIES, STEPS, Policy, Step
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, parse
from cnnviz.ui.session import query_params
from cnnviz.ui.session.packed_state import pack, unpack
from cnnviz.ui.session.widget_sync import set_widget_value_first
from cnnviz.ui.train import recipe_draft
from cnnviz.ui.train.augmentation_card import hand_over

__all__ = [
    "FIRST",
    "MOST",
    "Draft",
    "Row",
    "ask_to_hand_over",
    "handed_over",
    "key_of",
    "load",
    "new_row",
    "open_draft",
    "to_policy",
    "with_name",
]

FIRST = "D3"
MOST = 30
_DRAFT, _HANDED = "augment_draft", "augment_policy"
_WANTED = "augment_wanted"


@dataclass
class Row:
    """A step that may be switched off. `id` tells it from all others, wherever it is moved."""

    id: int
    type: str
    low: float | None
    high: float | None
    probability: float
    on: bool = True

    @property
    def step(self) -> Step:
        """The step that it stands for."""
        return Step(type=self.type, low=self.low, high=self.high, probability=self.probability)


@dataclass
class Draft:
    """The rows and how emptied pixels are filled. `version` is part of the widgets' keys, so that others are seeded."""

    name: str
    rows: list[Row]
    fill_mode: str = "nearest"
    fill_value: int = 0
    version: int = 0
    note: str = ""
    made: int = field(default=0, repr=False)


def open_draft() -> Draft:
    """Returns the draft, after taking over a policy from another page or one that the address names.

    Another page hands one over by `st.session_state["augment_policy"] = policy`.
    """
    session = st.session_state
    named = query_params.new_values("augment", ("policy", "steps")) or {}
    if isinstance(handed := session.pop(_HANDED, None), Policy):
        load(handed)
    elif _DRAFT not in session or any(named.values()):
        try:
            _load_named(named.get("policy", ""), named.get("steps", ""))
        except RecipeError as error:
            if _DRAFT not in session:
                load(POLICIES[FIRST])
            session[_DRAFT].note = str(error)
    return session[_DRAFT]


def _load_named(name: str, packed: str) -> None:
    if packed:
        tree = unpack(packed)
        off = tree.pop("off", ())
        load(parse(tree, Policy), off if isinstance(off, list) else ())
    elif name and name not in POLICIES:
        raise RecipeError(f"There is no policy {name[:60]!r}: {one_of(name[:60], POLICIES)}.")
    else:
        load(POLICIES[name or FIRST])


def load(policy: Policy, off: Collection[int] = ()) -> None:
    """Puts a policy in the draft's place; the steps at the places `off` are switched off."""
    old: Draft | None = st.session_state.get(_DRAFT)
    rows = [
        Row(nth, one.type, one.low, one.high, one.probability, nth not in off) for nth, one in enumerate(policy.steps)
    ]
    st.session_state[_DRAFT] = Draft(
        policy.name, rows, policy.fill_mode, policy.fill_value, old.version + 1 if old else 0, made=len(rows)
    )


def key_of(draft: Draft, name: str, value: object) -> str:
    """Returns the key of a widget of this draft; a widget that isn't there yet is seeded with the value."""
    key = f"augment_{draft.version}_{name}"
    set_widget_value_first(key, value)
    return key


def new_row(draft: Draft, kind: str) -> None:
    """Adds a step of this kind at the end, with the range that it usually has."""
    low, high = STEPS[kind].default or (None, None)
    draft.rows.append(Row(draft.made, kind, low, high, STEPS[kind].probability))
    draft.made += 1


def to_policy(draft: Draft) -> Policy:
    """Returns the steps that are switched on as a policy, named as the one it equals; the address names or holds it."""
    policy = Policy(
        name=draft.name,
        steps=tuple(row.step for row in draft.rows if row.on),
        fill_mode=draft.fill_mode,
        fill_value=draft.fill_value,
    )
    equal = next((one for one in POLICIES.values() if one.model_copy(update={"name": ""}) == _nameless(policy)), None)
    if equal is not None:
        policy = equal
    elif policy.name in POLICIES:
        policy = policy.model_copy(update={"name": f"{policy.name} changed" if policy.name != "none" else "own"})
    if equal is not None and all(row.on for row in draft.rows):
        query_params.write("augment", {"policy": policy.name})
    else:
        steps = tuple(row.step for row in draft.rows)
        tree = policy.model_copy(update={"steps": steps}).model_dump(mode="json")
        off = [place for place, row in enumerate(draft.rows) if not row.on]
        query_params.write("augment", {"steps": pack({**tree, **({"off": off} if off else {})})})
    return policy


def _nameless(policy: Policy) -> Policy:
    return policy.model_copy(update={"name": ""})


def with_name(policy: Policy, name: str) -> Policy:
    """Returns the policy under another name; an empty one leaves it.

    Raises:
        RecipeError: a name that is too long or can't be printed.
    """
    return parse({**policy.model_dump(mode="json"), "name": name.strip() or policy.name}, Policy)


def ask_to_hand_over() -> None:
    """Notes that the policy is wanted for training; a note outlives a run of the page that is broken off."""
    st.session_state[_WANTED] = True


def handed_over(policy: Policy) -> bool:
    """Lets the Train page's recipe use the policy if that was asked for, whatever else is set there, mistakes too."""
    session = st.session_state
    if not session.pop(_WANTED, False):
        return False
    draft = session.get("train_draft")
    hand_over(policy)
    if draft is None:
        session["train_recipe"] = _with(PRESETS[recipe_draft.FIRST], policy)
        return True
    try:
        session["train_recipe"] = parse({**draft.tree, "augmentation": policy.model_dump(mode="json")})
    except RecipeError:
        draft.put("augmentation", policy.model_dump(mode="json"))
        recipe_draft.reset_widgets("policy")
    return True


def _with(recipe: Recipe, policy: Policy) -> Recipe:
    return recipe.model_copy(update={"augmentation": policy})
