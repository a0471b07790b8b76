"""The layers of a model as rows of an editable table, and back. Neither Streamlit nor pandas is needed for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cnnviz.model_spec import LAYER_TYPES

__all__ = ["COLUMNS", "rows_after_edits", "to_layers", "to_rows"]

NUMBER, TYPE = "no", "type"
COLUMNS: dict[str, tuple[str, ...]] = {
    "size": ("filters", "units"),
    "window": ("kernel_size", "pool_size"),
    "strides": ("strides",),
    "padding": ("padding",),
    "activation": ("activation",),
    "rate": ("rate", "momentum"),
    "shape": ("target_shape",),
    "bias": ("use_bias",),
}
"""For each column behind number and type, the layers' fields that it stands for."""
_KEPT = (NUMBER, "size", "activation")  # what a layer keeps when it becomes one of another type
# What a new layer has where the record itself asks for a value.
_NEW = {"filters": 32, "units": 64, "target_shape": "1"}


def to_rows(layers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns a row for each layer (its JSON), with `None` in the columns that its type doesn't have."""
    rows = []
    for number, layer in enumerate(layers, 1):
        row: dict[str, Any] = {NUMBER: number, TYPE: layer["type"]}
        for column, names in COLUMNS.items():
            value = next((layer[name] for name in names if name in layer), None)
            row[column] = "×".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        rows.append(row)
    return rows


def to_layers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the layers of rows; an empty cell takes the type's default, and a row without a type is left out."""
    return [_layer(row) for row in rows if row.get(TYPE) in LAYER_TYPES]


def _layer(row: dict[str, Any]) -> dict[str, Any]:
    fields = LAYER_TYPES[row[TYPE]].model_fields
    layer = {"type": row[TYPE]}
    for column, names in COLUMNS.items():
        for name in names:
            if name in fields:
                value = row.get(column)
                layer[name] = _value(name, fields[name]) if value is None or value == "" else value
    if "target_shape" in layer:
        layer["target_shape"] = [int(n) for n in re.findall(r"\d+", str(layer["target_shape"]))[:3]]
    return layer


def _value(name: str, field: FieldInfo) -> Any:
    return _NEW[name] if field.default is PydanticUndefined else field.default


def rows_after_edits(rows: Sequence[dict[str, Any]], changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the rows after what `st.data_editor` says was changed (`edited_rows`, `added_rows`, `deleted_rows`).

    A row whose number was changed moves to that place. The numbers are as they were typed; `to_rows` counts anew.
    """
    cells = {int(row): values for row, values in (changes.get("edited_rows") or {}).items()}
    gone = {int(row) for row in changes.get("deleted_rows") or ()}
    placed = []
    for index, row in enumerate(rows):
        if index in gone:
            continue
        changed = cells.get(index, {})
        kept = row if changed.get(TYPE, row[TYPE]) == row[TYPE] else {name: row[name] for name in _KEPT if name in row}
        now = {**row, **dict.fromkeys(set(row) - set(kept) - {TYPE}), **changed}
        wanted = now.get(NUMBER) or index + 1
        place = wanted if wanted == index + 1 else wanted + (0.5 if wanted > index + 1 else -0.5)
        placed.append((place, now))
    for index, row in enumerate(changes.get("added_rows") or (), len(rows)):
        wanted = row.get(NUMBER) or index + 1
        placed.append((min(wanted - 0.5, index + 1), {NUMBER: None, **row}))
    return [row for _, row in sorted(placed, key=lambda item: item[0])]
