"""Charts of one run or of several; those of one are built once for all sessions, as building takes long."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.figures import curves
from cnnviz.figures.style import CONFIG
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import name_of
from cnnviz.runs.groups import mean_epochs
from cnnviz.runs.overfitting import overfitting_onset
from cnnviz.ui.components.chart_zoom import kept_zoom, zoomed

__all__ = ["STEADY", "chart_options", "charts", "overlaid"]

CHART_SECONDS = 3.0
"""How often the chart of a run that goes on is drawn anew: it takes a browser some tenths of a second."""
_MOST = 100
"""How many runs' charts are kept."""
# A chart and the one that takes its place stand on each other until the new one is drawn, so that nothing jumps.
STEADY = """
<style>
[class*="st-key-runs_steady_"] { display: grid; grid-template-columns: minmax(0, 1fr); }
[class*="st-key-runs_steady_"] > * { grid-area: 1 / 1; min-width: 0; }
</style>
"""
_ZOOM = {
    **CONFIG,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
    "doubleClick": "autosize",  # which says that nothing is zoomed any more
}


@dataclass(frozen=True, eq=False)
class _Built:
    """The figure of a run, which nobody changes, and what is said of it; `stamp` tells of what it was built, and
    `empty` whether that was nothing yet."""

    stamp: tuple
    built: float
    figure: go.Figure
    words: str
    count: int
    empty: bool


def chart_options() -> tuple[float, bool]:
    """Draws how curves are to be drawn; returns the smoothing and whether the loss is over its logarithm."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.95,
            step=0.05,
            key="runs_smoothing",
            persist_state="session",
            width=220,
            help="A running mean as TensorBoard's: how much each epoch counts against the next.",
        )
        log = st.toggle("Logarithmic loss", key="runs_log", persist_state="session", help="Shows small losses apart.")
    return smoothing, log


def charts(run: Run, *, place: str, live: bool, smoothing: float = 0.0, log: bool = False) -> None:
    """Draws loss and accuracy of a run, and what else was recorded of its epochs.

    Args:
        run: whose figures.
        place: where on the page, as a run may be drawn twice.
        live: whether the run goes on.
        smoothing: of the curves, see `curves.smoothed`.
        log: whether the loss is drawn over its logarithm.
    """
    drawn = _built(run, live, smoothing, log)
    described = f"Loss and accuracy of {name_of(run)} over {drawn.count} epochs, training and validation."
    _draw(drawn.figure, f"{place}_{run.id}", described)
    st.caption(drawn.words)


def overlaid(shown: Mapping[str, Sequence[Run]], head: str, *, smoothing: float, log: bool) -> None:
    """Draws several runs, and the means of several together, in one chart.

    Args:
        shown: the runs by what they are called; of more than one their mean is drawn, with its standard deviation.
        head: see `curves.overlay_runs`; as are the others.
        smoothing: of the curves.
        log: whether the loss is drawn over its logarithm.
    """
    each = {label: [metrics.epochs(run.metrics_path) for run in runs] for label, runs in shown.items()}
    epochs = {label: mean_epochs(found) if len(found) > 1 else found[0] for label, found in each.items()}
    figure = curves.overlay_runs(epochs, head, smoothing=smoothing, log=log)
    count = sum(map(len, each.values()))
    if count == len(each):
        _draw(figure, "overlaid", f"Loss and accuracy of {count} runs over their epochs, a colour per run.")
        return
    words = f"Loss and accuracy of {count} runs over their epochs, as mean and standard deviation of each group."
    _draw(figure, "overlaid", words)
    st.caption(f"Line: mean; band: ± one standard deviation; dashed: training.{_fewer(each)}")


def _fewer(each: Mapping[str, Sequence[Sequence[Mapping]]]) -> str:
    """From where on a mean is of fewer runs, as some have ended; of the first group with such an epoch."""
    for found in each.values():
        ends = [records[-1]["epoch"] for records in found if records]
        if len(found) > 1 and ends and (len(ends) < len(found) or min(ends) < max(ends)):
            if len(ends) < len(found):
                return f" Of {len(ends)} of {len(found)} runs so far."
            return f" After epoch {min(ends)} of {sum(end > min(ends) for end in ends)} of {len(ends)} runs at most."
    return ""


def _draw(figure: go.Figure, place: str, described: str) -> None:
    st.html(STEADY)
    with st.container(key=f"chart_zoom_{place}", gap=None):
        figure = zoomed(figure, kept_zoom(f"runs_zoom_{place}"))
        with st.container(key=f"runs_steady_{place}"):
            st.plotly_chart(figure, key=f"runs_chart_{place}", config=_ZOOM, alt=described)


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[_Built]:
    return BoundedCache(_MOST)


def _built(run: Run, live: bool, smoothing: float, log: bool) -> _Built:
    """The chart as it is by now, or was at most `CHART_SECONDS` ago where the run goes on."""
    kept, stamp = _cache(), _stamp(run.metrics_path, run.written.best_epoch)
    key = str(run.metrics_path), live, smoothing, log
    found = kept.get(key)
    fresh = found is not None and live and not found.empty and time.monotonic() - found.built < CHART_SECONDS
    if found is None or (found.stamp != stamp and not fresh):
        found = kept.put(key, _build(run, stamp, live, smoothing, log))
    return found


def _stamp(path: Path, best: int | None) -> tuple:
    try:
        status = path.stat()
    except OSError:
        return (best,)
    return best, status.st_mtime_ns, status.st_size


def _build(run: Run, stamp: tuple, live: bool, smoothing: float, log: bool) -> _Built:
    history, epochs, best = metrics.history(run.metrics_path), metrics.epochs(run.metrics_path), run.written.best_epoch
    turned = overfitting_onset(epochs)
    figure = curves.learning(
        history,
        epochs=epochs,
        total=run.recipe.fit.all_epochs if run.recipe else len(epochs),
        heads=[head.name for head in run.recipe.network.heads] if run.recipe else [],
        best=best,
        turned=turned,
        live=live,
        smoothing=smoothing,
        log=log,
        first_rate=_first_rate(run),
    )
    words = " ".join(filter(None, [_lesson(turned, best, len(epochs)), _rate_words(run, epochs, live)]))
    return _Built(stamp, time.monotonic(), figure, words, len(epochs), empty=not metrics.has_figures(run.metrics_path))


def _first_rate(run: Run) -> float | None:
    """The rate before the first epoch, where a schedule changes it; a branch's first epochs had its parent's."""
    falls = run.recipe is not None and run.recipe.fit.schedule == "cosine" and not run.written.parent
    return run.recipe.fit.learning_rate if run.recipe and falls else None


def _lesson(turned: int | None, best: int | None, count: int) -> str:
    lines = "Thin: training; thick: validation."
    if turned is not None:
        return f"{lines} Shaded from epoch {turned} (◆): the model begins to overfit. Epoch {best} is kept."
    if count == 0:
        return f"{lines} The dotted end is the epoch under way."
    return f"{lines} ●: the best epoch, which is kept." if best else lines


_FALLS = {"constant": "", "cosine": " along a cosine", "plateau": ", halved on every plateau"}


def _rate_words(run: Run, epochs: Sequence[Mapping], live: bool) -> str:
    """What the rate is or was: it is "now" only while there are epochs to come."""
    rates = [rate for one in epochs if isinstance(rate := one.get("learning_rate"), (int, float)) and isfinite(rate)]
    if not rates:
        return ""
    fit, last = run.recipe.fit if run.recipe else None, f"{rates[-1]:.2g}"
    live = live and fit is not None and len(epochs) < fit.all_epochs
    if len(set(rates)) < 2 and (fit is None or fit.schedule != "cosine"):
        steady = not live or fit is None or (fit.schedule == "constant" and fit.finetune is None)
        return f"Learning rate {rates[-1]:g} {'in every epoch' if steady else 'so far'}."
    if live or fit is None or run.written.parent:
        return f"Learning rate {last} {'now' if live else 'at the end'}."
    stage = " and in a second stage" if fit.finetune and len(epochs) > fit.epochs else ""
    return f"Learning rate from {fit.learning_rate:.2g} to {last}{_FALLS[fit.schedule]}{stage}."
