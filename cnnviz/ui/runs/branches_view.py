"""Branches of a run: the button that begins one on the Train page, and the tree that they make."""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.figures.style import CONFIG
from cnnviz.runs import Run
from cnnviz.runs.branch import tree
from cnnviz.runs.compare import name_of
from cnnviz.runs.resume_checkpoint import epochs_to_branch_from
from cnnviz.ui.markdown import plain
from cnnviz.ui.runs.actions import percent
from cnnviz.ui.runs.selection import choose
from cnnviz.ui.session import query_params

__all__ = ["branch_popover", "branches_part"]


def branch_popover(run: Run) -> None:
    """Draws the choice of an epoch to branch from, for a run that keeps some."""
    epochs = [] if run.recipe is None else epochs_to_branch_from(run.folder)
    with st.popover(
        "Branch",
        icon=":material/alt_route:",
        key="runs_branch",
        disabled=not epochs,
        help="A new run that goes on from one of its epochs with changed settings."
        if epochs
        else "No epoch of it is kept that a run could go on from.",
    ):
        if not epochs:
            return
        epoch = st.segmented_control(
            "After epoch",
            epochs,
            default=epochs[-1],
            required=True,
            key=f"runs_branch_epoch_{run.id}",
            help="Weights, optimizer and random generators are kept as they were after these.",
        )
        if st.button(
            "Set up the branch",
            key="runs_branch_go",
            help="Opens the Train page with this recipe; with nothing changed the branch ends with the same weights.",
        ):
            st.session_state["train_recipe"] = run.recipe
            st.session_state["train_branch"] = (run.id, epoch)
            query_params.go("pages/train.py")


def branches_part(run: Run) -> None:
    """Draws the tree that a run belongs to, with a button for each other run of it; nothing where it has none."""
    found = tree(runs.listing(), run.id)
    if len(found) < 2:
        return
    from cnnviz.figures.branch_tree import Twig, branch_tree

    rows = {one.id: at for at, one in enumerate(found)}
    twigs = [
        Twig(
            name_of(one),
            rows.get(one.written.parent),
            one.written.parent_epoch,
            max(one.written.epoch, one.written.parent_epoch),
            f"{one.state}, validation accuracy {percent(one.written.metrics.get('val_accuracy'))}",
            one.id == run.id,
        )
        for one in found
    ]
    st.subheader("Branches", anchor=False)
    st.plotly_chart(branch_tree(twigs), config=CONFIG, key="runs_tree")
    with st.container(horizontal=True, vertical_alignment="center"):
        for one, twig in zip(found, twigs, strict=True):
            if one.id != run.id and st.button(
                plain(f"{twig.name} · {twig.begin}–{twig.end}"),
                key=f"runs_tree_{one.id}",
                type="tertiary",
                icon=":material/alt_route:",
                help="Shows this run.",
            ):
                choose([one.id])
                st.rerun()
