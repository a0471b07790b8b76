"""Shapes, parameters and multiplications of a model by arithmetic alone, without TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnviz import backbones
from cnnviz.model_spec import (
    AveragePooling2D,
    Backbone,
    Conv2D,
    Dense,
    Layer,
    MaxPooling2D,
    ModelSpec,
    Reshape,
)

__all__ = ["Counts", "Row", "counts", "describe", "with_trainable_from"]

MAX_PARAMETERS = 200_000_000


@dataclass(frozen=True)
class Row:
    """One layer: its name and type, its output's shape without the batch, and its costs.

    `parameters` counts all weights and `trainable` those that training changes; `macs` is the multiplications and
    additions for one image; `formula` says how shape and parameters come about, with this layer's numbers.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    macs: int
    formula: str


@dataclass(frozen=True)
class Counts:
    """A model's numbers: all; those that training changes; those of a backbone's layers that stay as they are; and
    those that are measured, such as a batch normalisation's means."""

    total: int
    trainable: int
    frozen: int
    measured: int


def counts(spec: ModelSpec, rows: list[Row]) -> Counts:
    """Returns the sums over what `describe` returned for the model."""
    total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)
    frozen = sum(layer.parameters for layer in _frozen(spec.backbone)) if spec.backbone else 0
    return Counts(total, trainable, frozen, total - trainable - frozen)


def with_trainable_from(spec: ModelSpec, trainable_from: str | None) -> ModelSpec:
    """Returns the model as it is trained in a later stage, with its backbone free from a layer on ("": all)."""
    if spec.backbone is None:
        return spec
    changed = spec.backbone.model_copy(update={"trainable_from": trainable_from, "cached": False})
    return spec.model_copy(update={"backbone": changed})


def describe(spec: ModelSpec, input_shape: tuple[int, int, int]) -> list[Row]:
    """Returns a row for every layer, the pixel scaling and the heads included, in the order of the model's layers.

    A backbone, with its scaling, is one row.

    Args:
        spec: the model's record.
        input_shape: (height, width, channels) of an image.

    Raises:
        ValueError: a layer can't follow the one before it; the sentence names both shapes.
    """
    counts: dict[str, int] = {}
    rows: list[Row] = []
    taken = {layer.name for layer in backbones.layers(spec.backbone.name)} if spec.backbone else ()
    shape: tuple[int, ...] = input_shape
    if spec.backbone is not None:
        rows.append(_backbone(spec.backbone, input_shape))
        shape = rows[0].output_shape
    elif spec.scaling != "none":
        rows.append(Row("rescaling", "Rescaling", shape, 0, 0, 0, "the same shape; pixels are scaled, nothing learned"))
    for layer in spec.layers:
        base = _snake(layer.type)
        number = counts.get(base, 0)
        counts[base] = number + 1
        row = _row(f"{base}_{number}" if number else base, layer, shape)
        rows.append(row)
        shape = row.output_shape
    for head in spec.heads:
        if len(shape) != 1:
            raise ValueError(
                f"The heads need one row of values but get shape {_by(shape)}: "
                "end the layers with Flatten or GlobalAveragePooling2D."
            )
        if head.name in {"pixels", *taken, *(row.name for row in rows)}:
            raise ValueError(f"Head {head.name!r} has the name of a layer: give it another.")
        rows.append(_dense(head.name, shape, head.units))
    total = sum(row.parameters for row in rows)
    if total > MAX_PARAMETERS:
        raise ValueError(
            f"The model has {total:,} parameters; at most {MAX_PARAMETERS:,} can be trained here: "
            "pool more before Flatten, or use GlobalAveragePooling2D."
        )
    return rows


def _frozen(backbone: Backbone) -> tuple[backbones.BackboneLayer, ...]:
    """A backbone's layers that stay as they are."""
    still = backbones.stays(backbone.name, backbone.trainable_from, backbone.weights)
    return tuple(layer for layer, stays in zip(backbones.layers(backbone.name), still, strict=True) if stays)


def _backbone(backbone: Backbone, shape: tuple[int, int, int]) -> Row:
    facts, known = backbones.BACKBONES[backbone.name], backbones.layers(backbone.name)
    if shape[2] != 3:
        raise ValueError(f"{facts.title} takes images in colour but gets {shape[2]} channel: set data.channels to 3.")
    if min(shape[:2]) < facts.least:
        raise ValueError(
            f"{facts.title} takes images of at least {facts.least}×{facts.least} pixels but gets "
            f"{shape[0]}×{shape[1]}: choose a larger image."
        )
    out = backbones.output_shape(backbone.name, *shape[:2])
    first = backbones.frozen_count(backbone.name, backbone.trainable_from)
    trainable = sum(layer.trainable for layer in known) - sum(layer.trainable for layer in _frozen(backbone))
    macs = round(sum(layer.macs for layer in known) * math.prod(shape[:2]) / facts.size**2)
    rounded = "⌈n/32⌉" if facts.rounds == "up" else "⌊n/32⌋"
    frozen = "all frozen" if first == len(known) else f"trained from {known[first].name} on"
    formula = f"{len(known)} layers, {frozen}; out = {rounded} = {out[0]}×{out[1]} places of {out[2]:,} channels"
    return Row(
        backbone.name.lower(), backbone.name, out, sum(one.parameters for one in known), trainable, macs, formula
    )


def _row(name: str, layer: Layer, shape: tuple[int, ...]) -> Row:
    kind = layer.type
    if kind in ("Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D") and len(shape) != 3:
        raise ValueError(f"{name} ({kind}) needs height × width × channels but gets shape {_by(shape)}.")
    if isinstance(layer, Conv2D):
        out, formula = _window(name, shape, layer.kernel_size, layer.strides, layer.padding)
        inner, bias = layer.kernel_size**2 * shape[2], int(layer.use_bias)
        parameters = (inner + bias) * layer.filters
        plus = " + 1" if bias else ""
        formula += (
            f"; params = (f·f·c_in{plus})·filters = "
            f"({layer.kernel_size}·{layer.kernel_size}·{shape[2]}{plus})·{layer.filters} = {parameters:,}"
        )
        macs = out[0] * out[1] * layer.filters * inner
        return Row(name, kind, (*out, layer.filters), parameters, parameters, macs, formula)
    if isinstance(layer, (MaxPooling2D, AveragePooling2D)):
        strides = layer.strides or layer.pool_size
        out, formula = _window(name, shape, layer.pool_size, strides, layer.padding)
        return Row(name, kind, (*out, shape[2]), 0, 0, 0, formula + "; nothing learned")
    if kind == "GlobalAveragePooling2D":
        return Row(name, kind, (shape[2],), 0, 0, 0, f"the mean of {shape[0]}·{shape[1]} values for each channel")
    if kind == "BatchNormalization":
        channels = shape[-1]
        formula = f"4 numbers a channel: scale and shift are learned, mean and variance are measured: 4·{channels}"
        return Row(name, kind, shape, 4 * channels, 2 * channels, 0, formula)
    if kind == "Flatten":
        size = math.prod(shape)
        return Row(name, kind, (size,), 0, 0, 0, f"{'·'.join(map(str, shape))} = {size:,} values in one row")
    if isinstance(layer, Reshape):
        if math.prod(layer.target_shape) != math.prod(shape):
            raise ValueError(
                f"{name} can't make {_by(layer.target_shape)} ({math.prod(layer.target_shape):,} values) "
                f"of {_by(shape)} ({math.prod(shape):,} values)."
            )
        return Row(name, kind, layer.target_shape, 0, 0, 0, "the same values in another shape")
    if isinstance(layer, Dense):
        return _dense(name, shape, layer.units)
    return Row(name, kind, shape, 0, 0, 0, "the same shape; nothing learned")


def _dense(name: str, shape: tuple[int, ...], units: int) -> Row:
    parameters = (shape[-1] + 1) * units
    formula = f"params = (n_in + 1)·units = ({shape[-1]:,} + 1)·{units} = {parameters:,}"
    macs = math.prod(shape) * units
    return Row(name, "Dense", (*shape[:-1], units), parameters, parameters, macs, formula)


def _window(name: str, shape: tuple[int, ...], size: int, strides: int, padding: str) -> tuple[tuple[int, int], str]:
    """Height and width after sliding a window over `shape`, and the arithmetic in words."""
    out = []
    for n in shape[:2]:
        if padding == "same":
            out.append(math.ceil(n / strides))
        elif n < size:
            raise ValueError(
                f"{name} has a {size}×{size} window but gets only {shape[0]}×{shape[1]} pixels: "
                "use fewer poolings, padding 'same' or a larger image."
            )
        else:
            out.append((n - size) // strides + 1)
    if padding == "same":
        formula = f"out = ⌈n/s⌉ = ⌈{shape[0]}/{strides}⌉ = {out[0]} (same: the border is padded)"
    else:
        formula = f"out = ⌊(n + 2p − f)/s⌋ + 1 = ⌊({shape[0]} + 0 − {size})/{strides}⌋ + 1 = {out[0]}"
    return (out[0], out[1]), formula


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _snake(kind: str) -> str:
    return {
        "Conv2D": "conv2d",
        "MaxPooling2D": "max_pooling2d",
        "AveragePooling2D": "average_pooling2d",
        "GlobalAveragePooling2D": "global_average_pooling2d",
        "BatchNormalization": "batch_normalization",
    }.get(kind, kind.lower())
