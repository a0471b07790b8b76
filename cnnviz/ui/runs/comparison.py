"""Several runs beside each other: curves in one chart, best figures, what differs between their recipes.

Runs of one group are a mean with its standard deviation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import pandas as pd
import streamlit as st

from cnnviz import runs
from cnnviz.errors import RunError
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import differences, different_data, labels, parameters
from cnnviz.runs.groups import Spread, groups, kind, spread_of
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import delete_button
from cnnviz.ui.runs.image_by_image import image_by_image
from cnnviz.ui.runs.learning_curves import chart_options, overlaid
from cnnviz.ui.runs.robustness_view import compared_robustness

__all__ = ["comparison", "grouped", "told"]

SECONDS = 2.0


def comparison(chosen: Sequence[Run], names: dict[str, str], listed: Sequence[Run]) -> None:
    """Draws several runs; the chart moves by itself while one of them goes on.

    Args:
        chosen: the runs.
        names: what runs are called, by id.
        listed: all runs, among which their groups are found.
    """
    lines = grouped(chosen, names, listed)
    st.markdown(f"## {_title(lines, len(chosen))}", anchors=False)
    firsts = [runs[0] for runs in lines.values()]
    if message := different_data(firsts):
        st.warning(plain(message), icon=":material/warning:")
    every = SECONDS if any(run.active for run in chosen) else None
    if any(metrics.epochs(run.metrics_path) for run in chosen):
        drawn, head = st.container(), _head(chosen)
        smoothing, log = chart_options()
        with drawn:
            st.fragment(run_every=every)(_curves)(
                {label: [run.id for run in runs] for label, runs in lines.items()}, head, smoothing, log
            )
    else:
        st.fragment(run_every=every)(_no_curves)([run.id for run in chosen])
    if means := {label: [run.id for run in runs] for label, runs in lines.items() if len(runs) > 1}:
        st.fragment(run_every=every)(_means)(means)
    st.markdown("**Best metrics**")
    st.fragment(run_every=every)(_figures)([run.id for run in chosen], names)
    st.caption("Each at its best epoch; a difference smaller than one image in the split means nothing.")
    if len(chosen) == 2:
        image_by_image(chosen, names)
    compared_robustness(chosen, names)
    if len(lines) > 1:  # in what the runs of one group differ is in their names
        _differing({label: runs[0] for label, runs in lines.items()})
    delete_button(chosen)


def grouped(chosen: Sequence[Run], names: dict[str, str], listed: Sequence[Run]) -> dict[str, list[Run]]:
    """Returns what is drawn as one each, by what it is called: the chosen runs of a group together, others alone.

    Args:
        chosen: the runs.
        names: what runs are called, by id.
        listed: all runs.
    """
    whole, chosen_groups = groups(listed), groups(chosen)
    called = _called(whole)
    found: dict[str, list[Run]] = {}
    for run in chosen:
        group = run.written.group
        if members := chosen_groups.get(group):
            several = f"{len(members)} of {len(whole[group])}" if len(members) < len(whole[group]) else len(members)
            found[f"{called[group]} · {several} {kind(whole[group])}"] = members
        else:
            found[names[run.id]] = [run]
    return found


def _called(whole: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """What groups are called, by their ids: groups of one kind are told from each other as their first runs are."""
    found: dict[str, str] = {}
    for differing in ("seeds", "folds"):
        firsts: dict[str, Run] = {}
        for group, members in whole.items():
            if kind(members) == differing:
                recipe = members[0].recipe
                if recipe is not None:  # a group of folds has all of them
                    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": None})})
                firsts[group] = replace(members[0], recipe=recipe)
        names = labels(list(firsts.values()))
        found |= {group: names[first.id] for group, first in firsts.items()}
    return found


def _title(lines: Mapping[str, Sequence[Run]], count: int) -> str:
    return plain(next(iter(lines))) if len(lines) == 1 else f"{count} runs compared"


def _curves(lines: Mapping[str, Sequence[str]], head: str, smoothing: float, log: bool) -> None:
    if (now := _opened(lines)) is not None:
        overlaid(now, head, smoothing=smoothing, log=log)


def _opened(lines: Mapping[str, Sequence[str]]) -> dict[str, list[Run]] | None:
    """The runs as they are by now; `None` where one was deleted elsewhere, which the whole page says."""
    try:
        return {label: [runs.open_run(run) for run in ids] for label, ids in lines.items()}
    except RunError:
        return None


def _no_curves(chosen: Sequence[str]) -> None:
    """Says that there is no curve, until there is one: then all of the page is drawn."""
    st.caption("None of these runs has completed an epoch, so there is no curve yet.")
    with suppress(RunError):
        if any(metrics.epochs(runs.open_run(run).metrics_path) for run in chosen):
            st.rerun(scope="app")


def _means(lines: Mapping[str, Sequence[str]]) -> None:
    rows = []
    for label, members in (_opened(lines) or {}).items():
        best, test = (
            spread_of([run.written.metrics for run in members]),
            spread_of([run.written.test for run in members]),
        )
        rows.append(
            {
                "Group": label,
                "Validation": told(best.get("val_accuracy"), percent=True),
                "Test": told(test.get("accuracy"), percent=True),
                "Validation loss": told(best.get("val_loss")),
                "Test loss": told(test.get("loss")),
                "Training": told(best.get("accuracy"), percent=True),
                "Runs": max((one.count for one in best.values()), default=0),
            }
        )
    if not any(row["Runs"] for row in rows):
        return  # none has completed an epoch
    st.markdown("**Mean ± standard deviation**")
    st.dataframe(
        pd.DataFrame(rows).set_index("Group") if len(rows) > 1 else pd.DataFrame(rows).drop(columns="Group"),
        hide_index=len(rows) == 1,
        key="runs_means",
        height="content",
        placeholder="–",
        alt="Mean and standard deviation of each group's metrics",
    )


def told(one: Spread | None, *, percent: bool = False) -> str | None:
    """Returns a mean with its deviation, such as "97.21 ± 0.34 %"; `None` where there is none.

    Args:
        one: the mean.
        percent: whether it is a share, told in per cent with two digits; else three digits are told.
    """
    if one is None:
        return None
    scale, digits, unit = (100, 2, " %") if percent else (1, 3, "")
    deviation = "" if one.deviation is None else f" ± {scale * one.deviation:.{digits}f}"
    return f"{scale * one.mean:.{digits}f}{deviation}{unit}"


def _head(chosen: Sequence[Run]) -> str:
    """The head whose metrics are drawn, chosen where there are several; "" for all of them together."""
    several = [run.recipe.network.heads for run in chosen if run.recipe and len(run.recipe.network.heads) > 1]
    names = list(dict.fromkeys(head.name for heads in several for head in heads))
    if not names:
        return ""
    if st.session_state.get("runs_head", "") not in ("", *names):
        st.session_state.pop("runs_head")
    chosen_head = st.selectbox(
        "Head",
        ["", *names],
        key="runs_head",
        format_func=lambda name: name or "all together",
        persist_state="session",
        width=220,
        help="Whose loss and accuracy are drawn.",
    )
    return chosen_head or ""


_PERCENT = st.column_config.NumberColumn(format="%.2f %%")
_COLUMNS = {
    "Validation": _PERCENT,
    "Test": _PERCENT,
    "Validation loss": st.column_config.NumberColumn(format="%.3f"),
    "Training": _PERCENT,
    "Parameters": st.column_config.NumberColumn(format="%,d"),
    "Duration": st.column_config.NumberColumn(format="compact"),
}


def _figures(chosen: Sequence[str], names: dict[str, str]) -> None:
    rows = []
    try:
        now = [runs.open_run(run) for run in chosen]
    except RunError:
        return  # deleted elsewhere; the whole page says so
    for run in now:
        best, test = run.written.metrics, run.written.test
        rows.append(
            {
                "Run": names[run.id],
                "Validation": _hundred(best.get("val_accuracy")),
                "Test": _hundred(test.get("accuracy")),
                "Validation loss": best.get("val_loss"),
                "Training": _hundred(best.get("accuracy")),
                "Best epoch": run.written.best_epoch,
                "Epochs": run.written.epoch,
                "Parameters": parameters(run.recipe.network, run.recipe.data.input_shape) if run.recipe else None,
                "Duration": pd.Timedelta(seconds=round(run.seconds)) if run.seconds is not None else pd.NaT,
            }
        )
    st.dataframe(
        pd.DataFrame(rows).astype({"Best epoch": "Int64", "Epochs": "Int64", "Parameters": "Int64"}),
        hide_index=True,
        key="runs_figures",
        column_config=_COLUMNS,
        height="content",
        placeholder="–",
        alt="The best metrics of each selected run",
    )


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _differing(chosen: Mapping[str, Run]) -> None:
    st.markdown("**What differs between their recipes**")
    recipes = {name: run.recipe for name, run in chosen.items() if run.recipe is not None}
    if len(recipes) < len(chosen):
        st.caption(f"{len(chosen) - len(recipes)} of them have a recipe that can't be read and are left out here.")
    rows = differences(recipes)
    if not rows:
        if len(recipes) > 1:
            st.caption("Nothing: the same recipe, seed and machine give the same weights.")
        return
    told = pd.DataFrame([{"Setting": key, **row} for key, row in rows.items()])
    st.dataframe(told, hide_index=True, key="runs_differences", height="content", alt="Settings that differ")
    if not {"seed", "data.fold"}.issuperset(rows):
        st.caption("Change one thing at a time, and the curve above tells what that thing does.")
