"""A run's recipe: its layers, its settings, and the whole as JSON."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cnnviz.architecture import describe
from cnnviz.errors import RecipeError
from cnnviz.files import read_bytes
from cnnviz.recipe import Recipe, parse
from cnnviz.runs import Run
from cnnviz.runs.compare import settings
from cnnviz.ui.markdown import plain

__all__ = ["recipe_part"]


def recipe_part(run: Run) -> None:
    """Draws it, or says why it can't be used."""
    if run.recipe is None and run.written.imported:
        st.info(f"It was read from {plain(run.written.imported)}, which hold no recipe.", icon=":material/info:")
        return
    if run.recipe is None:
        st.error(plain(_unreadable(run)), icon=":material/error:")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        rows = describe(run.recipe.network, run.recipe.data.input_shape)
        st.markdown(f"**Model** · {sum(row.parameters for row in rows):,} parameters")
        layers = pd.DataFrame(
            {
                "Layer": [row.name for row in rows],
                "Type": [row.type for row in rows],
                "Output": ["×".join(map(str, row.output_shape)) for row in rows],
                "Parameters": [row.parameters for row in rows],
            }
        )
        st.dataframe(
            layers,
            hide_index=True,
            height="content",
            key="runs_layers",
            alt="The model's layers",
            column_config={"Parameters": st.column_config.NumberColumn(format="%,d")},
        )
    with right:
        st.markdown("**Data, augmentation and fit**")
        told = _told(run.recipe)
        st.dataframe(told, hide_index=True, height="content", key="runs_settings", alt="The recipe's settings")
        st.caption("These names are also those of the command line's `--set`.")
    with st.expander("The recipe as JSON", icon=":material/data_object:", key="runs_json"):
        st.code(run.recipe.to_json(), language="json", wrap_lines=True)


def _told(recipe: Recipe) -> pd.DataFrame:
    """A row for each setting, and for each of several steps and heads, which a cell would cut off together."""
    told = settings(recipe, apart=True)
    kept = {key: value for key, value in told.items() if not key.startswith("network.layers")}
    return pd.DataFrame({"Setting": list(kept), "Value": list(kept.values())})


def _unreadable(run: Run) -> str:
    try:
        parse(read_bytes(run.folder / "recipe.json"))
    except RecipeError as error:
        return f"The recipe of this run can't be used. {error}"
    except OSError as error:
        return f"The recipe of this run can't be read: {error.strerror or error}."
    return "The recipe of this run could not be read a moment ago; look again."
