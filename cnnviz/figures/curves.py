"""How figures went over the epochs, as charts: one run while it learns, several beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cnnviz.figures.style import escape_text, laid_out

__all__ = ["COLOURS", "learning", "learning_rate", "live_points", "metric_title", "metrics_of", "overlay_runs"]

# Middle tones, told apart on white and on black; the first is the app's own.
COLOURS = ("#14998c", "#d9772b", "#7c74e8", "#d6488b", "#7d9b1f", "#2f8fd0", "#b0803a", "#a45fd0", "#dd5555", "#80908d")
_SHADE = "rgba(217, 119, 43, 0.13)"
_GUIDE = "rgba(128, 144, 141, 0.75)"
HEIGHT = 270
_STEPS = (1, 1.5, 2, 3, 4, 6, 8, 10)
_FLOORS = (0.98, 0.95, 0.9, 0.8, 0.5, 0.0)
_ENDLESS = 1e300  # figures beyond it, which JSON may hold, are no figures

Records = Sequence[Mapping[str, Any]]


def _number(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    return float(value) if isinstance(value, (int, float)) and abs(value) < _ENDLESS else None


def metrics_of(epochs: Records) -> list[str]:
    """Returns the names of what can be drawn over the epochs: validation's first, then training's."""
    found = dict.fromkeys(key for record in epochs for key in record if key.endswith(("loss", "accuracy")))
    order = {"val_accuracy": 0, "val_loss": 1, "accuracy": 2, "loss": 3}
    return sorted(found, key=lambda key: (order.get(key, 4 if key.startswith("val_") else 5), key))


def metric_title(key: str) -> str:
    """Returns Keras's name of a figure in words: "val_shape_accuracy" is "Validation accuracy of shape"."""
    split = "Validation" if key.startswith("val_") else "Training"
    head, _, kind = key.removeprefix("val_").rpartition("_")
    return f"{split} {kind} of {head}" if head else f"{split} {kind}"


def live_points(history: Records, key: str) -> tuple[list[float], list[float]]:
    """Returns the figures of the epoch that is under way: positions on the axis of epochs, and values."""
    last = next((at for at in range(len(history) - 1, -1, -1) if history[at]["kind"] == "epoch"), -1)
    xs, ys = [], []
    for record in history[last + 1 :]:
        value, batches = _number(record, key), _number(record, "batches")
        if record["kind"] == "batch" and value is not None and batches and (epoch := _number(record, "epoch")):
            xs.append(epoch - 1 + (_number(record, "batch") or 0) / batches)
            ys.append(value)
    return xs, ys


def learning(
    history: Records,
    metric: str,
    *,
    epochs: Records,
    total: int,
    heads: Sequence[str] = (),
    best: int | None = None,
    turned: int | None = None,
    live: bool = False,
) -> go.Figure:
    """Returns a run's loss or accuracy over its epochs: training thin, validation thick, a colour per head.

    Args:
        history: all records; those of batches carry the curve of the epoch that is under way.
        metric: "loss" or "accuracy".
        epochs: the epochs' records.
        total: how many epochs the recipe wants.
        heads: the heads' names where there are several.
        best: the epoch that is kept; it is marked.
        turned: from where on the chart is shaded, see `cnnviz.runs.overfitting`.
        live: whether the run goes on, so that the axis leaves room for what is to come.
    """
    figure = go.Figure()
    keys = {head: f"{head}_{metric}" for head in heads} if len(heads) > 1 else {"": metric}
    if not any(key in record for record in (*epochs[-1:], *history[-1:]) for key in keys.values()):
        keys = {"": metric}  # heads whose own losses were not recorded
    reach: list[float] = []
    for number, (head, key) in enumerate(keys.items()):
        colour = COLOURS[number % len(COLOURS)]
        shown = _Curve(figure, colour, escape_text(head, 24), metric)
        reach += shown.draw(epochs, key, thick=False)
        if live:
            reach += shown.under_way(history, epochs, key)
        reach += shown.draw(epochs, f"val_{key}", thick=True)
        shown.mark(epochs, f"val_{key}", best, turned)
    done = max([record["epoch"] for record in epochs], default=0)
    _finish(figure, metric, reach, _last_epoch(done, total) if live else max(done, 2))
    if turned is not None and done > turned:
        figure.add_vrect(x0=turned, x1=done, fillcolor=_SHADE, line_width=0, layer="below")
    if best is not None and epochs:
        figure.add_vline(x=best, line={"color": _GUIDE, "width": 1, "dash": "dot"}, layer="below")
        high = metric == "loss"  # where the curves leave room
        figure.add_annotation(
            x=best,
            y=1 if high else 0,
            yref="paper",
            text=f"best {best}",
            showarrow=False,
            xanchor="right",
            yanchor="top" if high else "bottom",
            xshift=-3,
            font={"size": 11, "color": "#80908d"},
        )
    return figure


class _Curve:
    """The lines of one head in one colour."""

    def __init__(self, figure: go.Figure, colour: str, head: str, metric: str):
        self._figure, self._colour, self._head, self._metric = figure, colour, head, metric

    def draw(self, epochs: Records, key: str, *, thick: bool) -> list[float]:
        values = [_number(record, key) for record in epochs]
        name = f"{'Validation' if thick else 'Training'}{' ' + self._head if self._head else ''}"
        self._figure.add_scatter(
            x=[record["epoch"] for record in epochs],
            y=values,
            name=name,
            mode="lines+markers" if len(epochs) < 2 else "lines",
            line={"color": self._colour, "width": (3.2 if len(epochs) < 60 else 2) if thick else 1.2},
            marker={"color": self._colour, "size": 6},
            hovertemplate=_value(self._metric),
        )
        return [value for value in values if value is not None]

    def under_way(self, history: Records, epochs: Records, key: str) -> list[float]:
        xs, ys = live_points(history, key)
        end = ([epochs[-1]["epoch"]], [_number(epochs[-1], key)]) if epochs and xs else ([], [])
        self._figure.add_scatter(
            x=end[0] + xs,
            y=end[1] + ys,
            mode="lines+markers",
            name="this epoch so far",
            showlegend=False,
            line={"color": self._colour, "width": 1.3, "dash": "dot"},
            marker={"color": self._colour, "size": [0] * (len(end[0]) + len(xs) - 1) + [7] if xs else 0},
            hovertemplate=f"{_value(self._metric)} so far<extra></extra>",
        )
        return ys[-1:]

    def mark(self, epochs: Records, key: str, best: int | None, turned: int | None) -> None:
        by_number = {record["epoch"]: _number(record, key) for record in epochs}
        if best is not None and (value := by_number.get(best)) is not None:
            self._point(best, value, "circle", "best epoch", self._colour)
        if turned is not None and self._metric == "loss" and (value := by_number.get(turned)) is not None:
            self._point(turned, value, "diamond", "turns away from training", "#d9772b")

    def _point(self, x: int, y: float, symbol: str, name: str, colour: str) -> None:
        self._figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            name=name,
            showlegend=False,
            marker={"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2, "color": "#ffffff"}},
            hovertemplate=f"{_value(self._metric)} {name}<extra></extra>",
        )


def _value(metric: str) -> str:
    return "%{y:.2%}" if metric.endswith("accuracy") else "%{y:.4f}"


def _finish(figure: go.Figure, metric: str, values: Sequence[float], last: float) -> None:
    """Axes whose ranges stay put while the curve grows."""
    laid_out(figure, height=HEIGHT)
    figure.update_layout(uirevision="kept", hovermode="x unified", margin={"t": 10, "r": 10})
    figure.update_xaxes(
        title="Epoch",
        range=[0, last * 1.02],
        tickformat="d",
        nticks=8,
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        hoverformat=".4~g",
    )
    span = _span(metric, values)
    form = {} if not metric.endswith("accuracy") else {"tickformat": ".0%" if span[0] < 0.95 else ".1%"}
    figure.update_yaxes(title=None, range=span, fixedrange=True, nticks=6, zeroline=False, **form)


def _span(metric: str, values: Sequence[float]) -> list[float]:
    """A range that changes in steps only: shares from a round floor up to 1, losses from 0 to a round number."""
    if metric.endswith("accuracy"):
        low = min(values, default=0.0)
        floor = next((floor for floor in _FLOORS if low >= floor + 0.1 * (1 - floor)), 0.0)
        return [floor, 1 + 0.02 * (1 - floor)]
    high = max(values, default=1.0)
    if high <= 0:
        return [0, 1]
    power = 10.0 ** math.floor(math.log10(high))
    return [0, next(power * step for step in (*_STEPS, 20) if high * 1.04 <= power * step)]


def _last_epoch(done: int, total: int) -> int:
    """Where the axis ends while a run goes on: its end if that is near, else the next round number."""
    if total <= 30:
        return max(1, total)
    rounds = (n * 10**power for power in range(1, 6) for n in (1, 2, 3, 5))
    return min(total, next((end for end in rounds if end > done * 1.05 + 1), total))


def learning_rate(epochs: Records, total: int, start: float | None = None) -> go.Figure | None:
    """Returns the learning rate over the epochs of `total`, small; `None` where it was always the same.

    Args:
        epochs: the epochs' records, with the rate at each one's end.
        total: where the axis ends.
        start: the rate before the first batch, where each batch changes it a little.
    """
    points = [(record["epoch"], rate) for record in epochs if (rate := _number(record, "learning_rate")) is not None]
    if points and start is not None:
        points.insert(0, (0, start))
    if len({rate for _, rate in points}) < 2:
        return None
    xs, ys = zip(*points, strict=True)
    figure = go.Figure(
        go.Scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"color": COLOURS[-1], "width": 1.5, "shape": "hv" if start is None else "linear"},
            hovertemplate="%{y:.3g}",
        )
    )
    laid_out(figure, height=120)
    figure.update_layout(uirevision="kept", hovermode="x", showlegend=False)
    figure.update_xaxes(
        range=[0, _last_epoch(max(xs), total) * 1.02], showgrid=False, fixedrange=True, tickformat="d", nticks=8
    )
    figure.update_yaxes(rangemode="tozero", fixedrange=True, nticks=3, exponentformat="power")
    return figure


def overlay_runs(runs: Mapping[str, Records], metric: str) -> go.Figure:
    """Returns one figure of several runs over their epochs, a colour per run.

    Args:
        runs: for each run's label the epochs' records.
        metric: Keras's name, such as "val_accuracy".
    """
    figure, reach, last = go.Figure(), [], 2
    for number, (label, epochs) in enumerate(runs.items()):
        values = [_number(record, metric) for record in epochs]
        figure.add_scatter(
            x=[record["epoch"] for record in epochs],
            y=values,
            name=escape_text(label, 40),
            mode="lines+markers" if len(epochs) < 2 else "lines",
            line={"color": COLOURS[number % len(COLOURS)], "width": 2.4, "dash": _DASHES[number // len(COLOURS) % 3]},
            hovertemplate=_value(metric),
            showlegend=True,
        )
        reach += [value for value in values if value is not None]
        last = max([last, *(record["epoch"] for record in epochs)])
    _finish(figure, metric, reach, last)
    figure.update_layout(height=HEIGHT + 80 + 18 * (len(runs) // 3))
    return figure


_DASHES = ("solid", "dash", "dot")
