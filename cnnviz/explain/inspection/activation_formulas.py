"""Activations of one number by their formulas, in NumPy and in words; meanings and defaults are Keras's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FORMULAS", "Formula", "of_layer"]


@dataclass(frozen=True)
class Formula:
    """An activation: its name, its formula as text, and how it is computed from a number."""

    name: str
    text: str
    compute: Callable[[float], float]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _hard_sigmoid(x: float) -> float:
    return min(max(x / 6 + 0.5, 0.0), 1.0)


_SELU = (1.0507009873554805, 1.6732632423543772)


def _relu(slope: float = 0.0, most: float | None = None, threshold: float = 0.0) -> Formula:
    text = "max(0, x)" if not threshold else f"x above {threshold:g}, else 0"
    if slope:
        text = (
            f"x above {threshold:g}, else {slope:g} · (x − {threshold:g})"
            if threshold
            else f"x, or {slope:g} · x below 0"
        )
    if most is not None:
        text += f", at most {most:g}"

    def compute(x: float) -> float:
        x = x if x > threshold else slope * (x - threshold)
        return x if most is None else min(x, most)

    return Formula("relu" if not slope else "leaky_relu", text, compute)


def _elu(alpha: float = 1.0) -> Formula:
    text = f"x, or {'' if alpha == 1 else f'{alpha:g} · '}(eˣ − 1) below 0"
    return Formula("elu", text, lambda x: x if x > 0 else alpha * math.expm1(x))


FORMULAS: Mapping[str, Formula] = {
    one.name: one
    for one in (
        Formula("linear", "x", lambda x: x),
        _relu(),
        Formula("relu6", "max(0, x), at most 6", lambda x: min(max(x, 0.0), 6.0)),
        _relu(0.2),
        _elu(),
        Formula(
            "selu",
            "1.0507 · x, or 1.7581 · (eˣ − 1) below 0",
            lambda x: _SELU[0] * (x if x > 0 else _SELU[1] * math.expm1(x)),
        ),
        Formula("gelu", "x · Φ(x), with the normal distribution's Φ", lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2))),
        Formula("silu", "x / (1 + e⁻ˣ)", lambda x: x * _sigmoid(x)),
        Formula("tanh", "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", math.tanh),
        Formula("sigmoid", "1 / (1 + e⁻ˣ)", _sigmoid),
        Formula("hard_sigmoid", "x / 6 + 0.5, within 0 and 1", _hard_sigmoid),
        Formula("hard_silu", "x · (x / 6 + 0.5 within 0 and 1)", lambda x: x * _hard_sigmoid(x)),
        Formula("softplus", "log(1 + eˣ)", _softplus),
        Formula("softsign", "x / (1 + |x|)", lambda x: x / (1 + abs(x))),
        Formula("exponential", "eˣ", math.exp),
    )
}
"""By Keras's names; softmax is of several numbers and so not among them."""


def of_layer(layer: Any) -> Formula | None:
    """Returns the formula of an activation layer, or of a layer's own activation (none: linear); `None` if unknown.

    Layers: ReLU, LeakyReLU and ELU with their settings, Activation, and all with an attribute `activation`.
    """
    kind = type(layer).__name__
    if kind == "ReLU":
        return _relu(float(layer.negative_slope or 0), layer.max_value, float(layer.threshold or 0))
    if kind == "LeakyReLU":
        return _relu(float(layer.negative_slope))
    if kind == "ELU":
        return _elu(float(layer.alpha))
    activation = getattr(layer, "activation", None)
    return FORMULAS["linear"] if activation is None else FORMULAS.get(getattr(activation, "__name__", ""))
