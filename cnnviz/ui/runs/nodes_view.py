"""The machines that carry runs, where there are several."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnnviz.runs import Run
from cnnviz.runs.compare import name_of
from cnnviz.runs.nodes import nodes

__all__ = ["nodes_table"]


def nodes_table(listed: Sequence[Run]) -> None:
    """Draws which machine carries which runs; nothing where all are on this one.

    Args:
        listed: all runs.
    """
    found = nodes(listed)
    if not found:
        return
    names = {run.id: f"{name_of(run)} ({run.state})" for run in listed}
    table = pd.DataFrame(
        {
            "Node": [node.host for node in found],
            "Carries": [", ".join(names.get(run, run) for run in node.runs) or "–" for node in found],
            "CPUs": [node.cpus for node in found],
            "GPUs": [node.gpus for node in found],
            "Memory": [node.memory_gb for node in found],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        key="runs_nodes",
        column_config={
            "Node": st.column_config.TextColumn(width="small", help="The machine's name."),
            "Carries": st.column_config.TextColumn(width="large", help="The runs whose workers are on it."),
            "CPUs": st.column_config.NumberColumn(width="small", help="Processors that it gives to runs."),
            "GPUs": st.column_config.NumberColumn(width="small", help="Graphics cards that it gives to runs."),
            "Memory": st.column_config.NumberColumn(width="small", format="%.0f GB", help="What it gives to runs."),
        },
    )
