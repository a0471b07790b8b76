"""Parts that the live cards and the page of one run share: words for states, charts, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError, RunError
from cnnviz.figures.html import render
from cnnviz.runs import Run, resume_checkpoint
from cnnviz.runs.compare import name_of
from cnnviz.runs.status import StateName
from cnnviz.ui.markdown import duration, plain
from cnnviz.ui.runs.selection import choose, note

__all__ = [
    "LOOKS",
    "ask",
    "badge",
    "confirm_deletion",
    "continue_button",
    "delete_button",
    "ending",
    "log",
    "pause_button",
    "percent",
    "stop_all_button",
    "stop_button",
]

# For each state: Streamlit's colour, a sign that is told from the others without colour.
LOOKS: dict[StateName, tuple[Literal["grey", "blue", "orange", "green", "red"], str]] = {
    "queued": ("grey", "…"),
    "starting": ("grey", "↻"),
    "running": ("blue", "●"),
    "stopping": ("orange", "◐"),
    "paused": ("blue", "‖"),
    "finished": ("green", "✓"),
    "stopped": ("orange", "■"),
    "failed": ("red", "✕"),
    "crashed": ("red", "✕"),
}
_DELETING = "runs_deleting"
_DANGER = "<style>.st-key-runs_delete_yes button { background: #b3261e; border-color: #b3261e; color: #fff; }</style>"


def badge(run: Run) -> None:
    """Draws the run's state."""
    colour, sign = LOOKS[run.state]
    st.badge(f"{sign} {run.state}", color=colour)


def percent(share: float | None) -> str:
    """Returns an accuracy as it is read: "98.9 %"."""
    return "–" if share is None else f"{100 * share:.1f} %"


def ending(run: Run) -> tuple[str, str]:
    """Returns the kind of message (info, success, warning or error) and the sentence that say how a run ended."""
    name, written = name_of(run), run.written
    if run.state == "failed":
        return "error", f"{name} failed: {written.message or 'its log says why.'}"
    if run.state == "crashed":
        why = written.message or "Its process ended without a word, killed or with the machine."
        return "error", f"{name} crashed. {why} {_place(run)}"
    epochs = f"{written.epoch} of {run.recipe.fit.all_epochs}" if run.recipe else str(written.epoch)
    if run.state == "paused":
        return "info", f"{name} was paused after {epochs} epochs. {_place(run)}"
    if run.state == "stopped":
        kept = "its best epoch is kept" if written.best_epoch else "no epoch was complete"
        return "info", f"{name} was stopped after {epochs} epochs; {kept}."
    took = f" in {duration(run.seconds)}" if run.seconds is not None else ""
    figures = f"validation accuracy {percent(written.metrics.get('val_accuracy'))} at epoch {written.best_epoch}"
    test = f", test accuracy {percent(written.test['accuracy'])}" if "accuracy" in written.test else ""
    return "success", f"{name} finished{took}: {figures}{test}."


def _place(run: Run) -> str:
    """Where a run would go on."""
    epoch = resume_checkpoint.kept_epoch(run.folder)
    return f"Continue goes on exactly after epoch {epoch}." if epoch else "Continue begins it anew, just as it began."


def stop_button(run: Run) -> None:
    """Draws the button that asks the run to stop."""
    st.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"runs_stop_{run.id}",
        on_click=ask,
        args=(runs.request_stop, run.id),
        disabled=run.state == "stopping",
        help="Ends at the next batch; the best epoch so far is kept.",
    )


def stop_all_button(group: Sequence[Run]) -> None:
    """Draws the button that asks all runs of a group to stop that go on, those first that wait."""
    st.button(
        "Stop all",
        icon=":material/stop_circle:",
        key=f"runs_stop_all_{group[0].written.group}",
        on_click=_stop_all,
        args=([run.id for run in reversed(group) if run.state != "stopping"],),
        help="Ends this run at its next batch, and none of its group begins.",
    )


def _stop_all(ids: Sequence[str]) -> None:
    for run in ids:
        ask(runs.request_stop, run)


def pause_button(run: Run) -> None:
    """Draws the button that makes room on the machine for a while."""
    st.button(
        "Pause",
        icon=":material/pause_circle:",
        key=f"runs_pause_{run.id}",
        on_click=ask,
        args=(runs.request_pause, run.id),
        disabled=run.state == "stopping",
        help="Ends its process at the next batch; Continue goes on with it later and ends with the very same model.",
    )


def continue_button(run: Run) -> None:
    """Draws the button that starts a worker again on a run that is not finished."""
    st.button(
        "Continue",
        icon=":material/resume:",
        type="primary" if run.state in ("paused", "crashed") else "secondary",
        key="runs_continue",
        on_click=ask,
        args=(runs.resume, run.id),
        disabled=run.recipe is None,
        help=_place(run),
    )


def ask(verb: Callable[[str], object], run_id: str) -> None:
    """Carries out what a button asks of a run, or of a search, of this id; what is in the way is noted on the page."""
    try:
        verb(run_id)
    except RunError as error:
        note(str(error), "warning")


def delete_button(chosen: Sequence[Run]) -> None:
    """Draws the button that asks whether runs shall be deleted; runs that go on can't be."""
    going = any(run.active for run in chosen)
    many = f" {len(chosen)} runs" if len(chosen) > 1 else ""
    st.button(
        f"Delete{many} …",
        icon=":material/delete:",
        key="runs_delete",
        type="tertiary",
        on_click=lambda ids: st.session_state.update({_DELETING: ids}),
        args=([run.id for run in chosen],),
        disabled=going,
        help="A run that goes on must be stopped first." if going else "Removes the folder with all it holds.",
    )


def confirm_deletion(names: dict[str, str]) -> None:
    """Draws the question before deleting, while there is one.

    Args:
        names: what all runs are called, by id.
    """
    asked = [run for run in st.session_state.get(_DELETING, []) if run in names]
    if asked:
        title = "Delete this run?" if len(asked) == 1 else f"Delete these {len(asked)} runs?"
        st.dialog(title, on_dismiss=_forget)(_question)(asked, names)


def _forget() -> None:
    st.session_state.pop(_DELETING, None)


def _question(asked: list[str], names: dict[str, str]) -> None:
    st.markdown("\n".join(f"- {plain(names[run])}" for run in asked))
    st.write("Recipe, curves, log and the trained model are removed from disk; this can't be undone.")
    st.html(_DANGER)
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="runs_delete_yes", help="Removes it now, for good."):
            _forget()
            gone = {*asked, *(run.written.group for run in runs.listing() if run.id in asked)}
            for run in asked:
                try:
                    runs.delete(run)
                except CnnvizError as error:
                    note(str(error), "warning")
            choose([run for run in st.session_state.get("runs_selected", []) if run not in gone])
            st.rerun()
        if st.button("Keep", key="runs_delete_no", help="Leaves everything as it is."):
            _forget()
            st.rerun()


def log(text: str, height: str) -> None:
    """Draws what a worker wrote, which scrolls where it is longer than `height`, a rule of CSS; also by the keyboard,
    which Streamlit's own block of code doesn't."""
    st.html(render("log.html", text=text, height=height))
