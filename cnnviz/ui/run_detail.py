"""Everything about one run: curves, recipe, report, log, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from cnnviz.architecture import describe
from cnnviz.errors import RecipeError
from cnnviz.files import read_json
from cnnviz.recipe import Recipe, parse
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import name_of, settings, short_network
from cnnviz.runs.status import RESUMABLE
from cnnviz.ui.epochs_part import epochs_part
from cnnviz.ui.models import head_file, heads_of
from cnnviz.ui.run_parts import (
    badge,
    charts,
    continue_button,
    delete_button,
    ending,
    pause_button,
    percent,
    stop_button,
)
from cnnviz.ui.text import duration, plain

__all__ = ["detail"]

SKIPPED_SHOWN = 200


def detail(run: Run) -> None:
    """Draws one run in full."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {plain(name_of(run))}", width="content", anchors=False)
        badge(run)
    st.caption(_facts(run))
    _deeds(run)
    *tabs, epochs = st.tabs(
        ["Curves", "Recipe", "Report", "Log", "Watch it learn"], key=f"runs_tabs_{run.id}", on_change="rerun"
    )
    for tab, draw in zip(tabs, (_curves, _recipe, _report, _log), strict=True):
        with tab:
            draw(run)
    with epochs:
        if epochs.open:
            _epochs(run)


def _facts(run: Run) -> str:
    facts = [run.id, time.strftime("started %Y-%m-%d %H:%M", time.localtime(run.written.created))]
    if run.seconds is not None:
        facts.append(f"took {duration(run.seconds)}" if not run.active else f"for {duration(run.seconds)} now")
    if run.recipe:
        facts += [run.recipe.data.dataset, short_network(run.recipe.network)]
    return " · ".join(map(plain, facts))


def _deeds(run: Run) -> None:
    with st.container(horizontal=True):
        if st.button(
            "Train again from this recipe",
            icon=":material/replay:",
            key="runs_again",
            disabled=run.recipe is None,
            help="Opens the Train page with this recipe, to change something or to start it as it is.",
        ):
            st.session_state["train_recipe"] = run.recipe
            st.switch_page("pages/train.py")
        if st.button(
            "Ask it about photos",
            icon=":material/image_search:",
            key="runs_ask",
            disabled=run.recipe is None or run.active or not run.best_path.is_file(),
            help="Opens the Predict page with this run's network.",
        ):
            st.switch_page("pages/predict.py", query_params={"run": run.id})
        if st.button(
            "Open inside",
            icon=":material/layers:",
            key="runs_inside",
            disabled=run.recipe is None or run.active or not run.best_path.is_file(),
            help="Opens the Inside page with this run's network, layer by layer.",
        ):
            st.switch_page("pages/inside.py", query_params={"run": run.id})
        if run.active:
            pause_button(run, "detail")
            stop_button(run, "detail")
        elif run.state in RESUMABLE:
            continue_button(run)
        with st.popover("Download", icon=":material/download:", help="Recipe, figures and network as files."):
            _downloads(run)
        delete_button([run])


def _downloads(run: Run) -> None:
    st.download_button(
        "Recipe (JSON)",
        data=run.recipe.to_json() if run.recipe else "",
        file_name=f"{run.id}-recipe.json",
        mime="application/json",
        disabled=run.recipe is None,
        on_click="ignore",
        key="runs_get_recipe",
        help="All it takes to train it again: `python -m cnnviz train` reads it.",
    )
    epochs = metrics.epochs(run.metrics_path)
    st.download_button(
        "Figures of all epochs (CSV)",
        data=metrics.to_csv(epochs),
        file_name=f"{run.id}-epochs.csv",
        mime="text/csv",
        disabled=not epochs,
        on_click="ignore",
        key="runs_get_figures",
        help="A line per epoch with every figure, for a spreadsheet.",
    )
    heads = list(heads_of(run).values())
    head = st.selectbox(
        "Heads of the network", heads, index=None, placeholder="All", key="runs_get_head",
        help="One head alone makes a network of its own, on the trunk that all of them share.",
    ) if heads else None  # fmt: skip
    st.download_button(
        "Network of the best epoch (.keras)",
        data=_reader(run.best_path) if head is None else partial(head_file, run, head),
        file_name=f"{run.id}{f'-{head}' if head else ''}.keras",
        mime="application/octet-stream",
        disabled=not run.best_path.is_file(),
        on_click="ignore",
        key="runs_get_network",
        help="Takes raw pixels, 0 to 255, of the recipe's size; its scaling is inside.",
    )


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            return b""

    return read


def _curves(run: Run) -> None:
    if run.active:
        st.info("It goes on: its card above moves with it.", icon=":material/arrow_upward:")
        return
    kind, sentence = ending(run)
    getattr(st, kind)(plain(sentence), icon={"error": ":material/error:"}.get(kind))
    if metrics.epochs(run.metrics_path):
        charts(run, place="detail", live=False)
    elif run.state in ("stopped", "paused", "finished"):
        st.caption("No epoch was completed, so there is no curve to show.")


def _epochs(run: Run) -> None:
    if run.active:
        st.info("It goes on: its card above has this, and moves with it.", icon=":material/arrow_upward:")
    else:
        epochs_part(run, f"runs_epochs_{run.id}")


def _recipe(run: Run) -> None:
    if run.recipe is None:
        st.error(plain(_unreadable(run)), icon=":material/error:")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        rows = describe(run.recipe.network, run.recipe.data.input_shape)
        st.markdown(f"**Network** · {sum(row.parameters for row in rows):,} parameters")
        layers = pd.DataFrame(
            {
                "Layer": [row.name for row in rows],
                "Type": [row.type for row in rows],
                "Output": ["×".join(map(str, row.output_shape)) for row in rows],
                "Parameters": [row.parameters for row in rows],
            }
        )
        st.dataframe(
            layers, hide_index=True, height="content", key="runs_layers", alt="The network's layers",
            column_config={"Parameters": st.column_config.NumberColumn(format="%,d")},
        )  # fmt: skip
    with right:
        st.markdown("**Data, augmentation and fit**")
        told = _told(run.recipe)
        st.dataframe(told, hide_index=True, height="content", key="runs_settings", alt="The recipe's settings")
        st.caption("These names are also those of the command line's `--set`.")
    with st.expander("The recipe as JSON", icon=":material/data_object:", key="runs_json"):
        st.code(run.recipe.to_json(), language="json")


def _told(recipe: Recipe) -> pd.DataFrame:
    kept = {key: value for key, value in settings(recipe).items() if not key.startswith("network.layers")}
    return pd.DataFrame({"Setting": list(kept), "Value": list(kept.values())})


def _unreadable(run: Run) -> str:
    try:
        parse((run.folder / "recipe.json").read_bytes())
    except RecipeError as error:
        return f"The recipe of this run can't be used. {error}"
    except OSError as error:
        return f"The recipe of this run can't be read: {error.strerror or error}."
    return "The recipe of this run could not be read a moment ago; look again."


def _report(run: Run) -> None:
    report = read_json(run.folder / "report.json") if (run.folder / "report.json").is_file() else None
    if not isinstance(report, dict):
        st.caption("A report is written when a run finishes: test figures, notes on the data, skipped pictures.")
        if run.written.metrics:
            _figures(run, {})
        return
    _figures(run, _of_kind(report.get("test"), dict))
    for sentence in _of_kind(report.get("notes"), list):
        st.info(plain(sentence), icon=":material/info:")
    samples = {name: n for name, n in _of_kind(report.get("samples"), dict).items() if isinstance(n, int)}
    if samples:
        st.caption("Pictures: " + ", ".join(f"{count:,} {plain(name)}" for name, count in samples.items()) + ".")
    skipped = [entry for entry in _of_kind(report.get("skipped"), list) if isinstance(entry, dict)]
    if skipped:
        st.markdown(f"**{len(skipped):,} picture{'s' * (len(skipped) > 1)} could not be read and had no part in it**")
        told = pd.DataFrame(skipped[:SKIPPED_SHOWN]).reindex(columns=["picture", "reason"])
        st.dataframe(told, hide_index=True, key="runs_skipped", alt="Pictures that were skipped")
    with st.expander("Versions and machine", key="runs_versions"):
        st.json({name: report.get(name) for name in ("versions", "machine", "seconds", "classes")})


def _of_kind(value: Any, kind: type) -> Any:
    """The value, or an empty one where a report that was edited by hand holds something else."""
    return value if isinstance(value, kind) else kind()


def _figures(run: Run, test: dict) -> None:
    """The best epoch's figures on validation and, where there are, test pictures."""
    heads = [head.name for head in run.recipe.network.heads] if run.recipe else []
    names = ["accuracy", "loss"] + ([f"{head}_accuracy" for head in heads] if len(heads) > 1 else [])
    with st.container(horizontal=True, gap="large"):
        for name in names:
            for split, value in (("Validation", run.written.metrics.get(f"val_{name}")), ("Test", test.get(name))):
                if isinstance(value, (int, float)):
                    shown = percent(value) if name.endswith("accuracy") else f"{value:.3f}"
                    st.metric(f"{split} {name.replace('_', ' ')}", shown, width="content")
    st.caption(f"At epoch {run.written.best_epoch}, {_meaning(run.written.metrics, test)}")


def _meaning(best: dict, test: dict) -> str:
    """What the figures are worth; equal in all digits, they come from the same pictures."""
    if not test:
        return "on pictures that it never learned from."
    if all(best.get(f"val_{name}") == test.get(name) for name in ("loss", "accuracy")):
        return "which these very test pictures chose as validation: on new pictures, expect a little less."
    return "which validation chose. The test pictures had no part in it: believe their figure for new pictures."


def _log(run: Run) -> None:
    text = run.log_tail(200)
    st.code(text or "It wrote nothing.", language=None, height=min(480, 60 + 20 * (text.count("\n") + 1)))
    st.caption("What the worker process said, the newest below.")
