"""A search while it goes on and afterwards: charts of its trials, a table, and a way from each trial to its run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cnnviz import search as searches
from cnnviz.errors import RunError
from cnnviz.figures import search as figures
from cnnviz.figures.style import CONFIG
from cnnviz.runs.metrics import to_csv
from cnnviz.search.space import Range, settings_of
from cnnviz.search.store import Search
from cnnviz.search.study import FEWEST, Trial, importances, read_study, trials_in
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.runs.actions import badge
from cnnviz.ui.runs.learning_curves import STEADY
from cnnviz.ui.runs.search_actions import delete_search_popover, open_trial, search_buttons, search_name, shown_value
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first
from cnnviz.ui.train.recipe_errors import field_names

__all__ = ["search_view"]

SECONDS = 1.0
"""How often it is drawn anew while the search goes on; a chart only where a trial has news."""
_ROWS = 8
_CHARTS = {
    "": "Best so far",
    "parallel": "Parallel coordinates",
    "importance": "Importance",
    "slices": "Slices",
    "timeline": "Timeline",
}
"""By their names in the address, where the first needs none."""
_LEAST = {"parallel": (110, 100), "slices": (210, 3)}
"""The least pixels of each of what stands side by side in a chart, and how many that are at most: where a phone has
less, it is scrolled."""
_WIDE = """
<style>
.st-key-runs_steady_search_CHART { overflow-x: auto; }
.st-key-runs_steady_search_CHART > * { min-width: WIDTHpx; }
</style>
"""
_SAID = {
    "": "Each trial's {metric} of the model that its run keeps. Click one to open its run.",
    "parallel": "A line per trial: the thicker, the better; dotted: pruned. Click one to open its run.",
    "importance": "How much each setting decides the {metric}: PED-ANOVA over the trials that are complete.",
    "slices": "Each setting alone, from early trials (sand) to late ones (green). Click one to open its run.",
    "timeline": "When each trial learned. Click one to open its run.",
}


def search_view(search: Search) -> None:
    """Draws one search.

    Args:
        search: which.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## Search · {plain(search_name(search))}", width="content", anchors=False)
        badge(search.run)
    st.caption(_facts(search))
    with st.container(horizontal=True):
        search_buttons(search)
        with st.popover("Download", icon=":material/download:", help="The trials as a table, and the space searched."):
            _downloads(search)
        delete_search_popover(search)
    chart = _choice()
    st.fragment(run_every=SECONDS if search.active else None)(_live)(search.id, search.state, chart)


def _facts(search: Search) -> str:
    spec = search.spec
    aim = f"{'largest' if spec.direction == 'maximize' else 'smallest'} {_metric(search)}"
    facts = [search.id, time.strftime("started %Y-%m-%d %H:%M", time.localtime(search.run.written.created)), aim]
    facts.append("no pruning" if spec.pruner == "none" else f"{spec.pruner} pruning")
    if spec.minutes:
        facts.append(f"at most {spec.minutes:g} minutes")
    return " · ".join(map(plain, facts))


def _metric(search: Search) -> str:
    return search.spec.metric.replace("val_", "validation ").replace("_", " ")


def _choice() -> str:
    """The chart that is shown, which stands in the address."""
    if (named := query_params.new_values("runs_chart", ("chart",))) and named["chart"] in _CHARTS:
        set_widget_value("runs_search_chart", _CHARTS[named["chart"]])
    else:
        set_widget_value_first("runs_search_chart", st.session_state.get("runs_search_chart_last", _CHARTS[""]))
    label = st.segmented_control(
        "Chart",
        list(_CHARTS.values()),
        key="runs_search_chart",
        required=True,
        label_visibility="collapsed",
        help="What is drawn of the trials.",
    )
    st.session_state["runs_search_chart_last"] = label
    name = next((name for name, one in _CHARTS.items() if one == label), "")
    query_params.write("runs_chart", {"chart": name})
    return name


def _live(search_id: str, state: str, chart: str) -> None:
    """What moves by itself; the whole page is drawn when the search ends or is asked to stop."""
    try:
        search = searches.open_search(search_id)
    except RunError:
        st.rerun(scope="app")  # it was deleted elsewhere, which the page says
    if search.state != state:
        st.rerun(scope="app")
    _progress(search)
    try:
        trials = _trials(search)
    except RunError:
        st.caption("The first trial is about to begin.")
        return
    names = field_names(search.spec.space, search.spec.recipe.model_dump(mode="json"))
    shown = _figure(search, trials, chart)
    st.html(STEADY)
    if chart in _LEAST:
        pixels, most = _LEAST[chart]
        st.html(_WIDE.replace("CHART", chart).replace("WIDTH", str(pixels * min(most, len(names) + 1))))
    if shown is None:
        st.info(_waits(trials, chart), icon=":material/hourglass_empty:")
    else:
        with st.container(key=f"runs_steady_search_{chart}"):
            drawn = st.plotly_chart(
                shown,
                key=f"runs_search_figure_{chart or 'best'}",
                config=CONFIG,
                on_select="rerun" if chart != "importance" else "ignore",
                selection_mode="points",
                alt=f"{_CHARTS[chart]} of {len(trials)} trials.",
            )
        st.caption(_SAID[chart].format(metric=_metric(search)))
        if chart != "importance":
            picked: Any = drawn
            _open([point.get("customdata") for point in picked["selection"]["points"]])
    _table(search, trials, names)


def _waits(trials: Sequence[Trial], chart: str) -> str:
    if chart == "importance":
        complete = sum(trial.state == "complete" for trial in trials)
        return f"Importances are told from {FEWEST} complete trials on; there are {complete}."
    return "No trial has completed an epoch yet."


def _open(customdata: Sequence[Any]) -> None:
    """Opens the run that a point in a chart stands for."""
    for data in customdata:
        if isinstance(data, (list, tuple)) and data and isinstance(data[0], str) and data[0]:
            open_trial(data[0])
            st.rerun(scope="app")


def _progress(search: Search) -> None:
    result, spec = search.result, search.spec
    parts = [f"**{result.trials} of {spec.trials} trials**"]
    if result.pruned:
        parts.append(f"{result.pruned} pruned")
    if result.failed:
        parts.append(f"{result.failed} failed")
    if result.best:
        parts.append(f"best {shown_value(spec.metric, result.best.value)}")
    seconds = search.run.seconds if search.active else result.seconds
    if seconds:
        parts.append(duration(seconds))
    text = " · ".join(parts)
    if search.active:
        st.progress(min(1.0, result.trials / spec.trials), text=text)
        if search.state == "stopping":
            st.caption("The trials that learn are paused at their next batch.")
    else:
        st.markdown(text)
    if search.state in ("failed", "crashed"):
        why = search.run.written.message or "Its process ended without a word; Continue loses no trial."
        st.error(plain(why), icon=":material/error:")


@st.cache_resource(show_spinner=False, max_entries=16)
def _study(journal: Path, created: float) -> Any:
    """A search's study, which reads only what was appended since the last look."""
    return read_study(searches.open_search(journal.parent.name, journal.parent.parent.parent))


@st.cache_resource(show_spinner=False, max_entries=16)
def _trials_as_of(journal: Path, created: float, mtime_ns: int, size: int) -> list[Trial]:
    return trials_in(_study(journal, created))


def _trials(search: Search) -> list[Trial]:
    """What the journal says by now.

    Raises:
        RunError: there is none yet, or it can't be read.
    """
    return _trials_as_of(search.journal, search.run.written.created, *_stamp(search))


def _stamp(search: Search) -> tuple[int, int]:
    """What changes with the journal."""
    try:
        status = search.journal.stat()
    except OSError:
        raise RunError(f"The search {search.id} has no trial yet.") from None
    return status.st_mtime_ns, status.st_size


def _figure(search: Search, trials: list[Trial], chart: str) -> go.Figure | None:
    """The chart, or `None` where there is nothing to draw yet."""
    if chart == "timeline":  # which moves also without news
        return figures.timeline(trials, time.time()) if trials else None
    return _figure_of(chart, trials, search, search.journal, search.run.written.created, *_stamp(search))


@st.cache_resource(show_spinner=False, max_entries=32)
def _figure_of(
    chart: str, _trials: list[Trial], _search: Search, journal: Path, created: float, mtime_ns: int, size: int
) -> go.Figure | None:
    spec, trials = _search.spec, _trials
    names = field_names(spec.space, spec.recipe.model_dump(mode="json"))
    scales: figures.Scales = {
        key: "category" if not isinstance(part, Range) else "log" if part.log else "linear"
        for key, part in spec.space.items()
    }
    largest = spec.direction == "maximize"
    if chart == "importance":
        found = importances(_study(journal, created))
        return figures.importance_bars(found, names) if found else None
    if not any(trial.value is not None for trial in trials):
        return None
    if chart == "parallel":
        return figures.parallel_lines(trials, spec.metric, largest=largest, scales=scales, names=names)
    if chart == "slices":
        return figures.slices(trials, spec.metric, scales=scales, names=names)
    return figures.best_so_far(trials, spec.metric, largest=largest, names=names)


def _table(search: Search, trials: Sequence[Trial], names: Mapping[str, str]) -> None:
    """The trials as a table, the best first; a row that is chosen opens its run."""
    largest, accuracy = search.spec.direction == "maximize", search.spec.metric.endswith("accuracy")
    order = {"complete": 0, "running": 1, "pruned": 2, "failed": 3}
    ranked = sorted(trials, key=lambda one: (order[one.state], (-1 if largest else 1) * (one.value or 0.0), one.number))
    rows = [
        {
            "Trial": one.number,
            "State": one.state,
            "Value": None if one.value is None else 100 * one.value if accuracy else one.value,
            "Epochs": max(one.epochs, default=0),
            **{name: _cell(one.parameters.get(key)) for key, name in names.items()},
            "Note": one.message or None,
        }
        for one in ranked
    ]
    table = pd.DataFrame(rows, columns=["Trial", "State", "Value", "Epochs", *names.values(), "Note"])
    if not any(one.message for one in trials):
        table = table.drop(columns="Note")
    columns: dict[str, Any] = {
        "Trial": st.column_config.NumberColumn(width="small", help="The trial's number, from 0."),
        "State": st.column_config.TextColumn(width="small", help="Pruned trials are paused: Continue goes on exactly."),
        "Value": st.column_config.NumberColumn(
            _metric(search).capitalize(),
            format="%.2f %%" if accuracy else "%.4f",
            help="Of the model that the run keeps; of a trial that is not complete, its last epoch's.",
        ),
        "Epochs": st.column_config.NumberColumn(width="small", help="How many epochs were completed."),
        "Note": st.column_config.TextColumn(help="Why it failed."),
    }
    event = st.dataframe(
        table,
        key="runs_search_table",
        hide_index=True,
        column_config={name: one for name, one in columns.items() if name in table.columns},
        height=35 * (min(len(rows), _ROWS) + 1) + 3,
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        alt="All trials with state, value and settings",
    )
    _open([[ranked[row].run] for row in event["selection"]["rows"] if row < len(ranked)])


def _cell(value: Any) -> Any:
    return value if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) else str(value)


def _downloads(search: Search) -> None:
    download_button(
        "Trials, CSV",
        lambda: _csv(search),
        file_name(search_name(search), "search", "trials", ending=".csv"),
        key="runs_search_csv",
        help="A line per trial: state, value, run, settings.",
    )
    download_button(
        "Search, JSON",
        lambda: search.spec.model_dump_json(indent=1),
        file_name(search_name(search), "search", ending=".json"),
        key="runs_search_json",
        help="Recipe, space, budget and seed.",
    )
    st.caption(f"Optuna's journal is `{plain(str(search.journal))}`: `optuna-dashboard` opens it.")


def _csv(search: Search) -> str:
    try:
        trials = _trials(search)
    except RunError:
        return ""
    return to_csv(
        [
            {"trial": one.number, "state": one.state, search.spec.metric: one.value, "run": one.run}
            | settings_of(one.parameters, search.spec.space)
            for one in trials
        ]
    )
