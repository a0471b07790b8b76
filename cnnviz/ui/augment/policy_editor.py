"""The left part of the Augment page: a policy's steps as short rows, its fill mode, and its file."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from cnnviz.policy import POLICIES, STEPS, Policy
from cnnviz.steps.step_kind import StepKind
from cnnviz.ui.augment import policy_draft as policy_state
from cnnviz.ui.augment.policy_draft import Draft, Row, key_of
from cnnviz.ui.augment.policy_files import UPLOAD, policy_files
from cnnviz.ui.inputs import json_upload
from cnnviz.ui.markdown import plain

__all__ = ["POLICY_TITLES", "policy_editor"]

POLICY_TITLES = {
    "none": "None: images as they are",
    "A": "A: random crop and flip, for faces",
    "D3": "D3: turns, shifts, shear, zoom, flip",
    "D5": "D5: as D3 but half as strong",
    "E4": "E4: turns, shifts, zoom, flip",
    "digits": "Digits: small turns and shifts",
    "light": "Light: small turns, shifts and tones",
    "strong": "Strong: crops, colours, erasing",
}
_FILLS = {
    "nearest": "Nearest pixel",
    "reflect": "Mirrored image",
    "wrap": "Opposite side",
    "constant": "One grey value",
}
_GROUPS = {"geometric": "Move", "colour": "Colour", "pixel": "Pixels", "batch": "Mix"}
_ADD, _ASKED = "augment_add", "augment_asked"


@dataclass(frozen=True)
class _Scale:
    """How a kind's range is shown: its value times `factor`, in steps of `step`, written by `format`."""

    factor: float
    step: float
    format: str


def _scale(about: StepKind) -> _Scale:
    factor, unit = about.shown
    digits = len(f"{about.resolution:g}".partition(".")[2])
    number = f"%.{digits}f" if digits else "%d"
    return _Scale(factor, about.resolution, {"°": f"{number}°", "×": f"× {number}"}.get(unit, f"{number} %%"))


def policy_editor(draft: Draft, policy: Policy) -> None:
    """Draws the editor of a draft, which is this policy."""
    _presets(policy)
    if draft.note:
        st.warning(plain(draft.note), icon=":material/warning:")
        draft.note = ""
    json_upload.draw_refusal(UPLOAD)
    with st.container(border=True, key="augment_steps", gap="xsmall"):
        for place, row in enumerate(draft.rows):
            _row(draft, row, place)
        if not draft.rows:
            st.caption("No step yet: the model sees every image as it is.")
        _add(draft)
    _fill(draft)
    policy_files(draft, policy)


def _presets(policy: Policy) -> None:
    own = policy.name if policy.name not in POLICIES else None
    options = [*([own] if own else []), *POLICIES]
    # A widget of its own for what was changed: a browser that has not heard of the change yet says the old name again.
    key = "augment_own" if own else "augment_preset"
    st.session_state[key], st.session_state[_ASKED] = policy.name, key
    st.selectbox(
        "Policy",
        options,
        format_func=lambda name: POLICY_TITLES.get(name, name) if name in POLICIES else f"Own: {name[:40]}",
        key=key,
        on_change=_choose,
        args=(key,),
        help="A ready policy fills in all steps; then change what you like. D3, D5 and E4 are those of the tutorials.",
    )


def _choose(key: str) -> None:
    name = st.session_state[key]
    if name in POLICIES and key == st.session_state[_ASKED]:
        json_upload.drop_refusal(UPLOAD)
        policy_state.load(POLICIES[name])


def _row(draft: Draft, row: Row, place: int) -> None:
    kind = STEPS[row.type]
    with st.container(key=f"augment_row_{draft.version}_{row.id}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            on = key_of(draft, f"{row.id}_on", row.on)
            st.toggle(kind.title, key=on, on_change=_set_on, args=(row, on), help=kind.description, width="stretch")
            with st.popover(
                f"{row.probability:.0%}", type="tertiary", help=f"Probability, place and removal of {kind.title}."
            ):
                _more(draft, row, place, kind)
        if kind.bounds is not None:
            _range(draft, row, kind, kind.bounds)


def _range(draft: Draft, row: Row, kind: StepKind, bounds: tuple[float, float]) -> None:
    scale = _scale(kind)
    low, high = (round(bound * scale.factor, 6) for bound in bounds)
    now = tuple(
        min(high, max(low, round(value * scale.factor, 6))) for value in (row.low, row.high) if value is not None
    )
    key = key_of(draft, f"{row.id}_range", now)
    st.slider(
        f"Range of {kind.title}",
        float(low),
        float(high),
        step=scale.step,
        format=scale.format,
        key=key,
        on_change=_set_range,
        args=(row, key, scale.factor, bounds),
        label_visibility="collapsed",
        disabled=not row.on,
        help=f"A value is drawn evenly from this range for every image. {kind.description}",
    )


def _more(draft: Draft, row: Row, place: int, kind: StepKind) -> None:
    # What a popover holds is mounted when it opens: only `value`, not a seed in the session, still arrives then.
    key = f"augment_{draft.version}_{row.id}_probability"
    st.slider(
        f"Probability of {kind.title}",
        0.0,
        100.0,
        round(100 * row.probability, 1),
        step=5.0,
        format="%d %%",
        key=key,
        on_change=_set_probability,
        args=(row, key),
        help="In how many of all images the step is applied.",
        width=260,
    )
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Up",
            icon=":material/arrow_upward:",
            key=f"augment_up_{draft.version}_{row.id}",
            disabled=place == 0,
            on_click=_move,
            args=(draft, row, -1),
            help=f"Carries {kind.title} out before the step above it.",
        )
        st.button(
            "Down",
            icon=":material/arrow_downward:",
            key=f"augment_down_{draft.version}_{row.id}",
            disabled=place == len(draft.rows) - 1,
            on_click=_move,
            args=(draft, row, 1),
            help=f"Carries {kind.title} out after the step below it.",
        )
        st.button(
            "Remove",
            icon=":material/delete:",
            key=f"augment_remove_{draft.version}_{row.id}",
            on_click=_remove,
            args=(draft, row),
            help=f"Takes {kind.title} out of the policy.",
        )


def _set_on(row: Row, key: str) -> None:
    row.on = st.session_state[key]


def _set_range(row: Row, key: str, factor: float, bounds: tuple[float, float]) -> None:
    ends = (round(end / factor, 9) for end in st.session_state[key])
    row.low, row.high = (min(bounds[1], max(bounds[0], end)) for end in ends)


def _set_probability(row: Row, key: str) -> None:
    row.probability = round(st.session_state[key] / 100, 6)


def _move(draft: Draft, row: Row, by: int) -> None:
    place = draft.rows.index(row)
    draft.rows.insert(max(0, place + by), draft.rows.pop(place))


def _remove(draft: Draft, row: Row) -> None:
    draft.rows.remove(row)


def _add(draft: Draft) -> None:
    full = len(draft.rows) >= policy_state.MOST
    st.session_state[_ADD] = None
    st.selectbox(
        "Add a step",
        list(STEPS),
        index=None,
        placeholder="Add a step…" if not full else f"A policy has at most {policy_state.MOST} steps",
        format_func=lambda kind: f"{STEPS[kind].title} ({_GROUPS[STEPS[kind].group].lower()})",
        key=_ADD,
        on_change=_added,
        args=(draft,),
        disabled=full,
        label_visibility="collapsed",
        help="Puts another step at the end. All steps that move pixels are carried out together, in one resampling.",
    )


def _added(draft: Draft) -> None:
    if (kind := st.session_state[_ADD]) is not None:
        policy_state.new_row(draft, kind)


def _fill(draft: Draft) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = key_of(draft, "fill", draft.fill_mode)
        st.selectbox(
            "Fill mode",
            list(_FILLS),
            format_func=lambda mode: f"{_FILLS[mode]} ({mode})",
            key=key,
            on_change=lambda: setattr(draft, "fill_mode", st.session_state[key]),
            help="What stands where turning or shifting left nothing. The names are Keras's.",
        )
        if draft.fill_mode == "constant":
            value = key_of(draft, "value", draft.fill_value)
            st.number_input(
                "Fill value",
                0,
                255,
                key=value,
                width=120,
                help="0 is black and 255 white.",
                on_change=lambda: setattr(draft, "fill_value", st.session_state[value]),
            )
