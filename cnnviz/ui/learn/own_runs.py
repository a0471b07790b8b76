"""The Learn page's part with a person's own runs of the systems that a question is about."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnviz.architecture import counts, describe
from cnnviz.presets import PRESETS
from cnnviz.published_results import REPORTED
from cnnviz.runs import Run, metrics, recipe_of
from cnnviz.ui.learn.topics import Link, Topic
from cnnviz.ui.learn.translation_test import moved_images
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.learning_curves import charts

__all__ = ["links", "newest", "own_runs"]


def newest(listed: Sequence[Run], system: str) -> Run | None:
    """Returns the newest run of a system that has a model: the preset's layers on the preset's data, however long it
    was trained and with whatever seed."""
    wanted = PRESETS[system]
    for run in listed:
        recipe = run.recipe
        if recipe is None or run.active or not run.best_path.is_file():
            continue
        same = (recipe.network, recipe.augmentation.steps, recipe.data.dataset)
        if same == (wanted.network, wanted.augmentation.steps, wanted.data.dataset):
            return run
    return None


def own_runs(topic: Topic, listed: Sequence[Run]) -> None:
    """Draws the runs of a question's systems beside each other, and the curves of one."""
    found = {name: newest(listed, name) for name in topic.systems}
    if any(found.values()):
        _table(found)
        st.caption(plain(topic.look))
    missing = [name for name, run in found.items() if run is None]
    if missing:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                "Not trained here yet:" if any(found.values()) else "Your own runs will stand here. Train:",
                width="content",
            )
            for name in missing:
                st.page_link(
                    "pages/train.py",
                    label=f"{name} · {PRESETS[name].name}",
                    icon=":material/tune:",
                    query_params={"preset": name},
                )
    shown = [run for run in found.values() if run is not None]
    if len(shown) > 1:
        st.page_link(
            "pages/runs.py",
            label="See their curves on each other",
            icon=":material/monitoring:",
            query_params={"run": ",".join(run.id for run in shown)},
        )
    if topic.moved and shown:
        moved_images({name: run for name, run in found.items() if run is not None})
    curve = found.get(topic.curve)
    if curve is not None and metrics.epochs(curve.metrics_path):
        charts(curve, place="learn", live=False)


def _table(found: dict[str, Run | None]) -> None:
    rows = []
    for name, run in found.items():
        if run is None:
            continue
        recipe, told = recipe_of(run), REPORTED.get(name)
        numbers = counts(recipe.network, describe(recipe.network, recipe.data.input_shape))
        rows.append(
            {
                "System": f"{name} · {PRESETS[name].name}",
                "Validation": run.written.metrics.get("val_accuracy"),
                "Test": run.written.test.get("accuracy"),
                "Reported": told.accuracy if told else None,
                "Weights it trains": numbers.trainable,
                "Best epoch": run.written.best_epoch,
            }
        )
    share = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        alt="The runs of these systems beside each other",
        column_config={
            "Validation": share,
            "Test": share,
            "Reported": share,
            "Weights it trains": st.column_config.NumberColumn(format="localized"),
        },
    )


def links(topic: Topic, listed: Sequence[Run]) -> None:
    """Draws the ways on to other pages, opened at the right run; one that lacks a run leads to Train."""
    for link in topic.links:
        run = newest(listed, link.needs) if link.needs else None
        if link.needs and run is None:
            run = next((one for one in listed if one.best_path.is_file() and not one.active and one.recipe), None)
        if link.needs and run is None:
            st.page_link(
                "pages/train.py",
                label="A run is needed for this: train one",
                icon=":material/tune:",
                query_params={"preset": "Q"},
            )
        else:
            _link(link, run)


def _link(link: Link, run: Run | None) -> None:
    query = {**({"run": run.id} if run is not None else {}), **dict(link.query)}
    st.page_link(f"pages/{link.page}.py", label=link.label, icon=f":material/{link.icon}:", query_params=query)
