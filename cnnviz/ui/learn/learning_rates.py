"""What the learning rate does: three runs that differ in nothing else, trained on press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cnnviz.figures import curves
from cnnviz.figures.style import CONFIG
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import Run, metrics
from cnnviz.ui.learn.training import trained_runs

__all__ = ["RATES", "learning_rates"]

RATES = ("0.00003", "0.003", "0.3")
EPOCHS = 6


def recipes() -> dict[str, Recipe]:
    """Returns the digits' recipe with each rate, by its name."""
    same = {"fit.epochs": EPOCHS, "fit.schedule": "constant"}
    return {
        rate: replace(PRESETS["Q"], {**same, "name": f"Digits, learning rate {rate}", "fit.learning_rate": float(rate)})
        for rate in RATES
    }


def learning_rates(listed: Sequence[Run]) -> None:
    """Draws the loss of the three over their epochs."""
    st.segmented_control(
        "Your guess: which learns most in six epochs?",
        list(recipes()),
        key="learn_rate_guess",
        help="Guess, then train them.",
    )
    trained_runs(recipes(), listed, label="Train all three, 10 to 30 s each", key="learn_rates", draw=_curves)


def _curves(found: Mapping[str, Run]) -> None:
    epochs = {name: metrics.epochs(run.metrics_path) for name, run in found.items()}
    begun = {name: records for name, records in epochs.items() if records}
    if not begun:
        return
    st.plotly_chart(
        curves.overlay_runs(begun),
        key="learn_rates_chart",
        config=CONFIG,
        alt="Loss and accuracy over the epochs, a curve for each learning rate",
    )
    if len(begun) == len(RATES) and all(len(records) == EPOCHS for records in begun.values()):
        last = {name: records[-1]["val_accuracy"] for name, records in begun.items()}
        best = max(last, key=lambda name: last[name])
        picked = st.session_state.get("learn_rate_guess")
        told = f"You guessed {picked}: {'right' if picked == best else f'it was {best}'}. " if picked else ""
        st.caption(f"{told}Too small hardly moves, too large jumps over every minimum.")
