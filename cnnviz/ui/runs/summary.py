"""A run's report at a glance: its figures, notes on the data, and what was skipped."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from cnnviz.files import read_json
from cnnviz.runs import Run
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import percent

__all__ = ["summary_part"]

SKIPPED_SHOWN = 200


def summary_part(run: Run) -> None:
    """Draws what `report.json` says, or the best epoch's figures where there is none yet."""
    report = read_json(run.folder / "report.json") if (run.folder / "report.json").is_file() else None
    if not isinstance(report, dict):
        if run.written.imported:
            st.caption(f"It was read from {plain(run.written.imported)}, which hold no predictions to report on.")
        else:
            st.caption("A report is written when a run finishes: test metrics, notes on the data, skipped images.")
        if run.written.metrics:
            _figures(run, run.written.test)
        return
    _figures(run, _of_kind(report.get("test"), dict), report.get("test_is_validation") is True)
    for message in _of_kind(report.get("notes"), list):
        st.info(plain(message), icon=":material/info:")
    samples = {name: n for name, n in _of_kind(report.get("samples"), dict).items() if isinstance(n, int)}
    if samples:
        st.caption("Images: " + ", ".join(f"{count:,} {plain(name)}" for name, count in samples.items()) + ".")
    skipped = [entry for entry in _of_kind(report.get("skipped"), list) if isinstance(entry, dict)]
    if skipped:
        st.markdown(f"**{len(skipped):,} image{'s' * (len(skipped) > 1)} could not be read and had no part in it**")
        told = (
            pd.DataFrame(skipped[:SKIPPED_SHOWN])
            .reindex(columns=["picture", "reason"])
            .rename(columns={"picture": "image"})
        )
        st.dataframe(told, hide_index=True, key="runs_skipped", alt="Images that were skipped")
    with st.expander("Versions and machine", key="runs_versions"):
        st.json({name: report.get(name) for name in ("versions", "machine", "seconds", "durations", "data", "classes")})


def _of_kind(value: Any, kind: type) -> Any:
    """The value, or an empty one where a report that was edited by hand holds something else."""
    return value if isinstance(value, kind) else kind()


def _figures(run: Run, test: dict, same: bool = False) -> None:
    """The best epoch's figures on validation and, where there are, test images."""
    heads = [head.name for head in run.recipe.network.heads] if run.recipe else []
    names = ["accuracy", "loss"] + ([f"{head}_accuracy" for head in heads] if len(heads) > 1 else [])
    with st.container(horizontal=True, gap="large"):
        for name in names:
            for split, value in (("Validation", run.written.metrics.get(f"val_{name}")), ("Test", test.get(name))):
                if isinstance(value, (int, float)):
                    shown = percent(value) if name.endswith("accuracy") else f"{value:.3f}"
                    st.metric(f"{split} {name.replace('_', ' ')}", shown, width="content")
    st.caption(f"At epoch {run.written.best_epoch}, {_meaning(run.written.metrics, test, same)}")


def _meaning(best: dict, test: dict, same: bool) -> str:
    """What the figures are worth; equal in all digits, they come from the same images."""
    if not test:
        return "on images that it never learned from."
    if same or all(best.get(f"val_{name}") == test.get(name) for name in ("loss", "accuracy")):
        return "which these very test images chose as validation: on new images, expect a little less."
    return "which validation chose. The test images had no part in it: believe their metrics for new images."
