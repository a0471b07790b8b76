"""How figures went over the epochs, as charts: one run while it learns, several beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from cnnviz.figures.style import escape_text, laid_out

__all__ = [
    "COLOURS",
    "learning",
    "live_points",
    "overlay_runs",
    "smoothed",
]

# Middle tones, told apart on white and on black; the first is the app's own.
COLOURS = (
    *("#14998c", "#d9772b", "#7c74e8", "#d6488b", "#7d9b1f", "#2f8fd0", "#b0803a", "#a45fd0", "#dd5555", "#80908d"),
    *("#4a9a4f", "#8a6d62"),
)
_SHADE = "rgba(217, 119, 43, 0.13)"
_GUIDE = "rgba(128, 144, 141, 0.75)"
METRICS = ("loss", "accuracy")
SMALL = {"learning_rate": "Learning rate", "images_per_second": "Images a second", "memory_mb": "Memory, MB"}
"""What an epoch's record tells of the work beside its metrics, and its title."""
_LARGE_PIXELS, _SMALL_PIXELS = 150, 46
_TITLE_PIXELS, _TICKS_PIXELS, _LEGEND_PIXELS = 22, 26, 26
_STEPS = (1, 1.5, 2, 3, 4, 6, 8, 10)
_FLOORS = (0.98, 0.95, 0.9, 0.8, 0.5, 0.0)
_ENDLESS = 1e300  # figures beyond it, which JSON may hold, are no figures

Records = Sequence[Mapping[str, Any]]


def _number(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    return float(value) if isinstance(value, (int, float)) and abs(value) < _ENDLESS else None


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


def smoothed(values: Sequence[float | None], weight: float) -> list[float | None]:
    """Returns a curve's running mean, each value counting `weight` times as much as the one after it.

    It is corrected for its beginning at 0, so that it starts at the first value: what TensorBoard's slider does
    (the correction of Kingma & Ba 2015, Adam). Values that are missing stay so.

    Args:
        values: one for each epoch.
        weight: 0 (nothing is smoothed) to less than 1.

    Example:
        >>> smoothed([1.0, None, 2.0], 0.5)
        [1.0, None, 1.6666666666666667]
    """
    mean, count, found = 0.0, 0, list[float | None]()
    for value in values:
        if value is None:
            found.append(None)
            continue
        mean, count = weight * mean + (1 - weight) * value, count + 1
        found.append(mean / (1 - weight**count))
    return found


def learning(
    history: Records,
    *,
    epochs: Records,
    total: int,
    heads: Sequence[str] = (),
    best: int | None = None,
    turned: int | None = None,
    live: bool = False,
    smoothing: float = 0.0,
    log: bool = False,
    first_rate: float | None = None,
) -> go.Figure:
    """Returns how a run learned over its epochs: loss and accuracy, one above the other, over one axis.

    Training is thin, validation thick; a colour per head. Below them stand, small and where they were recorded, the
    learning rate (where it changes), images a second and memory. What is pointed at is told of all of them at once.

    Args:
        history: all records; those of batches carry the curve of the epoch that is under way.
        epochs: the epochs' records.
        total: how many epochs the recipe wants.
        heads: the heads' names where there are several.
        best: the epoch that is kept; it is marked.
        turned: from where on the chart is shaded, see `cnnviz.runs.overfitting`.
        live: whether the run goes on, so that the axis leaves room for what is to come.
        smoothing: see `smoothed`; the figures as they are stay behind the smooth curve, pale.
        log: whether the loss is drawn over its logarithm; what isn't above 0 is left out then.
        first_rate: the learning rate before the first batch, where each batch changes it a little.
    """
    figure, panels = go.Figure(), []
    for metric in METRICS:
        keys = {head: f"{head}_{metric}" for head in heads} if len(heads) > 1 else {"": metric}
        if not any(key in record for record in (*epochs[-1:], *history[-1:]) for key in keys.values()):
            keys = {"": metric}  # heads whose own losses were not recorded
        reach: list[float] = []
        for number, (head, key) in enumerate(keys.items()):
            colour = COLOURS[number % len(COLOURS)]
            shown = _Curve(figure, colour, escape_text(head, 24), metric, smoothing)
            reach += shown.draw(epochs, key, thick=False)
            if live:
                reach += shown.under_way(history, epochs, key)
            reach += shown.draw(epochs, f"val_{key}", thick=True)
            shown.mark(epochs, f"val_{key}", best, turned)
        panels.append(_panel(metric, reach, log))
    for key, title in SMALL.items():
        if _small(figure, epochs, key, title, f"y{len(panels) + 1}", first_rate):
            panels.append(_Panel(title, _SMALL_PIXELS, {"rangemode": "tozero", "nticks": 3, "exponentformat": "SI"}))
    done = max([record["epoch"] for record in epochs], default=0)
    _stack(figure, panels, _last_epoch(done, total) if live else max(done, 2))
    if turned is not None and done > turned:
        figure.add_shape(
            type="rect", x0=turned, x1=done, yref="paper", y0=0, y1=1, fillcolor=_SHADE, line_width=0, layer="below"
        )
    if best is not None and epochs:
        guide = {"color": _GUIDE, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=best, x1=best, yref="paper", y0=0, y1=1, line=guide, layer="below")
        figure.add_annotation(
            x=best,
            y=1,
            yref="paper",
            text=f"best {best}",
            showarrow=False,
            xanchor="right",
            yanchor="top",
            xshift=-3,
            font={"size": 11, "color": "#80908d"},
        )
    return figure


class _Curve:
    """The lines of one head in one colour."""

    def __init__(self, figure: go.Figure, colour: str, head: str, metric: str, smoothing: float):
        self._figure, self._colour, self._head, self._metric = figure, colour, head, metric
        self._smoothing, self._axis = smoothing, _AXES[metric]

    def draw(self, epochs: Records, key: str, *, thick: bool) -> list[float]:
        values = [_number(record, key) for record in epochs]
        name = f"{'Validation' if thick else 'Training'}{' ' + self._head if self._head else ''}"
        xs = [record["epoch"] for record in epochs]
        if self._smoothing:
            _behind(self._figure, xs, values, self._colour, self._axis, name)
        self._figure.add_scatter(
            x=xs,
            y=smoothed(values, self._smoothing),
            yaxis=self._axis,
            name=name,
            legendgroup=name,
            showlegend=self._metric == METRICS[0],
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
            yaxis=self._axis,
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
            yaxis=self._axis,
            mode="markers",
            name=name,
            showlegend=False,
            marker={"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2, "color": "#ffffff"}},
            hovertemplate=f"{name}<extra></extra>",
        )


_AXES = {"loss": "y", "accuracy": "y2"}


def _behind(figure: go.Figure, xs: list, values: list, colour: str, axis: str, group: str) -> None:
    """The figures as they are, pale, behind a curve that is smoothed."""
    figure.add_scatter(
        x=xs,
        y=values,
        yaxis=axis,
        mode="lines",
        line={"color": colour, "width": 1},
        opacity=0.35,
        legendgroup=group,
        showlegend=False,
        hoverinfo="skip",
    )


def _small(figure: go.Figure, epochs: Records, key: str, title: str, axis: str, first_rate: float | None) -> bool:
    """A small curve of what was recorded beside the metrics; returns whether there is something to show."""
    points = [(record["epoch"], value) for record in epochs if (value := _number(record, key)) is not None]
    rate = key == "learning_rate"
    if rate and points and first_rate is not None:
        points.insert(0, (0, first_rate))
    if len(points) < 2 or (rate and len({value for _, value in points}) < 2):
        return False
    xs, ys = zip(*points, strict=True)
    figure.add_scatter(
        x=xs,
        y=ys,
        yaxis=axis,
        name=title,
        mode="lines",
        line={"color": COLOURS[9], "width": 1.5, "shape": "hv" if rate and first_rate is None else "linear"},
        showlegend=False,
        hovertemplate="%{y:.3g}" if rate else "%{y:,.0f}",
    )
    return True


def _value(metric: str) -> str:
    return f"{metric} %{{y:.2%}}" if metric == "accuracy" else f"{metric} %{{y:.4f}}"


@dataclass(frozen=True)
class _Panel:
    """One of the parts of a figure that stand on each other: its title, its height in pixels and its axis."""

    title: str
    pixels: int
    axis: dict[str, Any]


def _stack(figure: go.Figure, panels: Sequence[_Panel], last: float) -> None:
    """Lays panels out from the top, over one axis of epochs whose ticks stand below the metrics."""
    tops, bottom = [], 0
    for number, panel in enumerate(panels):
        tops.append(bottom + (_TITLE_PIXELS if number else 0) + (_TICKS_PIXELS if number == len(METRICS) else 0))
        bottom = tops[-1] + panel.pixels
    laid_out(figure, height=bottom + _LEGEND_PIXELS + _TITLE_PIXELS + _TICKS_PIXELS)
    figure.update_layout(
        hovermode="x unified",
        hoversubplots="axis",
        hoverlabel={"namelength": -1},
        dragmode="zoom",
        margin={"t": _LEGEND_PIXELS + _TITLE_PIXELS, "b": _TICKS_PIXELS, "r": 10},
    )
    figure.update_layout(legend={"y": 1 + _TITLE_PIXELS / bottom})
    for number, (panel, top) in enumerate(zip(panels, tops, strict=True)):
        domain = [max(0.0, 1 - (top + panel.pixels) / bottom), 1 - top / bottom]
        figure.layout[f"yaxis{number + 1 if number else ''}"] = {"zeroline": False, **panel.axis, "domain": domain}
        figure.add_annotation(
            text=panel.title,
            x=0,
            xref="paper",
            xanchor="left",
            y=domain[1],
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font={"size": 13, "weight": 600} if number < len(METRICS) else {"size": 11},
        )
    figure.update_xaxes(
        anchor="y2",
        range=[0, last * 1.02],
        tickformat=".4~g",
        nticks=8,
        showgrid=True,
        zeroline=False,
        hoverformat=".4~g",
        unifiedhovertitle={"text": "Epoch %{x:.4~g}"},
        showspikes=True,
        spikemode="across",
        spikesnap="hovered data",
        spikethickness=1,
        spikedash="dot",
        spikecolor=_GUIDE,
    )


def _panel(metric: str, values: Sequence[float], log: bool) -> _Panel:
    """A metric's panel, whose range stays put while the curve grows."""
    title = metric.capitalize()
    if log and metric == "loss" and (positive := [value for value in values if value > 0]):
        low, high = math.log10(min(positive)), math.log10(max(positive))
        room = max(0.05 * (high - low), 0.05)
        span, ticks = [low - room, high + room], _log_ticks(low, high)
        return _Panel(title, _LARGE_PIXELS, {"type": "log", "range": span, "tickvals": ticks})
    span = _span(metric, values)
    form = {} if metric != "accuracy" else {"tickformat": ".0%" if span[0] < 0.95 else ".1%"}
    return _Panel(title, _LARGE_PIXELS, {"range": span, "nticks": 6, **form})


def _span(metric: str, values: Sequence[float]) -> list[float]:
    """A range that changes in steps only: shares from a round floor up to 1, losses from 0 to a round number."""
    if metric == "accuracy":
        low = min(values, default=0.0)
        floor = next((floor for floor in _FLOORS if low >= floor + 0.1 * (1 - floor)), 0.0)
        return [floor, 1 + 0.02 * (1 - floor)]
    high = max(values, default=1.0)
    if high <= 0:
        return [0, 1]
    power = 10.0 ** math.floor(math.log10(high))
    return [0, next(power * step for step in (*_STEPS, 20) if high * 1.04 <= power * step)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two powers of 10: 1, 2, 5, 10 … where they have room, else powers alone."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    inside = [tick for tick in ticks if low - 0.1 <= math.log10(tick) <= high + 0.1]
    return inside if len(inside) <= 6 else [10.0**power for power in powers]


def _last_epoch(done: int, total: int) -> int:
    """Where the axis ends while a run goes on: its end if that is near, else the next round number."""
    if total <= 30:
        return max(1, total)
    rounds = (n * 10**power for power in range(1, 6) for n in (1, 2, 3, 5))
    return min(total, next((end for end in rounds if end > done * 1.05 + 1), total))


Edges = list[list[tuple[float, float, float]]]
"""For each stretch of a band its epochs, and what it reaches down and up to there."""


def _edges(
    xs: Sequence[float], line: Sequence[float | None], around: Sequence[float | None], *, log: bool = False
) -> Edges:
    """Returns the stretches where there is a deviation `around` a line; on a logarithm, which has no 0, none reaches
    below a tenth of the line."""
    found: Edges = [[]]
    for at, mean, deviation in zip(xs, line, around, strict=True):
        if mean is not None and deviation is not None:
            low = max(mean - deviation, mean / 10) if log else mean - deviation
            found[-1].append((at, low, mean + deviation))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _band(figure: go.Figure, edges: Edges, shade: str, axis: str, group: str) -> None:
    x, y = list[float | None](), list[float | None]()
    for stretch in edges:
        x += [*(at for at, _, _ in stretch), *(at for at, _, _ in stretch[::-1]), None]
        y += [*(low for _, low, _ in stretch), *(high for _, _, high in stretch[::-1]), None]
    figure.add_scatter(
        x=x,
        y=y,
        yaxis=axis,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=shade,
        legendgroup=group,
        showlegend=False,
        hoverinfo="skip",
    )


def _shade(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def _around(metric: str, record: Mapping[str, Any], key: str) -> str:
    """ " ± 0.12 % (5 runs)" of a mean; "" of a single run."""
    if "deviation" not in record:
        return ""
    runs = f" ({record['runs']} run{'s' * (record['runs'] != 1)})"
    deviation = _number(record["deviation"], key)
    if deviation is None:
        return runs
    return f" ± {f'{deviation:.2%}' if metric == 'accuracy' else f'{deviation:.4f}'}{runs}"


_BAND = 0.24
"""How opaque the band of a validation curve is; of training half as much."""


def overlay_runs(
    runs: Mapping[str, Records], head: str = "", *, smoothing: float = 0.0, log: bool = False
) -> go.Figure:
    """Returns loss and accuracy of several runs over their epochs, a colour per run: training dashed and pale,
    validation solid. A run's name in the legend hides and shows all of its lines. Means of several runs have a band of
    one standard deviation up and down.

    Args:
        runs: for each run's label the epochs' records; of several runs as `cnnviz.runs.groups.mean_epochs` has them.
        head: the one whose metrics are drawn; "" for those of all heads together.
        smoothing: see `smoothed`.
        log: whether the loss is drawn over its logarithm.
    """
    figure, panels, last = go.Figure(), [], 2
    for metric in METRICS:
        key, reach = f"{head}_{metric}" if head else metric, list[float]()
        for number, (label, epochs) in enumerate(runs.items()):
            colour, name, xs = COLOURS[number % len(COLOURS)], escape_text(label, 90), [one["epoch"] for one in epochs]
            for validation in (False, True):
                wanted = f"val_{key}" if validation else key
                values = [_number(record, wanted) for record in epochs]
                line = smoothed(values, smoothing)
                around = [_number(record.get("deviation", {}), wanted) for record in epochs]
                if any(one is not None for one in around):
                    shade = _shade(colour, _BAND if validation else _BAND / 2)
                    edges = _edges(xs, line, smoothed(around, smoothing), log=log and metric == "loss")
                    _band(figure, edges, shade, _AXES[metric], str(number))
                    reach += [edge for stretch in edges for _, *both in stretch for edge in both]
                figure.add_scatter(
                    x=xs,
                    y=line,
                    yaxis=_AXES[metric],
                    name=name,
                    legendgroup=str(number),
                    showlegend=validation and metric == METRICS[0],
                    mode="lines+markers" if len(epochs) < 2 else "lines",
                    line={"color": colour, "width": 2.4, "dash": "solid"}
                    if validation
                    else {"color": colour, "width": 1.3, "dash": "dash"},
                    opacity=1 if validation else 0.6,
                    customdata=[_around(metric, record, wanted) for record in epochs],
                    hovertemplate=f"{_value(metric)}%{{customdata}}" if validation else None,
                    hoverinfo=None if validation else "skip",
                )
                reach += [value for value in values if value is not None]
            last = max([last, *xs])
        panels.append(_panel(metric, reach, log))
    _stack(figure, panels, last)
    if last <= 8:
        figure.update_xaxes(dtick=1)  # there is nothing between epochs
    rows = 1 + sum(len(label) for label in runs) // 110  # of the legend, of which a name may fill one
    figure.update_layout(height=figure.layout.height + 20 * rows)
    return figure
