"""The small choices above the overlay on the Predict page: what is explained, how, and in which colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from cnnviz.errors import ModelError
from cnnviz.explain import METHODS
from cnnviz.explain.attribution.method import Method, Setting
from cnnviz.figures.html import render
from cnnviz.overlay import COLOUR_MAPS
from cnnviz.ui.inputs.model_cache import LockedModel
from cnnviz.ui.inputs.selection import Choice
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.prediction_job import DEFAULT_METHOD, WITHOUT_LAYERS, Facts, Request
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import seed

__all__ = ["choices", "opacity", "request_of", "settle_options"]

PREDICTED, SECOND, TRUTH = "", " second", " truth"
"""For what it predicts, and for that against the second or the true class; no class name starts with a blank."""
_COMPARED = {SECOND: "second", TRUTH: "truth"}

_WORDS = {PREDICTED: "What it predicts", SECOND: "Prediction against second", TRUTH: "Prediction against truth"}


def request_of(choice: Choice) -> Request:
    """Returns what is asked for."""
    settings = tuple(sorted(choice.settings.items()))
    return Request(choice.head, choice.subject, choice.against, choice.method, choice.layer, settings)


def settle_options(choice: Choice, model: LockedModel) -> None:
    """Puts defaults in the place of what the first model doesn't have, and says so."""
    classes = model.classifier.classes
    if choice.head and choice.head not in classes:
        choice.note(f"The model has no head {choice.head[:60]!r}: its first one is shown.")
        choice.head = ""
        query_params.replace_silently("head")
    if choice.subject and choice.subject not in classes[_head(choice, model)]:
        choice.note(f"The model has no class {choice.subject[:60]!r}: what it predicts is explained.")
        choice.subject = ""
        query_params.replace_silently("class")
    if choice.method and choice.method not in METHODS:
        choice.note(f"There is no method {choice.method[:60]!r}: {METHODS[DEFAULT_METHOD].title} is used.")
        choice.method = ""
        query_params.replace_silently("method")
    try:
        METHODS[choice.method or DEFAULT_METHOD].checked(choice.settings)
    except ModelError as error:
        choice.note(f"{error} Its defaults are used.")
        choice.settings = {}
        query_params.replace_silently("settings")


def _head(choice: Choice, model: LockedModel) -> str:
    return choice.head or model.classifier.heads[0].name


def choices(choice: Choice, model: LockedModel, facts: Facts | None) -> None:
    """Draws them in one row.

    Args:
        choice: where they are kept.
        model: the first one, whose heads and classes are offered.
        facts: its convolutions, once they are known.
    """
    heads = [head.name for head in model.classifier.heads]
    if len(heads) > 1:
        _select(
            "Head",
            heads,
            _head(choice, model),
            lambda name: _put(choice, head=name, subject=""),
            "Which of its predictions is explained.",
            width=130,
            key="head",
        )
    classes = model.classifier.classes[_head(choice, model)]
    labelled = choice.against == "truth" or any(image.labels for image in choice.images)
    _select(
        "Class",
        [PREDICTED, SECOND, *[TRUTH] * labelled, *classes],
        f" {choice.against}" if choice.against else choice.subject,
        lambda name: _put(choice, subject="" if name in _COMPARED else name, against=_COMPARED.get(name, "")),
        "What the map is to show evidence for: the class it predicts, any other one, or what speaks for its prediction "
        "rather than for the second likeliest or, where it is known, for the true class.",
        format_func=lambda name: _WORDS.get(name, name),
        width=200,
        key="class",
    )
    able = facts is None or bool(facts.layers)
    methods = [name for name, method in METHODS.items() if able or method.family != "cam"]
    method = choice.method or DEFAULT_METHOD
    method = method if method in methods else WITHOUT_LAYERS
    about = METHODS[method]
    _select(
        "Method",
        methods,
        method,
        lambda name: _put(choice, method="" if name == DEFAULT_METHOD else name, settings={}),
        plain(f"{about.description} ({about.paper})"),
        format_func=lambda name: METHODS[name].title,
        width=190,
        key="method",
    )
    if able and about.family == "cam":
        layers = facts.layers if facts is not None else ()
        if facts is not None and choice.layer not in ("", *layers):
            choice.note(f"The model has no convolution {choice.layer[:60]!r}: its last one is shown.")
            choice.layer = ""
            query_params.replace_silently("layer")
        _select(
            "Layer",
            ["", *reversed(layers)],
            choice.layer if choice.layer in layers else "",
            lambda name: _put(choice, layer=name),
            "Whose activations are weighed. Late layers know what things are, early ones exactly where edges are.",
            format_func=lambda name: name or "Last convolution",
            width=190,
            key="layer",
        )
    if about.settings and method == (choice.method or DEFAULT_METHOD):
        _settings(choice, about)
    _select(
        "Colours",
        list(COLOUR_MAPS),
        choice.colour_map,
        lambda name: _put(choice, colour_map=name),
        "Viridis grows evenly lighter, also in grey and for colour-blind eyes; jet is what most papers show, but "
        "makes edges that aren't there.",
        format_func=str.capitalize,
        width=130,
        key="colours",
    )
    if facts is not None and facts.why_none:
        st.caption(f"{plain(facts.why_none)} Occlusion and Integrated Gradients need none.")


def _settings(choice: Choice, method: Method) -> None:
    """A field for each of the method's settings, behind one button."""

    def take(one: Setting) -> None:
        value = st.session_state[f"predict_{method.id}_{one.name}"]
        others = {name: known for name, known in choice.settings.items() if name != one.name}
        choice.settings = others if value is None or value == one.default else {**others, one.name: float(value)}

    with st.popover("Settings", icon=":material/tune:", help=f"The numbers that {method.title} works with."):
        for one in method.settings:
            kind: type[float] = int if one.whole else float
            value = choice.settings.get(one.name, one.default)
            st.number_input(
                one.title,
                kind(one.low),
                kind(one.high),
                None if one.default is None else "min",
                step=1 if one.whole else 0.01,
                key=seed(f"predict_{method.id}_{one.name}", None if value is None else kind(value)),
                placeholder="By the image",
                help=one.description,
                on_change=take,
                args=(one,),
            )


def _put(choice: Choice, **values: Any) -> None:
    for name, value in values.items():
        setattr(choice, name, value)


def _select(
    label: str,
    options: Sequence[str],
    value: str,
    take: Callable[[str], None],
    words: str,
    *,
    key: str,
    width: int,
    format_func: Callable[[str], str] = str,
) -> None:
    key = seed(f"predict_{key}", value)
    st.selectbox(
        label,
        options,
        format_func=format_func,
        key=key,
        width=width,
        help=words,
        on_change=lambda: take(st.session_state[key]),
    )


@st.fragment
def opacity(choice: Choice) -> None:
    """Draws the slider. It reruns alone, and changes one number of the page's style: the images stay as they are."""
    st.slider(
        "Opacity of the map",
        0,
        100,
        key=seed("predict_opacity", choice.opacity),
        format="%d %%",
        step=5,
        on_change=lambda: _put(choice, opacity=st.session_state["predict_opacity"]),
        help="0 % shows the image alone, 100 % the map alone; methods on pixels leave the image clear where they find "
        "nothing. The saved overlay has the same.",
    )
    st.html(render("map_opacity.html", opacity=choice.opacity / 100))
