"""The panel of the Predict page on how far a map on screen can be trusted, measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cnnviz.bounded_cache import BoundedCache
from cnnviz.explain.attribution.explain import Explanation
from cnnviz.explain.metrics.deletion_insertion import DeletionInsertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization
from cnnviz.explain.metrics.pointing_game_of_run import has_masks
from cnnviz.runs import Run
from cnnviz.ui.download_button import download_button
from cnnviz.ui.file_names import file_name
from cnnviz.ui.predict.localization_view import objects_part
from cnnviz.ui.predict.metrics_job import Case, known_pointing
from cnnviz.ui.predict.metrics_view import PARTS, Findings, deletion_insertion_part, parameter_randomization_part
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.ui.inputs.model_cache import LockedModel

__all__ = ["findings_of", "metrics_panel"]

CASES = 32
_STORE = "trust_found"


def metrics_panel(
    model: LockedModel,
    image: np.ndarray,
    explanation: Explanation,
    *,
    key: str,
    run: Run | None,
    colour_map: str = "viridis",
    names: Sequence[str] = (),
) -> None:
    """Draws the panel, and begins what it measures.

    Args:
        model: whose prediction is explained.
        image: uint8 (h, w, c), the image as the model sees it.
        explanation: the map on screen, of this image alone.
        key: tells its widgets from those of other panels.
        run: the model's run; `None` for one from elsewhere.
        colour_map: a name of `overlay.COLOUR_MAPS`.
        names: what the model and the image are called in the name of a file.
    """
    case = Case(model, image, explanation, run)
    found = _found(case, key)
    if explanation.note:
        st.write("The map is empty, so that nothing of it can be measured.")
    else:
        deletion_insertion_part(case, found, key)
        st.divider()
        parameter_randomization_part(case, found, key, colour_map)
    if run is not None and has_masks(run.recipe):
        st.divider()
        objects_part(case, found, key)
    _save(case, found, key, names)


def findings_of(mark: str) -> Findings:
    """Returns what is known of the case of this mark in this session."""
    store: BoundedCache[Findings] = st.session_state.setdefault(_STORE, BoundedCache(CASES))
    return store.made(mark, Findings)


def _found(case: Case, key: str) -> Findings:
    """What is known of this case; work on another one is dropped."""
    mark = case.mark
    if st.session_state.get(f"{key}_case") != mark:
        st.session_state[f"{key}_case"] = mark
        for part in PARTS:
            background_job.drop_job(f"{key}_{part}")
    return findings_of(mark)


def _save(case: Case, found: Findings, key: str, names: Sequence[str]) -> None:
    if any(not isinstance(one, str) for one in found.results.values()) or found.objects:
        download_button(
            "All metrics",
            partial(_json, case, found),
            file_name(*names, case.subject, case.explanation.method, "trust", ending=".json"),
            key=f"{key}_json",
            help="Curves, areas, correlations and fractions as JSON.",
        )


def _json(case: Case, found: Findings) -> str:
    made = case.explanation
    record: dict[str, Any] = {
        "network": case.model.classifier.name,
        "method": made.method,
        "layer": made.layer,
        "head": case.head,
        "class": case.subject,
    }
    if isinstance(curves := found.results.get("faithful"), DeletionInsertion):
        named = [*curves.curves.items(), *((f"random {nth}", one) for nth, one in enumerate(curves.random, 1))]
        record["curves"] = [
            {"map": name, **asdict(one), "deletion_area": one.deletion_area, "insertion_area": one.insertion_area}
            for name, one in named
        ]
    if isinstance(changed := found.results.get("randomized"), ParameterRandomization):
        record["randomized"] = [
            {"layers": stage.layers, "rank_correlation": stage.correlations, "ssim": stage.structures}
            for stage in changed.stages
        ]
    if case.run is not None and has_masks(case.run.recipe):
        record["objects"] = [asdict(one) for one in {**known_pointing(case), **found.objects}.values()]
    return json.dumps(record, indent=1)
