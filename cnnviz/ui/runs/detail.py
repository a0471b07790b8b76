"""Everything about one run: curves, recipe, report, log, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from cnnviz import runs
from cnnviz import search as searches
from cnnviz.errors import RunError
from cnnviz.runs import Run, metrics, notes
from cnnviz.runs.compare import data_name, short_model
from cnnviz.runs.groups import kind
from cnnviz.runs.nodes import elsewhere
from cnnviz.runs.status import RESUMABLE
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.runs.actions import badge, continue_button, delete_button, ending, log, pause_button, stop_button
from cnnviz.ui.runs.branches_view import branch_popover, branches_part
from cnnviz.ui.runs.downloads import downloads
from cnnviz.ui.runs.evaluation import no_report, report_part
from cnnviz.ui.runs.learning_curves import chart_options, charts
from cnnviz.ui.runs.live_cards import going_on
from cnnviz.ui.runs.notes_popover import notes_popover
from cnnviz.ui.runs.recipe_tab import recipe_part
from cnnviz.ui.runs.robustness_view import robustness_part
from cnnviz.ui.runs.selection import choose, choose_search
from cnnviz.ui.runs.snapshot_player import epochs_part
from cnnviz.ui.runs.summary import summary_part
from cnnviz.ui.session import query_params
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first

__all__ = ["detail"]

SECONDS, GOING_SECONDS, FIRST_SECONDS = 2.0, 1.0, 0.5
"""How often what is said of a run that goes on is drawn anew, how far it is, and its curves while they are empty."""
_TABS = {
    "": "Curves",
    "recipe": "Recipe",
    "report": "Report",
    "log": "Log",
    "epochs": "Watch it learn",
    "robustness": "Robustness",
}
"""By their names in the address, where the first needs none."""


def detail(run: Run, name: str, before: Run | None = None, group: Sequence[Run] = ()) -> None:
    """Draws one run in full.

    Args:
        run: which.
        name: what it is called among the others.
        before: the run of the same recipe before images were left out, relabelled or moved, if there is one.
        group: all runs of its group, if it has one.
    """
    written = notes.read(run.folder)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {plain(name)}", width="content", anchors=False)
        badge(run)
        for tag in written.tags:
            st.badge(plain(tag), color="grey", icon=":material/sell:")
    _moving(_facts_part, run)
    if written.note:
        st.caption(plain(written.note))
    _actions(run, name, before, group)
    if run.active:
        _moving(going_on, run, GOING_SECONDS)
    *tabs, epochs, robustness = _tabs()
    for tab, draw in zip(tabs, (_curves, recipe_part, summary_part, _log), strict=True):
        with tab:
            if not tab.open:
                continue
            if draw is recipe_part:
                draw(run)
            elif draw is _curves and run.active and not metrics.has_figures(run.metrics_path):
                _moving(_first_curves, run, FIRST_SECONDS)
            else:
                _moving(draw, run)
    with tabs[2]:
        if tabs[2].open and not run.active:
            report_part(run)
        else:
            no_report()
    with epochs:
        if epochs.open:
            epochs_part(run, f"runs_epochs_{run.id}")
    with robustness:
        if robustness.open:
            robustness_part(run)


def _facts_part(run: Run) -> None:
    st.caption(_facts(run))


def _moving(draw: Callable[[Run], None], run: Run, seconds: float = SECONDS) -> None:
    """Draws a part of the run's page, again and again while it goes on; all of the page is drawn when it ends."""
    if run.active:
        st.fragment(run_every=seconds)(_opened)(draw, run.id)
    else:
        st.fragment(draw)(run)


def _opened(draw: Callable[[Run], None], run: str) -> None:
    with suppress(RunError):  # deleted elsewhere; the whole page says so
        draw(runs.open_run(run))


def _tabs() -> Sequence[Any]:
    """The tabs, of which the address names the open one; it stays open when another run or page is looked at."""
    if (named := query_params.new_values("runs_show", ("show",))) and named["show"] in _TABS:
        set_widget_value("runs_show", _TABS[named["show"]])
    else:
        set_widget_value_first("runs_show", st.session_state.get("runs_show_last", _TABS[""]))
    tabs = st.tabs(list(_TABS.values()), key="runs_show", on_change="rerun")
    name, label = next(one for one, tab in zip(_TABS.items(), tabs, strict=True) if tab.open)
    st.session_state["runs_show_last"] = label
    query_params.write("runs_show", {"show": name})
    return tabs


def _facts(run: Run) -> str:
    facts = [run.id, time.strftime("started %Y-%m-%d %H:%M", time.localtime(run.written.created))]
    if host := elsewhere(run):
        facts.append(f"on {host}")
    if run.seconds is not None:
        facts.append(f"took {duration(run.seconds)}" if not run.active else f"for {duration(run.seconds)} now")
    if run.recipe:
        facts += [data_name(run.recipe), short_model(run.recipe.network)]
    return " · ".join(map(plain, facts))


def _actions(run: Run, name: str, before: Run | None, group: Sequence[Run]) -> None:
    with st.container(horizontal=True):
        if group and st.button(
            f"All {len(group)} {kind(group)}",
            type="primary",
            icon=":material/stacked_line_chart:",
            key="runs_group",
            help="Mean and standard deviation over the runs that were started with this one.",
        ):
            choose([run.written.group])
            st.rerun()
        if run.written.search and any(one.id == run.written.search for one in searches.listing()):
            st.button(
                f"Trial {run.written.trial} of a search",
                type="primary",
                icon=":material/manage_search:",
                key="runs_of_search",
                on_click=choose_search,
                args=(run.written.search,),
                help="The search that made this run, with all its trials.",
            )
        if before is not None and st.button(
            "Before and after",
            type="primary",
            icon=":material/compare:",
            key="runs_before",
            help="Beside the run of this recipe before images were left out, relabelled or moved.",
        ):
            choose([before.id, run.id])
            st.rerun()
        if st.button(
            "Duplicate this run",
            icon=":material/replay:",
            key="runs_again",
            disabled=run.recipe is None,
            help="Opens the Train page with this recipe, to change something or to start it as it is.",
        ):
            st.session_state["train_recipe"] = run.recipe
            query_params.go("pages/train.py")
        branch_popover(run)
        if st.button(
            "Predict images",
            icon=":material/image_search:",
            key="runs_ask",
            disabled=run.recipe is None or run.active or not run.best_path.is_file(),
            help="Opens the Predict page with this run's model.",
        ):
            query_params.go("pages/predict.py", run=run.id)
        if st.button(
            "Inspect",
            icon=":material/layers:",
            key="runs_inside",
            disabled=run.recipe is None or run.active or not run.best_path.is_file(),
            help="Opens the Inside page with this run's model, layer by layer.",
        ):
            query_params.go("pages/inside.py", run=run.id)
        if run.active:
            pause_button(run)
            stop_button(run)
        elif run.state in RESUMABLE:
            continue_button(run)
        with st.popover("Download", icon=":material/download:", help="Recipe, metrics and model as files."):
            downloads(run)
        notes_popover(run, name)
        delete_button([run])


def _curves(run: Run) -> None:
    epochs = metrics.epochs(run.metrics_path)
    if not run.active:
        kind, message = ending(run)
        st.error(plain(message), icon=":material/error:") if kind == "error" else st.caption(plain(message))
        if not epochs:
            if run.state in ("stopped", "paused", "finished"):
                st.caption("No epoch was completed, so there is no curve to show.")
            return
    elif run.state == "queued":
        st.caption("The curves begin with its first batches.")
        return
    drawn = st.container()
    smoothing, log = chart_options()
    with drawn:
        charts(run, place="detail", live=run.active, smoothing=smoothing, log=log)
    branches_part(run)


def _first_curves(run: Run) -> None:
    """The curves until there is a figure to draw; then all of the page is drawn, which asks less often from then on."""
    _curves(run)
    if metrics.has_figures(run.metrics_path):
        st.rerun(scope="app")


def _log(run: Run) -> None:
    log(run.log_tail(200) or "It wrote nothing.", "max-height:480px")
    st.caption("What the worker process said, the newest below.")
