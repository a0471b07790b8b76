"""The charts of one run. They are built once for all sessions that look at it: building takes most of a live view."""

from __future__ import annotations

import time
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
from cnnviz.runs.overfitting import overfitting_onset

__all__ = ["charts"]

CHART_SECONDS = 3.0
"""How often the charts of a run that goes on are drawn anew: it takes a browser some tenths of a second."""
_MOST = 100
"""How many runs' charts are kept."""
# A chart and the one that takes its place stand on each other until the new one is drawn, so that nothing jumps.
_STEADY = """
<style>
[class*="st-key-runs_steady_"] { display: grid; grid-template-columns: minmax(0, 1fr); }
[class*="st-key-runs_steady_"] > * { grid-area: 1 / 1; min-width: 0; }
</style>
"""


@dataclass(frozen=True, eq=False)
class _Built:
    """The figures of a run, which nobody changes, and what is said of them; `stamp` tells of what they were built."""

    stamp: tuple
    built: float
    figures: dict[str, go.Figure]
    rate: go.Figure | None
    last_rate: float | None
    count: int
    lesson: str


def charts(run: Run, *, place: str, live: bool) -> None:
    """Draws loss and accuracy side by side, and the learning rate where it changes.

    Args:
        run: whose figures.
        place: part of the charts' keys, so that each keeps its identity.
        live: whether the run goes on.
    """
    drawn = _built(run, live)
    st.html(_STEADY)
    for column, (metric, figure) in zip(st.columns(2), drawn.figures.items(), strict=True):
        with column:
            st.markdown(f"**{metric.title()}**")
        with column, st.container(key=f"runs_steady_{place}_{metric}_{run.id}"):
            described = f"{metric.title()} of {name_of(run)} over {drawn.count} epochs, training and validation."
            st.plotly_chart(figure, key=f"runs_{place}_{metric}_{run.id}", config=CONFIG, alt=described)
    st.caption(drawn.lesson)
    _learning_rate(run, drawn, place, live)


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[_Built]:
    return BoundedCache(_MOST)


def _built(run: Run, live: bool) -> _Built:
    """The charts as they are by now, or were at most `CHART_SECONDS` ago where the run goes on."""
    kept, key, stamp = _cache(), (str(run.metrics_path), live), _stamp(run.metrics_path, run.written.best_epoch)
    found = kept.get(key)
    if found is None or (found.stamp != stamp and not (live and time.monotonic() - found.built < CHART_SECONDS)):
        found = kept.put(key, _build(run, stamp, live))
    return found


def _stamp(path: Path, best: int | None) -> tuple:
    try:
        status = path.stat()
    except OSError:
        return (best,)
    return best, status.st_mtime_ns, status.st_size


def _build(run: Run, stamp: tuple, live: bool) -> _Built:
    history, epochs, best = metrics.history(run.metrics_path), metrics.epochs(run.metrics_path), run.written.best_epoch
    heads = [head.name for head in run.recipe.network.heads] if run.recipe else []
    total = run.recipe.fit.all_epochs if run.recipe else len(epochs)
    turned = overfitting_onset(epochs)
    figures = {
        metric: curves.learning(
            history, metric, epochs=epochs, total=total, heads=heads, best=best, turned=turned, live=live
        )
        for metric in ("loss", "accuracy")
    }
    rate = epochs[-1].get("learning_rate") if epochs else None
    rate = rate if isinstance(rate, (int, float)) and isfinite(rate) else None
    start = run.recipe.fit.learning_rate if run.recipe and run.recipe.fit.schedule == "cosine" else None
    return _Built(
        stamp,
        time.monotonic(),
        figures,
        curves.learning_rate(epochs, total if live else len(epochs), start),
        rate,
        len(epochs),
        _lesson(turned, best, len(epochs)),
    )


def _lesson(turned: int | None, best: int | None, count: int) -> str:
    lines = "Thin: training, measured while it learns; thick: validation, images that it never learns from."
    if turned is not None:
        return (
            f"{lines} Shaded from epoch {turned} (◆): validation stops following training, "
            f"the model begins to overfit. Epoch {best} is kept."
        )
    if count == 0:
        return f"{lines} The dotted end is the epoch under way."
    kept = f" Dotted line and ●: epoch {best}, the best so far by what the recipe watches; it is kept." if best else ""
    return f"{lines}{kept} Where validation stops following training, overfitting begins."


def _learning_rate(run: Run, drawn: _Built, place: str, live: bool) -> None:
    if drawn.last_rate is None:
        return
    words = _rate_words(run, drawn, live)
    if drawn.rate is None:
        st.caption(words)
        return
    left, right = st.columns(2, vertical_alignment="center")
    described = f"Learning rate of {name_of(run)} over {drawn.count} epochs."
    with left, st.container(key=f"runs_steady_{place}_rate_{run.id}"):
        st.plotly_chart(drawn.rate, key=f"runs_{place}_rate_{run.id}", config=CONFIG, alt=described)
    right.caption(f"{words} How large a step each batch makes: large to get near, small to settle.")


_FALLS = {"constant": "", "cosine": " along a cosine", "plateau": ", halved on every plateau"}


def _rate_words(run: Run, drawn: _Built, live: bool) -> str:
    """What the rate is or was: it is "now" only while there are epochs to come."""
    fit, last = run.recipe.fit if run.recipe else None, f"{drawn.last_rate:.2g}"
    live = live and fit is not None and drawn.count < fit.all_epochs
    if drawn.rate is None:
        steady = not live or fit is None or (fit.schedule == "constant" and fit.finetune is None)
        return f"Learning rate {drawn.last_rate:g} {'in every epoch' if steady else 'so far'}."
    if live or fit is None:
        return f"**Learning rate**, {last} {'now' if live else 'at the end'}."
    stage = " and in a second stage" if fit.finetune and drawn.count > fit.epochs else ""
    return f"**Learning rate**, from {fit.learning_rate:.2g} to {last}{_FALLS[fit.schedule]}{stage}."
