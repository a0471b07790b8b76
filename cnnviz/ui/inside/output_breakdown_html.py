"""An account of one number (`explain.accounts`) as what the Inside page shows: windows, lines that add up, a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz.explain.inspection.activation_formulas import FORMULAS
from cnnviz.explain.inspection.layer_arithmetic import Breakdown
from cnnviz.figures.output_breakdown import Line, Window, curve, ledger, signed_number, windows

__all__ = ["contributions", "graph_html", "lines", "lines_html", "softmax_html", "teaching", "windows_html"]

_MOST_LINES = 8
_TEACHING = {
    "Conv2D": "A convolution lays its kernel over a window of its input, multiplies what lies upon each other, and "
    "adds up all products and a bias. The same kernel is used at every place, which is why a filter finds its "
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
    "Softmax": "Softmax makes shares of scores: all are above 0 and add up to 1.",
    "Rescaling": "Rescaling multiplies all pixels by one number, so that the model works with small ones.",
    "Dropout": "Dropout takes part in training only; afterwards it hands on what it gets.",
    "Flatten": "Flatten lays rows, columns and channels out in one long row; no number changes.",
    "Add": "The outputs of several layers are added place by place: a shortcut that lets a layer learn only what to "
    "change.",
    "Multiply": "The outputs of several layers are multiplied place by place: one opens and closes the other's gate.",
}
_COLOURS = {False: ("red", "green", "blue"), True: ("blue", "green", "red")}


def teaching(kind: str) -> str:
    """Returns what a type of layer does, in a sentence or two; "" where none is known."""
    return _TEACHING.get(kind, "")


def colour_names(backwards: bool) -> tuple[str, ...]:
    """Returns what an image's channels are called in the order the model takes them."""
    return _COLOURS[backwards]


def contributions(account: Breakdown) -> np.ndarray:
    """Returns what each input channel of a window adds to the sum, float64 (channels,)."""
    return account.products.sum(axis=(0, 1), dtype=np.float64)


def windows_html(account: Breakdown, which: int, name: str) -> str:
    """Returns a window of the input, with the kernel and the products where there are any.

    Args:
        account: of a layer with windows.
        which: the channel of its patch that is shown.
        name: what that channel is called.
    """
    outside = None if account.inside is None else ~account.inside
    patch = account.patch[..., which]
    parts = [
        Window(
            f"{name[:1].upper()}{name[1:]}",
            patch,
            float(np.abs(account.patch).max(initial=0)),
            outside,
            _chosen(account),
        )
    ]
    if account.weights is not None and not _mean(account):
        weights, products = account.weights[..., which], account.products[..., which]
        parts += [
            Window("Kernel", weights, float(np.abs(account.weights).max(initial=0))),
            Window("Products", products, float(np.abs(account.products).max(initial=0)), outside),
        ]
    return windows(parts, ("×", "="))


def _mean(account: Breakdown) -> bool:
    """Whether the weights are a mean's shares, all the same and nothing learned."""
    return account.weights is not None and "Pooling" in account.type


def _chosen(account: Breakdown) -> tuple[int, int] | None:
    return None if account.chosen is None else tuple(map(int, divmod(account.chosen, account.patch.shape[1])))


def lines(account: Breakdown, names: Sequence[str] = (), which: int = -1) -> list[Line]:
    """Returns what adds up to the number; the greatest parts by name, the others together.

    Args:
        account: the number.
        names: of the patch's channels where it is a window, of its numbers where it is a row.
        which: the part that is looked at, which is always among those named.
    """
    found: list[Line] = []
    if _mean(account):
        count = int(account.inside.sum())
        found.append(Line(f"Sum of {count:,} values", account.value * count, "step"))
        return [*found, Line("Mean", account.value, "result", f"÷ {count:,}")]
    if account.products is not None:
        single = account.products.ndim == 1
        parts = account.products.astype(np.float64) if single else contributions(account)
        found += _greatest(account, parts, names, which, single)
    if account.bias is not None:
        found.append(Line("Bias", account.bias))
    if account.parts:
        found += _steps(account)
    elif account.products is None and account.patch.ndim == 1 and len(account.inputs) > 1:
        found += [Line(name, float(x)) for name, x in zip(account.inputs, account.patch, strict=True)]
    if account.sum is not None and account.activation not in ("", "linear"):
        word = "Score" if account.activation == "softmax" else "Sum" if account.products is not None else "Input x"
        found.append(Line(word, account.sum, "step"))
    name = "Value" if account.chosen is None else "Greatest"
    return [*found, Line(name, account.value, "result", _made_by(account))]


def lines_html(found: Sequence[Line]) -> str:
    """Returns the lines of an account with their numbers aligned."""
    return ledger(found)


def _greatest(account: Breakdown, parts: np.ndarray, names: Sequence[str], which: int, single: bool) -> list[Line]:
    order = [int(at) for at in np.argsort(-np.abs(parts), kind="stable")]
    shown = order[:_MOST_LINES]
    if which in order and which not in shown:
        shown[-1] = which
    found = []
    for at in shown:
        note = f"{signed_number(account.patch[at], 4)} × {signed_number(account.weights[at], 4)}" if single else ""
        note = note or ("shown above" if at == which and len(parts) > 1 else "")
        found.append(Line(names[at] if at < len(names) else f"Input {at}", float(parts[at]), "part", note))
    if rest := len(parts) - len(shown):
        total = float(parts.sum() - parts[shown].sum())
        found.append(Line(f"{rest:,} others" if rest > 1 else "1 other", total, "part", "together"))
    return found


def _made_by(account: Breakdown) -> str:
    if account.activation in ("", "linear"):
        return ""
    return f"{account.activation}: {account.formula}"


def _steps(account: Breakdown) -> list[Line]:
    """A normalisation or a rescaling, one operation a line."""
    x, parts = float(account.patch[0]), account.parts
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


def graph_html(account: Breakdown) -> str:
    """Returns the graph of the activation with this number on it; "" where there is none that is known by name."""
    formula = FORMULAS.get(account.activation)
    if formula is None or formula.name == "linear" or formula.text != account.formula or account.sum is None:
        return ""
    y = formula.compute(account.sum)
    return curve(
        formula.compute,
        account.sum,
        f"Graph of {formula.name}: {signed_number(account.sum)} becomes {signed_number(y)}",
    )


def softmax_html(account: Breakdown, names: Sequence[str]) -> str:
    """Returns how a softmax makes shares: the greatest scores as powers of e that add up, as HTML."""
    scores = account.scores.astype(np.float64)
    powers = np.exp(scores - scores.max())
    at = account.at[-1]
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
        [*found, Line("All powers", float(powers.sum()), "step"), Line("Share", account.value, "result", share)]
    )
