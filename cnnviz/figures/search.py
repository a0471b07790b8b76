"""A search as charts: the best so far, trials as lines over all settings, how much each matters, when each was made."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.figures.style import ACCENT, escape_text, laid_out

if TYPE_CHECKING:
    from cnnviz.search.study import Trial

__all__ = ["Scales", "best_so_far", "importance_bars", "parallel_lines", "slices", "timeline"]

STATES = {
    "complete": (ACCENT, "circle"),
    "pruned": ("#d9772b", "x"),
    "failed": ("#dd5555", "triangle-down"),
    "running": ("#2f8fd0", "circle-open"),
}
"""Each state's colour, and a sign that is told from the others without it."""
_GREY = "#80908d"
_SCALE = ((0.0, (185, 160, 106)), (0.5, (95, 165, 143)), (1.0, (11, 127, 116)))
"""From the worst to the best trial; told from both grounds."""
_MOST_LINES = 200
_MOST_SLICES = 12
_MOST_TICKS = 12

Scales = Mapping[str, Literal["linear", "log", "category"]]
"""How the settings' axes are, by key."""


def best_so_far(trials: Sequence[Trial], metric: str, *, largest: bool, names: Mapping[str, str]) -> go.Figure:
    """Returns each trial's value over its number, and the best of those that are complete as a line of steps.

    Args:
        trials: in their order.
        metric: what the values are.
        largest: whether a larger value is better.
        names: what the settings are called, by key; those without stand by their key.
    """
    figure = go.Figure()
    xs, ys, best = [], [], None
    for trial in trials:
        if trial.state == "complete" and trial.value is not None:
            better = best is None or (trial.value > best if largest else trial.value < best)
            best = trial.value if better else best
        if best is not None:
            xs.append(trial.number)
            ys.append(best)
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="lines",
        name="best so far",
        line={"color": ACCENT, "width": 2.4, "shape": "hv"},
        hoverinfo="skip",
    )
    for state, (colour, symbol) in STATES.items():
        of_state = [one for one in trials if one.state == state and one.value is not None]
        if not of_state:
            continue
        figure.add_scatter(
            x=[one.number for one in of_state],
            y=[one.value for one in of_state],
            mode="markers",
            name=state,
            marker={"color": colour, "symbol": symbol, "size": 10, "opacity": 1},
            customdata=[[one.run, _told(one, names)] for one in of_state],
            hovertemplate=f"trial %{{x}} ({state}): {_value(metric, 'y')}<br>%{{customdata[1]}}<extra></extra>",
        )
    laid_out(figure, height=340)
    figure.update_layout(margin={"t": 34, "l": 8, "r": 8, "b": 8}, showlegend=True, clickmode="event+select")
    figure.update_xaxes(title="Trial", fixedrange=True, zeroline=False, dtick=_tick(len(trials)))
    figure.update_yaxes(title=_title(metric), fixedrange=True, zeroline=False, tickformat=_format(metric))
    return figure


def parallel_lines(
    trials: Sequence[Trial], metric: str, *, largest: bool, scales: Scales, names: Mapping[str, str]
) -> go.Figure:
    """Returns an axis for each setting, and the metric's at the right, with a line for each trial over all of them.

    The better a trial, the thicker and greener its line, and the later it is drawn; pruned trials are dotted.
    Parallel coordinates: Inselberg 1985.

    Args:
        trials: at most the last 200 are drawn.
        metric, largest, names: see `best_so_far`.
        scales: of the settings' axes.
    """
    drawn = [one for one in trials if one.value is not None and one.state != "failed"][-_MOST_LINES:]
    keys = [key for key in _keys(trials) if any(key in one.parameters for one in drawn)]
    axes = [_Axis(key, [one.parameters.get(key) for one in drawn], scales.get(key, "category")) for key in keys]
    axes.append(_Axis(metric, [one.value for one in drawn], "linear"))
    lines = []
    goodness = axes[-1].places if largest else [None if one is None else 1 - one for one in axes[-1].places]
    for at in sorted(range(len(drawn)), key=lambda at: goodness[at] or 0):
        trial, good = drawn[at], goodness[at] or 0.0
        lines.append(
            go.Scatter(
                x=list(range(len(axes))),
                y=[axis.places[at] for axis in axes],
                mode="lines+markers",
                name=f"trial {trial.number}",
                line={
                    "color": _colour(good),
                    "width": 1.2 + 1.6 * good,
                    "dash": "dot" if trial.state == "pruned" else "solid",
                },
                marker={"size": 5},
                customdata=[[trial.run, _told(trial, names)]] * len(axes),
                hovertemplate=f"trial {trial.number} ({trial.state}): {_shown(metric, trial.value)}"
                "<br>%{customdata[1]}<extra></extra>",
                showlegend=False,
            )
        )
    figure = go.Figure(lines)
    laid_out(figure, height=380)
    figure.update_layout(
        margin={"t": 64, "l": 24, "r": 36, "b": 12},
        clickmode="event+select",
        hovermode="closest",
        shapes=[
            {
                "type": "line",
                "x0": at,
                "x1": at,
                "y0": 0,
                "y1": 1,
                "line": {"color": _GREY, "width": 1},
                "layer": "below",
            }
            for at in range(len(axes))
        ],
        annotations=[note for at, axis in enumerate(axes) for note in _notes(at, axis, at == len(axes) - 1, names)],
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[-0.15, len(axes) - 0.75])
    figure.update_yaxes(visible=False, fixedrange=True, range=[-0.06, 1.06])
    return figure


def _notes(at: int, axis: _Axis, last: bool, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """An axis's title and what is written beside it."""
    title = _title(axis.key) if last else names.get(axis.key, axis.key)
    head = {"x": at, "y": 1.05, "text": _broken(title), "yanchor": "bottom", "font": {"size": 12}, "showarrow": False}
    ticks = [
        {
            "x": at,
            "y": place,
            "text": escape_text(text, 14),
            "showarrow": False,
            "xanchor": "right" if last else "left",
            "xshift": -6 if last else 6,
            "font": {"size": 11, "color": "#ffffff"},
            "bgcolor": "#4c5a57",  # opaque, as lines pass behind it, and read on light and dark alike
        }
        for place, text in axis.ticks(axis.key if last else "")
    ]
    return [head, *ticks]


class _Axis:
    """Where the values of one setting stand, from 0 to 1."""

    def __init__(self, key: str, values: Sequence[Any], scale: str):
        self.key, self._log, self._numbers = key, scale == "log", scale != "category"
        if self._numbers:
            scaled = [None if one is None else math.log10(one) if self._log else float(one) for one in values]
            known = [one for one in scaled if one is not None]
            self._low, self._high = min(known), max(known)
            width = self._high - self._low
            self.places = [None if one is None else (one - self._low) / width if width else 0.5 for one in scaled]
        else:
            self._choices = _choices(values)
            steps = max(1, len(self._choices) - 1)
            alone = len(self._choices) == 1
            self.places = [0.5 if alone else self._choices.index(_text(one)) / steps for one in values]

    def ticks(self, metric: str) -> list[tuple[float, str]]:
        """What is written beside the axis: its ends, or all choices."""
        if not self._numbers:
            steps = max(1, len(self._choices) - 1)
            if len(self._choices) == 1:
                return [(0.5, self._choices[0])]
            every = 1 + len(self._choices) // _MOST_TICKS
            return [(at / steps, choice) for at, choice in enumerate(self._choices) if at % every == 0]
        ends = [10**end if self._log else end for end in (self._low, self._high)]
        if ends[0] == ends[1]:
            return [(0.5, _shown(metric, ends[0]))]
        return [(0.0, _shown(metric, ends[0])), (1.0, _shown(metric, ends[1]))]


def importance_bars(found: Mapping[str, float], names: Mapping[str, str]) -> go.Figure:
    """Returns how much each setting decides the metric, the most important at the top.

    Args:
        found: in shares of 1, by key.
        names: what the settings are called, by key.
    """
    keys = list(found)[::-1]
    figure = go.Figure(
        go.Bar(
            x=[found[key] for key in keys],
            y=[_broken(names.get(key, key)) for key in keys],
            orientation="h",
            marker={"color": ACCENT},
            text=[f"{found[key]:.0%}" for key in keys],
            textposition="auto",
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    laid_out(figure, height=70 + 34 * max(2, len(keys)))
    figure.update_layout(margin={"t": 12, "l": 8, "r": 16, "b": 8}, showlegend=False)
    figure.update_xaxes(title="Share of what decides the metric", tickformat=".0%", fixedrange=True, rangemode="tozero")
    figure.update_yaxes(fixedrange=True, automargin=True)
    return figure


def slices(
    trials: Sequence[Trial],
    metric: str,
    *,
    scales: Scales,
    names: Mapping[str, str],
    columns: int = 3,
) -> go.Figure:
    """Returns the metric over each setting alone, a small chart each; the colour is the trial's number.

    Args:
        trials: of which those with a value that have not failed are drawn.
        metric, names: see `best_so_far`.
        scales: of the settings' axes.
        columns: how many charts stand beside each other.
    """
    drawn = [one for one in trials if one.value is not None and one.state != "failed"]
    keys = [key for key in _keys(trials) if any(key in one.parameters for one in drawn)][:_MOST_SLICES]
    columns = min(columns, max(1, len(keys)))
    rows = max(1, math.ceil(len(keys) / columns))
    figure = make_subplots(rows, columns, shared_yaxes="all", vertical_spacing=0.34 / rows, horizontal_spacing=0.04)
    for at, key in enumerate(keys):
        row, column = at // columns + 1, at % columns + 1
        having = [one for one in drawn if key in one.parameters]
        scale = scales.get(key, "category")
        numbers = scale != "category"
        figure.add_scatter(
            x=[one.parameters[key] if numbers else _text(one.parameters[key])[:20] for one in having],
            y=[one.value for one in having],
            mode="markers",
            marker={
                "size": 9,
                "color": [_colour(one.number / max(1, len(trials) - 1)) for one in having],
                "symbol": [STATES[one.state][1] for one in having],
                "opacity": 1,
            },
            customdata=[[one.run, one.number] for one in having],
            hovertemplate=f"trial %{{customdata[1]}}: %{{x}}<br>{_value(metric, 'y')}<extra></extra>",
            showlegend=False,
            row=row,
            col=column,
        )
        figure.update_xaxes(
            title={"text": _broken(names.get(key, key)), "standoff": 4},
            type=scale,
            categoryorder="array",
            categoryarray=None if numbers else [one[:20] for one in _choices([one.parameters[key] for one in having])],
            fixedrange=True,
            zeroline=False,
            nticks=5,
            dtick=1 if scale == "log" and _decades([one.parameters[key] for one in having]) else None,
            row=row,
            col=column,
        )
    laid_out(figure, height=60 + 220 * rows)
    figure.update_layout(margin={"t": 12, "l": 8, "r": 8, "b": 8}, clickmode="event+select")
    figure.update_yaxes(fixedrange=True, zeroline=False, tickformat=_format(metric))
    figure.update_yaxes(title=_title(metric), col=1)
    return figure


def timeline(trials: Sequence[Trial], now: float) -> go.Figure:
    """Returns when each trial learned, as a bar from its beginning to its end.

    Args:
        trials: in their order.
        now: seconds since 1970, where those end that go on.
    """
    figure = go.Figure()
    for state, (colour, _) in STATES.items():
        of_state = [one for one in trials if one.state == state and one.began is not None]
        if not of_state:
            continue
        begins = [one.began or 0.0 for one in of_state]
        lengths = [max(0.0, (one.ended or now) - began) for one, began in zip(of_state, begins, strict=True)]
        figure.add_bar(
            base=[dt.datetime.fromtimestamp(began) for began in begins],
            x=[1000 * length for length in lengths],
            y=[one.number for one in of_state],
            orientation="h",
            name=state,
            marker={"color": colour, "pattern": {"shape": "/" if state == "pruned" else "", "fillmode": "overlay"}},
            customdata=[[one.run, f"{length:,.0f} s"] for one, length in zip(of_state, lengths, strict=True)],
            hovertemplate=f"trial %{{y}} ({state}): %{{customdata[1]}}<extra></extra>",
        )
    laid_out(figure, height=110 + min(500, 16 * max(6, len(trials))))
    figure.update_layout(
        margin={"t": 34, "l": 8, "r": 16, "b": 8},
        barmode="overlay",
        bargap=0.25,
        showlegend=True,
        clickmode="event+select",
    )
    figure.update_xaxes(type="date", fixedrange=True)
    figure.update_yaxes(title="Trial", autorange="reversed", fixedrange=True, zeroline=False, dtick=_tick(len(trials)))
    return figure


def _keys(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(key for trial in trials for key in trial.parameters))


def _tick(count: int) -> int:
    return max(1, round(count / 12))


def _colour(share: float) -> str:
    """A colour of the scale, from 0 to 1."""
    places = [place for place, _ in _SCALE]
    parts = [round(float(np.interp(share, places, [colour[part] for _, colour in _SCALE]))) for part in range(3)]
    return f"rgb({', '.join(map(str, parts))})"


def _title(metric: str) -> str:
    return escape_text(metric.replace("val_", "validation ").replace("_", " "), 40)


def _format(metric: str) -> str:
    return ".1%" if metric.endswith("accuracy") else ".3g"


def _value(metric: str, axis: str) -> str:
    return f"{_title(metric)} %{{{axis}:.2%}}" if metric.endswith("accuracy") else f"{_title(metric)} %{{{axis}:.4f}}"


def _shown(metric: str, value: Any) -> str:
    if metric.endswith("accuracy"):
        return f"{value:.2%}"
    return f"{value:.3g}"


def _text(value: Any) -> str:
    return "none" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _decades(values: Sequence[float]) -> bool:
    """Whether two powers of ten lie among values, so that these are ticks enough."""
    return bool(values) and math.floor(math.log10(max(values))) > math.ceil(math.log10(min(values)))


def _choices(values: Sequence[Any]) -> list[str]:
    """What stands on an axis of choices: numbers by size, all else by the alphabet."""
    known = {_text(one): one for one in values}
    numbers = all(isinstance(one, (int, float)) for one in known.values())
    return sorted(known, key=(lambda text: known[text]) if numbers else None)


def _told(trial: Trial, names: Mapping[str, str]) -> str:
    """A trial's settings, a line each."""
    lines = [
        f"{escape_text(names.get(key, key), 40)}: {escape_text(_text(value), 30)}"
        for key, value in trial.parameters.items()
    ]
    return "<br>".join(lines[:14])


def _broken(name: str) -> str:
    """A name in at most two lines, so that names beside each other don't meet."""
    words, lines = escape_text(name, 44).split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 14 and lines[-1] and len(lines) < 3:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
