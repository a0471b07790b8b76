"""The explanation metrics' measurement over a whole test split whose objects' positions are known."""

from __future__ import annotations

from functools import partial

import streamlit as st

from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.metrics.pointing_game import Pointing
from cnnviz.explain.metrics.verdicts import pointing_verdict
from cnnviz.figures.style import CONFIG
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.metrics_job import SLOW, Case, known_pointing, measure_pointing, peers
from cnnviz.ui.predict.metrics_view import Findings, draw_verdict, measured_part
from cnnviz.ui.session import background_job

__all__ = ["objects_part"]


def objects_part(case: Case, found: Findings, key: str) -> None:
    """Draws what is known of the methods; what isn't is measured when a person asks for it."""
    st.subheader("Does it find the object?", anchor=False)
    st.caption(
        "How often a map's strongest position is on the object, and how much of the map is.",
        help="In these generated images it is known where the object is; in every test image the prediction for "
        f"{plain(case.head)} is explained. Pointing game: Zhang et al. 2016, arXiv:1608.00507; share of the map: Wang "
        "et al. 2020, arXiv:1910.01279.",
    )
    work = measured_part(
        found,
        "pointing",
        partial(measure_pointing, case, found.methods),
        "Reading the test images",
        key,
        begin=bool(found.methods),
    )
    if work is not None:
        found.objects |= work
        found.results.pop("pointing")
        found.methods = ()
    shown = {**found.objects, **known_pointing(case)}
    offered = [case.explanation.method, *peers(case)]
    if shown:
        _shown(case, {method: shown[method] for method in offered if method in shown}, key)
    missing = [method for method in offered if method not in shown or not shown[method].whole]
    if missing and not background_job.has_job(f"{key}_pointing"):
        _asked(found, missing, key)


def _asked(found: Findings, missing: list[str], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch"):
            chosen = st.multiselect(
                "Measure",
                missing,
                default=[method for method in missing if method not in SLOW],
                placeholder="Choose methods",
                key=f"{key}_methods_{len(missing)}",
                format_func=lambda method: METHODS[method].title,
                help="Score-CAM, SmoothGrad, Integrated Gradients and occlusion take minutes.",
            )
        st.button(
            "Measure on the test split",
            icon=":material/query_stats:",
            key=f"{key}_measure",
            disabled=not chosen,
            on_click=_begin,
            args=(found, tuple(chosen)),
            help="Explains every test image by each of these methods. The metrics are kept with the run.",
        )


def _begin(found: Findings, methods: tuple[str, ...]) -> None:
    found.methods = methods
    found.again("pointing")


def _shown(case: Case, shown: dict[str, Pointing], key: str) -> None:
    from cnnviz.figures.explanation_metrics import object_bars  # brings Plotly

    first = next(iter(shown.values()))
    if case.explanation.method in shown:
        draw_verdict(pointing_verdict(first, METHODS[first.method].title))
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        object_bars(
            [(METHODS[name].title, one.hits, one.energy) for name, one in shown.items()],
            area=first.area,
            centre=first.centre,
        ),
        config=CONFIG,
        key=f"{key}_objects",
        alt="For each method the fraction of images whose map points at the object, and of the map that lies on it",
    )
    share = st.column_config.NumberColumn(format="%.0f %%")
    right.dataframe(
        [
            {
                "Method": METHODS[name].title,
                "Points at it": 100 * one.hits,
                "Lies on it": 100 * one.energy,
                "Empty maps": one.empty,
                "Images": one.images,
            }
            for name, one in shown.items()
        ],
        hide_index=True,
        key=f"{key}_table",
        column_config={"Points at it": share, "Lies on it": share},
    )
    if part := [METHODS[name].title for name, one in shown.items() if not one.whole]:
        right.caption(f"Over a random part of the images: {plain(', '.join(part))}.")
