"""A number's breakdown (`explain.inspection.layer_arithmetic`) as what Inside shows: windows, sums, a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cnnviz.explain.inspection.activation_formulas import FORMULAS
from cnnviz.explain.inspection.layer_arithmetic import Breakdown
from cnnviz.figures.output_breakdown import Line, Window, curve, ledger, signed_number, windows

__all__ = ["contributions", "graph_html", "lines", "lines_html", "softmax_html", "teaching", "windows_html"]

_MOST_LINES = 8
_TEACHING = {
    "Conv2D": "A convolution lays its kernel over a window of its input, multiplies what lies upon each other, and "
    "adds up all products and a bias. The same kernel is used at every position, which is why a filter finds its "
    "pattern anywhere in the image.",
    "DepthwiseConv2D": "A depthwise convolution has a kernel of its own for each input channel and does not mix them; "
    "a 1 × 1 convolution usually does that next.",
    "MaxPooling2D": "Max pooling keeps the greatest value of each window: that something was found matters, not "
    "exactly where.",
    "AveragePooling2D": "Average pooling keeps the mean of each window; padding does not count.",
    "GlobalAveragePooling2D": "Global average pooling makes one number of a whole channel: how much of its pattern "
    "there is in all of the image.",
    "GlobalMaxPooling2D": "Global max pooling makes one number of a whole channel: how strongly its pattern is "
    "somewhere.",
    "Dense": "Every unit of a dense layer is joined to all inputs: each is multiplied by a weight of its own, and all "
    "products are added to a bias.",
    "BatchNormalization": "Batch normalisation brings each channel to a mean near 0 and a spread near 1, by figures "
    "that it gathered while training, and then scales and shifts it as it has learned to.",
    "ReLU": "ReLU lets through what is above 0 and makes 0 of all else. Without such a bend, many layers could do no "
    "more than one.",
    "Activation": "An activation bends each number by itself. Without it, many layers could do no more than one.",
    "Softmax": "Softmax makes probabilities of scores: all are above 0 and add up to 1.",
    "Rescaling": "Rescaling multiplies all pixels by one number, so that the model works with small ones.",
    "Dropout": "Dropout takes part in training only; afterwards it hands on what it gets.",
    "Flatten": "Flatten lays rows, columns and channels out in one long row; no number changes.",
    "Add": "The outputs of several layers are added position by position: a shortcut that lets a layer learn only "
    "what to change.",
    "Multiply": "The outputs of several layers are multiplied position by position: one opens and closes the other's "
    "gate.",
}
_COLOURS = {False: ("red", "green", "blue"), True: ("blue", "green", "red")}


def teaching(kind: str) -> str:
    """Returns what a type of layer does, in a sentence or two; "" where none is known."""
    return _TEACHING.get(kind, "")


def colour_names(backwards: bool) -> tuple[str, ...]:
    """Returns what an image's channels are called in the order the model takes them."""
    return _COLOURS[backwards]


def contributions(breakdown: Breakdown) -> np.ndarray:
    """Returns what each input channel of a window adds to the sum, float64 (channels,)."""
    assert breakdown.products is not None
    return breakdown.products.sum(axis=(0, 1), dtype=np.float64)


def windows_html(breakdown: Breakdown, which: int, name: str) -> str:
    """Returns a window of the input, with the kernel and the products where there are any.

    Args:
        breakdown: of a layer with windows.
        which: the channel of its patch that is shown.
        name: what that channel is called.
    """
    outside = None if breakdown.inside is None else ~breakdown.inside
    patch = breakdown.patch[..., which]
    parts = [
        Window(
            f"{name[:1].upper()}{name[1:]}",
            patch,
            float(np.abs(breakdown.patch).max(initial=0)),
            outside,
            _chosen(breakdown),
        )
    ]
    if breakdown.weights is not None and breakdown.products is not None and not _mean(breakdown):
        weights, products = breakdown.weights[..., which], breakdown.products[..., which]
        parts += [
            Window("Kernel", weights, float(np.abs(breakdown.weights).max(initial=0))),
            Window("Products", products, float(np.abs(breakdown.products).max(initial=0)), outside),
        ]
    return windows(parts, ("×", "="))


def _mean(breakdown: Breakdown) -> bool:
    """Whether the weights are a mean's shares, all the same and nothing learned."""
    return breakdown.weights is not None and "Pooling" in breakdown.type


def _chosen(breakdown: Breakdown) -> tuple[int, int] | None:
    if breakdown.chosen is None:
        return None
    row, column = divmod(breakdown.chosen, breakdown.patch.shape[1])
    return int(row), int(column)


def lines(breakdown: Breakdown, names: Sequence[str] = (), which: int = -1) -> list[Line]:
    """Returns what adds up to the number; the greatest parts by name, the others together.

    Args:
        breakdown: the number.
        names: of the patch's channels where it is a window, of its numbers where it is a row.
        which: the part that is looked at, which is always among those named.
    """
    found: list[Line] = []
    if _mean(breakdown):
        assert breakdown.inside is not None
        count = int(breakdown.inside.sum())
        found.append(Line(f"Sum of {count:,} values", breakdown.value * count, "step"))
        return [*found, Line("Mean", breakdown.value, "result", f"÷ {count:,}")]
    if breakdown.products is not None:
        single = breakdown.products.ndim == 1
        parts = breakdown.products.astype(np.float64) if single else contributions(breakdown)
        found += _greatest(breakdown, parts, names, which, single)
    if breakdown.bias is not None:
        found.append(Line("Bias", breakdown.bias))
    if breakdown.parts:
        found += _steps(breakdown, breakdown.parts)
    elif breakdown.products is None and breakdown.patch.ndim == 1 and len(breakdown.inputs) > 1:
        found += [Line(name, float(x)) for name, x in zip(breakdown.inputs, breakdown.patch, strict=True)]
    if breakdown.sum is not None and breakdown.activation not in ("", "linear"):
        word = "Score" if breakdown.activation == "softmax" else "Sum" if breakdown.products is not None else "Input x"
        found.append(Line(word, breakdown.sum, "step"))
    name = "Value" if breakdown.chosen is None else "Greatest"
    return [*found, Line(name, breakdown.value, "result", _made_by(breakdown))]


def lines_html(found: Sequence[Line]) -> str:
    """Returns the lines of an account with their numbers aligned."""
    return ledger(found)


def _greatest(breakdown: Breakdown, parts: np.ndarray, names: Sequence[str], which: int, single: bool) -> list[Line]:
    order = [int(at) for at in np.argsort(-np.abs(parts), kind="stable")]
    shown = order[:_MOST_LINES]
    if which in order and which not in shown:
        shown[-1] = which
    found = []
    for at in shown:
        note = ""
        if single and breakdown.weights is not None:
            note = f"{signed_number(breakdown.patch[at], 4)} × {signed_number(breakdown.weights[at], 4)}"
        note = note or ("shown above" if at == which and len(parts) > 1 else "")
        found.append(Line(names[at] if at < len(names) else f"Input {at}", float(parts[at]), "part", note))
    if rest := len(parts) - len(shown):
        total = float(parts.sum() - parts[shown].sum())
        found.append(Line(f"{rest:,} others" if rest > 1 else "1 other", total, "part", "together"))
    return found


def _made_by(breakdown: Breakdown) -> str:
    if breakdown.activation in ("", "linear"):
        return ""
    return f"{breakdown.activation}: {breakdown.formula}"


def _steps(breakdown: Breakdown, parts: Mapping[str, float]) -> list[Line]:
    """A normalisation or a rescaling, one operation a line."""
    x = float(breakdown.patch[0])
    if "scale" in parts:
        return [
            Line("Input x", x),
            Line("Scaled", x * parts["scale"], "step", f"x × {signed_number(parts['scale'], 5)}"),
            Line("Shift", parts["offset"]),
        ]
    root = float(np.sqrt(parts["variance"] + parts["epsilon"]))
    normal, gamma = (x - parts["mean"]) / root, parts.get("gamma", 1.0)
    spread = f"÷ √({signed_number(parts['variance'], 5)} + {signed_number(parts['epsilon'], 2)})"
    return [
        Line("Input x", x),
        Line("Less the mean", -parts["mean"], "part", "gathered in training"),
        Line("Over the spread", normal, "step", spread),
        Line("Scaled", normal * gamma, "step", f"× γ = {signed_number(gamma, 5)}, learned"),
        Line("Shift β", parts.get("beta", 0.0), "part", "learned"),
    ]


def graph_html(breakdown: Breakdown) -> str:
    """Returns the graph of the activation with this number on it; "" where there is none that is known by name."""
    formula = FORMULAS.get(breakdown.activation)
    if formula is None or formula.name == "linear" or formula.text != breakdown.formula or breakdown.sum is None:
        return ""
    y = formula.compute(breakdown.sum)
    return curve(
        formula.compute,
        breakdown.sum,
        f"Graph of {formula.name}: {signed_number(breakdown.sum)} becomes {signed_number(y)}",
    )


def softmax_html(breakdown: Breakdown, names: Sequence[str]) -> str:
    """Returns how a softmax makes shares: the greatest scores as powers of e that add up, as HTML."""
    assert breakdown.scores is not None
    scores = breakdown.scores.astype(np.float64)
    powers = np.exp(scores - scores.max())
    at = breakdown.at[-1]
    order = [int(one) for one in np.argsort(-powers, kind="stable")][:_MOST_LINES]
    order = order if at in order else [*order[:-1], at]
    found = [
        Line(
            names[one] if one < len(names) else f"Unit {one}",
            float(powers[one]),
            "part",
            f"score {signed_number(scores[one], 4)}{', this one' if one == at else ''}",
        )
        for one in order
    ]
    if rest := len(powers) - len(order):
        found.append(
            Line(
                f"{rest:,} others" if rest > 1 else "1 other",
                float(powers.sum() - powers[order].sum()),
                "part",
                "together",
            )
        )
    share = f"{signed_number(powers[at], 4)} ÷ {signed_number(powers.sum(), 5)}"
    return ledger(
        [*found, Line("All powers", float(powers.sum()), "step"), Line("Share", breakdown.value, "result", share)]
    )
