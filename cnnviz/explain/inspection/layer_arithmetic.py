"""Single outputs of layers taken apart, each type of layer by its own arithmetic in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnviz.explain.inspection import activation_formulas
from cnnviz.explain.inspection.receptive_field_1d import window_of

__all__ = ["BREAKDOWNS", "BY_POSITION", "Breakdown"]

_SOFTMAX = "eˣ over the sum of all eˣ"


@dataclass(frozen=True, eq=False)
class Breakdown:
    """One output of a layer, taken apart.

    Attributes:
        patch: float32, what goes in: (height, width, channels) for windows, (n,) for rows and single values.
        value: what this account comes to, computed here from `patch` in double precision.
        text: the account as a sentence.
        layer, type, at: which number it is; `at` has as many indices as the layer's output has axes.
        inputs: the layers that `patch` comes from, "pixels" for the image.
        output: what the model itself gives, float32. `value` differs from it by rounding only, less than
            1e-5 · max(1, |output|) for sums whose terms are not far larger than their result.
        corner: (top, left) of the patch in the layer's input, negative in padding; `None` where there are no positions.
        step: (down, right) between neighbours of the patch in the input, above 1 for a dilated convolution.
        inside: bool (height, width), which parts of the patch are not padding; `None` where there are no positions.
        channels: which of the input's channels the patch has, as (first, behind the last).
        weights: by what the patch is multiplied, of its shape; `None` where it isn't.
        products: patch × weights.
        bias: what is added to the products' sum; `None` where nothing is.
        sum: the number before the activation.
        activation: its name, and `formula` as text; "" where there is none.
        scores: all numbers of the softmax that this is one share of, float32 (n,).
        chosen: for a maximum, where in the patch it is, flat.
        parts: further numbers that go in, by their names, such as a normalisation's mean.
    """

    patch: np.ndarray
    value: float
    text: str
    layer: str = ""
    type: str = ""
    at: tuple[int, ...] = ()
    inputs: tuple[str, ...] = ()
    output: float = float("nan")
    corner: tuple[int, int] | None = None
    step: tuple[int, int] = (1, 1)
    inside: np.ndarray | None = None
    channels: tuple[int, int] | None = None
    weights: np.ndarray | None = None
    products: np.ndarray | None = None
    bias: float | None = None
    sum: float | None = None
    activation: str = ""
    formula: str = ""
    scores: np.ndarray | None = None
    chosen: int | None = None
    parts: Mapping[str, float] | None = None


def _number(value: Any) -> str:
    """A number as text with four digits that count, and a true minus."""
    return f"{float(value):.4g}".replace("-", "−")


def _window(layer: Any, values: np.ndarray, at: Sequence[int], channels: tuple[int, int]) -> dict[str, Any]:
    """The part of a layer's input (h, w, c) under its window, 0 in the padding."""
    axes, corner, steps = [], [], []
    for side in (0, 1):
        size, stride, dilation, before = window_of(layer, side, values.shape[side])
        corner.append(at[side] * stride - before)
        steps.append(dilation)
        axes.append(corner[-1] + dilation * np.arange(size))
    rows, columns = np.meshgrid(*axes, indexing="ij")
    inside = (rows >= 0) & (rows < values.shape[0]) & (columns >= 0) & (columns < values.shape[1])
    patch = values[np.where(inside, rows, 0), np.where(inside, columns, 0), slice(*channels)] * inside[..., None]
    return {"patch": patch, "corner": tuple(corner), "step": tuple(steps), "inside": inside, "channels": channels}


def _weighed(layer: Any, patch: np.ndarray, weights: Any, bias: Any, **more: Any) -> Breakdown | None:
    """Products, bias and activation."""
    formula = activation_formulas.of_layer(layer)
    if formula is None:
        return None
    weights = np.asarray(weights, np.float32)
    products = patch.astype(np.float64) * weights
    total = float(products.sum()) + (0.0 if bias is None else float(bias))
    value = formula.compute(total)
    text = f"{products.size:,} products add up to {_number(products.sum())}"
    text += f", with the bias {_number(bias)} to {_number(total)}" if bias is not None else ""
    text += f"; {formula.name}, {formula.text}, makes it {_number(value)}." if formula.name != "linear" else "."
    return Breakdown(
        patch,
        value,
        text,
        weights=weights,
        products=products.astype(np.float32),
        bias=None if bias is None else float(bias),
        sum=total,
        activation=formula.name,
        formula=formula.text,
        **more,
    )


def _bias(layer: Any, at: int) -> Any:
    return np.asarray(layer.bias)[at] if layer.use_bias else None


def _convolution(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    kernel = np.asarray(layer.kernel)
    depth = kernel.shape[2]
    group = at[2] // (kernel.shape[3] // layer.groups)
    window = _window(layer, given[0], at, (group * depth, (group + 1) * depth))
    return _weighed(layer, weights=kernel[..., at[2]], bias=_bias(layer, at[2]), **window)


def _depthwise(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    kernel = np.asarray(layer.kernel)
    channel, copy = divmod(at[2], kernel.shape[3])
    window = _window(layer, given[0], at, (channel, channel + 1))
    return _weighed(layer, weights=kernel[:, :, channel, copy, None], bias=_bias(layer, at[2]), **window)


def _dense(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    patch, kernel = given[0][at[:-1]], np.asarray(layer.kernel)
    if getattr(layer.activation, "__name__", "") != "softmax":
        return _weighed(layer, patch, kernel[:, at[-1]], _bias(layer, at[-1]))
    scores = patch.astype(np.float64) @ kernel + (np.asarray(layer.bias) if layer.use_bias else 0)
    weights = kernel[:, at[-1]]
    share, text = _share(scores, at[-1])
    bias = _bias(layer, at[-1])
    return Breakdown(
        patch,
        share,
        text,
        weights=weights,
        products=patch * weights,
        bias=None if bias is None else float(bias),
        sum=float(scores[at[-1]]),
        activation="softmax",
        formula=_SOFTMAX,
        scores=scores.astype(np.float32),
    )


def _share(scores: np.ndarray, at: int) -> tuple[float, str]:
    powers = np.exp(scores.astype(np.float64) - scores.max())
    share = float(powers[at] / powers.sum())
    return share, (
        f"The score {_number(scores[at])} is one of {len(scores):,}; softmax, {_SOFTMAX}, makes its share "
        f"{_number(share)}."
    )


def _activation(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if type(layer).__name__ == "Softmax" or name == "softmax":
        if getattr(layer, "axis", -1) not in (-1, given[0].ndim):
            return None
        scores = given[0][at[:-1]]
        share, text = _share(scores, at[-1])
        return Breakdown(
            scores, share, text, sum=float(scores[at[-1]]), activation="softmax", formula=_SOFTMAX, scores=scores
        )
    formula = activation_formulas.of_layer(layer)
    if formula is None:
        return None
    x = float(given[0][at])
    value = formula.compute(x)
    return Breakdown(
        np.array([x], np.float32),
        value,
        f"{formula.name}, {formula.text}, makes {_number(x)} to {_number(value)}.",
        sum=x,
        activation=formula.name,
        formula=formula.text,
    )


def _pooling(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown:
    window = _window(layer, given[0], at, (at[2], at[2] + 1))
    return _pooled(type(layer).__name__.startswith("Max"), **window)


def _global(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown:
    patch = given[0][..., at[-1:]]
    inside = np.ones(patch.shape[:2], bool)
    return _pooled("Max" in type(layer).__name__, patch, corner=(0, 0), inside=inside, channels=(at[-1], at[-1] + 1))


def _pooled(greatest: bool, patch: np.ndarray, *, inside: np.ndarray, **more: Any) -> Breakdown:
    """The maximum or the mean of those values that are not padding."""
    there = inside[..., None]
    count = int(inside.sum())
    if greatest:
        chosen = int(np.where(there, patch, -np.inf).argmax())
        value = float(patch.flat[chosen])
        text = f"The greatest of {count} values is {_number(value)}."
        return Breakdown(patch, value, text, inside=inside, chosen=chosen, sum=value, **more)
    weights = (there / np.float32(count)).astype(np.float32)
    total = float((patch * there).sum(dtype=np.float64))
    text = f"{count} values add up to {_number(total)}; their mean is {_number(total / count)}."
    return Breakdown(
        patch, total / count, text, inside=inside, weights=weights, products=patch * weights, sum=total / count, **more
    )


def _normalisation(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    if layer.axis not in (-1, given[0].ndim):
        return None
    names = {"mean": layer.moving_mean, "variance": layer.moving_variance, "gamma": layer.gamma, "beta": layer.beta}
    parts = {name: float(np.asarray(values)[at[-1]]) for name, values in names.items() if values is not None}
    parts["epsilon"] = float(layer.epsilon)
    x = float(given[0][at])
    normal = (x - parts["mean"]) / np.sqrt(parts["variance"] + parts["epsilon"])
    value = float(normal * parts.get("gamma", 1.0) + parts.get("beta", 0.0))
    text = (
        f"{_number(x)} less the mean {_number(parts['mean'])}, over the root of the variance "
        f"{_number(parts['variance'])}, is {_number(normal)}; scaled by {_number(parts.get('gamma', 1.0))} and "
        f"shifted by {_number(parts.get('beta', 0.0))} that is {_number(value)}."
    )
    return Breakdown(np.array([x], np.float32), value, text, sum=value, parts=parts)


def _rescaling(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown:
    x = float(given[0][at])
    scale, offset = (float(np.broadcast_to(one, given[0].shape[-1])[at[-1]]) for one in (layer.scale, layer.offset))
    value = x * scale + offset
    text = f"{_number(x)} times {_number(scale)} plus {_number(offset)} is {_number(value)}."
    return Breakdown(np.array([x], np.float32), value, text, sum=value, parts={"scale": scale, "offset": offset})


def _copy(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown:
    """The same value at the same position in the row of all values."""
    x = float(given[0].reshape(-1)[np.ravel_multi_index(at, _shape_of(layer, given[0]))])
    return Breakdown(np.array([x], np.float32), x, f"The value {_number(x)} is handed on as it is.", sum=x)


def _shape_of(layer: Any, values: np.ndarray) -> tuple[int, ...]:
    kind = type(layer).__name__
    if kind == "Flatten":
        return (values.size,)
    return tuple(layer.compute_output_shape((1, *values.shape))[1:]) if kind == "Reshape" else values.shape


def _addition(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown | None:
    if len({one.shape for one in given}) > 1 or len(given) < 2:
        return None
    patch = np.array([one[at] for one in given], np.float32)
    value = float(patch.sum(dtype=np.float64))
    return Breakdown(patch, value, f"{' + '.join(map(_number, patch))} = {_number(value)}.", sum=value)


def _multiplication(layer: Any, given: list[np.ndarray], at: tuple[int, ...]) -> Breakdown:
    """Inputs with one position for a whole side, as gates have, are the same everywhere along it."""
    patch = np.array([np.broadcast_to(one, np.broadcast_shapes(*(two.shape for two in given)))[at] for one in given])
    value = float(patch.prod(dtype=np.float64))
    return Breakdown(patch, value, f"{' · '.join(map(_number, patch))} = {_number(value)}.", sum=value)


BREAKDOWNS: Mapping[str, Callable[[Any, list[np.ndarray], tuple[int, ...]], Breakdown | None]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "Dense": _dense,
    "Activation": _activation,
    "ReLU": _activation,
    "LeakyReLU": _activation,
    "ELU": _activation,
    "Softmax": _activation,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "GlobalAveragePooling2D": _global,
    "GlobalMaxPooling2D": _global,
    "BatchNormalization": _normalisation,
    "Rescaling": _rescaling,
    "Dropout": _copy,
    "Identity": _copy,
    "Flatten": _copy,
    "Reshape": _copy,
    "Add": _addition,
    "Multiply": _multiplication,
}
"""From a layer, its inputs for one image and the indices of an output to the account of it, by the layer's type."""
BY_POSITION = frozenset(
    {"Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "BatchNormalization", "Rescaling", "Dropout"}
)
"""Of these, the ones whose account is the same where they are called for each part of their input by itself."""
