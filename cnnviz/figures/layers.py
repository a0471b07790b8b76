"""A model's layers as tables of HTML: what they are set to, what comes out of them, and the arithmetic of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from cnnviz.architecture import Row
from cnnviz.figures.html import render
from cnnviz.model_spec import Backbone, ModelSpec

__all__ = ["arithmetic", "settings"]

_FORMULA = "How it comes about"
_SCALINGS = {"unit": "pixels to 0..1", "symmetric": "pixels to −1..1"}
_RULES = {
    "Output": "out = ⌊(n + 2p − f)/s⌋ + 1 for each side, then the channels",
    "Parameters": "params = (f·f·c_in + 1)·filters",
}


def settings(spec: ModelSpec, rows: Sequence[Row]) -> Markup:
    """Returns a table of the layers with their settings, output shapes and parameters; formulas are tooltips.

    Args:
        spec: what `rows` describe.
        rows: from `architecture.describe`.
    """
    if spec.backbone is not None:
        words = [_of_backbone(spec.backbone)]
    else:
        words = [_SCALINGS[spec.scaling]] if spec.scaling != "none" else []
    words += map(_words, spec.layers)
    words += [f"{head.units}, {head.activation}" for head in spec.heads]
    heads = {len(rows) - len(spec.heads) + number: head.name for number, head in enumerate(spec.heads)}
    cells = (
        (heads.get(number, row.type), word, _by(row.output_shape), f"{row.parameters:,}", row.formula)
        for number, (row, word) in enumerate(zip(rows, words, strict=True))
    )
    return _table(("Layer", "Settings", "Output", "Parameters"), ((*cell, formula) for *cell, formula in cells))


def arithmetic(rows: Sequence[Row]) -> Markup:
    """Returns a table of all layers' names, types, shapes and parameters, and how these come about."""
    cells = ((row.name, row.type, _by(row.output_shape), f"{row.parameters:,}", row.formula, "") for row in rows)
    return _table(("Name", "Type", "Output", "Parameters", _FORMULA), cells)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table that scrolls sideways where there is little room; the last of a row's texts is its tooltip."""
    right = [name == "Parameters" for name in head]
    titles = [
        (name, _RULES.get(name, ""), to_right, name == _FORMULA) for name, to_right in zip(head, right, strict=True)
    ]
    body = [(tip, list(zip(cells, right, strict=True))) for *cells, tip in rows]
    return render("layers.html", titles=titles, rows=body)


def _of_backbone(backbone: Backbone) -> str:
    weights = "ImageNet's weights" if backbone.weights == "imagenet" else "random weights"
    if backbone.trainable_from is None:
        return f"{weights}, features computed once" if backbone.cached else f"{weights}, frozen"
    first = f"from {backbone.trainable_from} on" if backbone.trainable_from else "all of it"
    return f"{weights}, {first} trained"


def _words(layer) -> str:
    """A layer's settings in short, those that are as usual left out."""
    values = layer.model_dump()
    size = values.get("kernel_size") or values.get("pool_size")
    strides = values.get("strides")
    usual = 1 if "kernel_size" in values else size
    named = (
        f"{values['filters']} filters" if "filters" in values else "",
        f"{values['units']} units" if "units" in values else "",
        f"{size}×{size}" if size else "",
        f"stride {strides}" if strides and strides != usual else "",
        "same" if values.get("padding") == "same" else "",
        values.get("activation", ""),
        f"{values['rate']:g}" if "rate" in values else "",
        f"momentum {values['momentum']:g}" if "momentum" in values else "",
        _by(values["target_shape"]) if "target_shape" in values else "",
        "no bias" if values.get("use_bias") is False else "",
    )
    return ", ".join(filter(None, named))


def _by(shape: Iterable[int]) -> str:
    return " × ".join(f"{n:,}" for n in shape)
