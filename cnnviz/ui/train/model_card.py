"""The Train page's third card: the model's layers, their shapes and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from cnnviz.architecture import Row, counts, describe
from cnnviz.errors import CnnvizError, RecipeError
from cnnviz.figures.layers import arithmetic, settings
from cnnviz.figures.model_blocks import blocks
from cnnviz.figures.numbers import numbers
from cnnviz.model_spec import ACTIVATIONS, LAYER_TYPES, ModelSpec
from cnnviz.recipe import Finetune, Fit, parse
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.deferred import Deferred
from cnnviz.ui.train import layer_table
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train.backbone_options import backbone_part, notes
from cnnviz.ui.train.recipe_draft import Draft, key
from cnnviz.ui.train.recipe_errors import COLUMN_LABELS, in_words

__all__ = ["model_card"]

MOST_ROWS = 16  # of the table; more are scrolled to
_SCALINGS = {"unit": "0 to 1", "symmetric": "−1 to 1", "none": "0 to 255, as they are"}
_ANSWERS = {
    "softmax": "probabilities that sum to 1 (softmax)",
    "sigmoid": "one probability (sigmoid)",
    "logits": "raw scores",
}


def model_card(draft: Draft, later: Deferred) -> list[str]:
    """Draws the card, its grid later, and returns what is to be mended."""
    with st.container(border=True, key="train_card_network"):
        st.header("Model", anchor="train-network")
        controls, result = st.columns([13, 8], gap="large")
        with controls:
            name = _changed(draft)
            rows, message = _described(draft)
            with st.container(horizontal=True):
                backbone_part(draft)
            _layers(draft, name, rows, later)
            with st.container(horizontal=True):
                if not draft.get("network").get("backbone"):  # which brings its own
                    st.selectbox(
                        "Pixels are scaled to",
                        list(_SCALINGS),
                        format_func=_SCALINGS.__getitem__,
                        width=210,
                        key=key(draft, "network.scaling"),
                        help="Happens inside the model, for prediction too.",
                    )
                for number, head in enumerate(draft.get("network.heads")):
                    _prediction(draft, number, head)
        with result:
            if message:
                st.error(plain(message), icon=":material/error:")
                return [message]
            spec = parse(draft.tree["network"], ModelSpec)
            _total(spec, rows)
            for note in notes(spec, _second_stage(draft), _input_shape(draft)):
                st.caption(plain(note))
            st.html(blocks(rows, _input_shape(draft), len(draft.get("network.heads"))))
            st.caption("Height and depth of a block: its image's sides; thickness: its channels.")
        label = f"The arithmetic of {len(rows)} layers"
        with st.expander(label, key="train_arithmetic", on_change="rerun") as table:
            if table.open:
                st.html(arithmetic(rows))
    return []


def _second_stage(draft: Draft) -> Finetune | None:
    try:
        return parse(draft.tree["fit"], Fit).finetune
    except CnnvizError:  # which the card for the fit says
        return None


def _layers(draft: Draft, name: str, rows: Sequence[Row], later: Deferred) -> None:
    """The layers to read, or to edit: the grid for that needs pandas and a megabyte of code in the browser."""
    if rows:  # else there is something to mend
        draft.shown["editing"] = st.toggle(
            "Edit the layers",
            key=key(draft, "editing", draft.shown.get("editing", False)),
            help="Turns the table into one to change: add a layer in the last row, give one another number to move it, "
            "select a row and press Delete to remove it.",
        )
    if not rows or draft.shown["editing"]:
        later.add(_table, name, draft.shown["layers"])
    else:
        st.html(settings(parse(draft.tree["network"], ModelSpec), rows))


def _input_shape(draft: Draft) -> tuple[int, int, int]:
    return (*(side or 0 for side in draft.get("data.image_size")), draft.get("data.channels"))


def _described(draft: Draft) -> tuple[list[Row], str]:
    """The rows of shapes and parameters, or the sentence that says why there are none."""
    if min(_input_shape(draft)) < 1:
        return [], "The image's height and width are needed first."
    try:
        return describe(parse(draft.tree["network"], ModelSpec), _input_shape(draft)), ""
    except CnnvizError as error:
        return [], in_words(error, draft.tree, "network")
    except ValueError as error:
        return [], in_words(str(RecipeError(error)), draft.tree, "network")


def _changed(draft: Draft) -> str:
    """Takes what was changed in the table over to the draft, and returns the key that the table has now.

    The grid keeps its own list of changes on the rows it was given. Only where these don't come out as they look (a
    layer added, moved or of another type) it gets new rows, under a new key; so typing numbers never loses the place.
    """
    name, shown = f"train_layers_{draft.table}", draft.shown.get("layers")
    if name not in st.session_state or shown is None:
        draft.shown["layers"] = layer_table.to_rows(draft.get("network.layers"))
        return name
    rows = layer_table.rows_after_edits(shown, st.session_state[name])
    draft.put("network.layers", layer_table.to_layers(rows))
    rows_now = layer_table.to_rows(draft.get("network.layers"))
    if not _same(rows, rows_now):
        draft.table += 1
        draft.shown["layers"] = rows_now
    return f"train_layers_{draft.table}"


def _table(name: str, rows: Sequence[dict]) -> None:
    st.data_editor(
        _frame(rows),
        key=name,
        num_rows="dynamic",
        hide_index=True,
        height=35 * (min(len(rows), MOST_ROWS) + 2) + 3,
        column_config=_columns(),
        column_order=_order(rows),
        placeholder="",
        alt="Layers of the model, editable",
    )


def _same(rows: Sequence[dict], others: Sequence[dict]) -> bool:
    def cells(row: dict) -> dict:
        return {column: value for column, value in row.items() if value is not None and value != ""}

    return [cells(row) for row in rows] == [cells(row) for row in others]


def _order(rows: Sequence[dict]) -> list[str]:
    """Only the columns that a layer of this model has; a bias only where a layer goes without one."""
    used = [
        column for column in layer_table.COLUMNS if column != "bias" and any(row[column] is not None for row in rows)
    ]
    bias = ["bias"] if any(row["bias"] is False for row in rows) else []
    return ["no", "type", *(used or ["size"]), *bias]


def _frame(rows: Sequence[dict]):
    """The rows with a type for each column, also where a column is empty."""
    import pandas as pd

    types: dict[str, Any] = dict.fromkeys(["no", "type", *layer_table.COLUMNS], "string") | {
        "no": "Int64",
        "size": "Int64",
        "window": "Int64",
        "strides": "Int64",
        "rate": "Float64",
        "bias": "boolean",
    }
    return pd.DataFrame({name: pd.array([row[name] for row in rows], kind) for name, kind in types.items()})


def _columns() -> dict:
    # no greatest values: the grid would put them in the place of what was typed, which the card couldn't say any more
    config, label = st.column_config, COLUMN_LABELS
    return {
        "no": config.NumberColumn(
            label["no"], min_value=1, step=1, width=52, help="Type another number to move the layer."
        ),
        "type": config.SelectboxColumn(
            label["type"], options=list(LAYER_TYPES), required=True, default="Dense", width=150
        ),
        "size": config.NumberColumn(
            label["size"], min_value=1, step=1, width=70, help="Filters of a Conv2D, units of a Dense."
        ),
        "window": config.NumberColumn(
            label["window"], min_value=1, step=1, width=90, help="Side of the kernel or the pooling window (f)."
        ),
        "strides": config.NumberColumn(
            label["strides"],
            min_value=1,
            step=1,
            width=80,
            help="How far the window moves (s); empty for a pooling: the window's side.",
        ),
        "padding": config.SelectboxColumn(
            label["padding"],
            options=["valid", "same"],
            width=92,
            help="same pads the border so that the image keeps its size; valid doesn't.",
        ),
        "activation": config.SelectboxColumn(label["activation"], options=list(ACTIVATIONS), width=104),
        "rate": config.NumberColumn(
            label["rate"],
            min_value=0.0,
            step=0.05,
            format="%.2f",
            width=70,
            help="Fraction of the values that Dropout sets to zero; momentum of a BatchNormalization.",
        ),
        "shape": config.TextColumn(label["shape"], width=80, help="What Reshape makes, such as 28×28."),
        "bias": config.CheckboxColumn(
            label["bias"], width=56, help="Whether a Conv2D adds a learned number to each filter."
        ),
    }


def _prediction(draft: Draft, number: int, head: dict) -> None:
    classes = max(2, head["units"])
    options = [f"softmax {classes}", f"logits {classes}"]
    if classes == 2:
        options[1:1] = ["sigmoid 1", "logits 1"]
    path = f"answer.{head['name']}.{classes}"

    def pick() -> None:
        if chosen := state.picked_value(path):
            activation, units = chosen.split()
            draft.tree["network"]["heads"][number].update(activation=activation, units=int(units))

    st.selectbox(
        f"Activation: {plain(head['name'])}" if len(draft.get("network.heads")) > 1 else "Activation",
        options,
        format_func=lambda one: _says(*one.split()),
        key=key(draft, path, f"{head['activation']} {head['units']}"),
        on_change=pick,
        width=240,
        help=f"How the last layer puts its prediction over {classes} classes; for two classes one number is enough.",
    )


def _says(activation: str, units: str) -> str:
    return f"{units} × softmax" if activation == "softmax" else f"{units} × {activation.removesuffix('s')}"


def _total(spec: ModelSpec, rows: Sequence[Row]) -> None:
    found, macs = counts(spec, list(rows)), sum(row.macs for row in rows)
    note = "Those that training changes; the rest are measured, such as a batch normalisation's means, or frozen."
    frozen = [("Frozen", f"{found.frozen:,}", "Those of the backbone that stay as they are in the first stage.")]
    st.html(
        numbers(
            [
                ("Parameters", f"{found.total:,}", "All the numbers the model learns or keeps."),
                ("Trainable", f"{found.trainable:,}", note),
                *(frozen if spec.backbone else []),
                ("Multiplications", _short(macs), f"For one image: {macs:,} multiplications and additions."),
            ]
        )
    )


def _short(number: int) -> str:
    for size, letter in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return str(number)
