"""What accuracy runs keep under attack and with corrupted images: of one, and of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cnnviz.errors import ModelError
from cnnviz.explain.robustness.corruptions.accuracy import mean_corruption_error
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS
from cnnviz.explain.robustness.robustness_of_run import LIMIT, measure
from cnnviz.figures.style import CONFIG
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.runs.robustness import HeadRobustness, Robustness, read_robustness
from cnnviz.ui.inputs.model_cache import LockedModel, letting_others_in, runs_with_model
from cnnviz.ui.inputs.model_job import job_with_models
from cnnviz.ui.markdown import plain

__all__ = ["compared_robustness", "robustness_part"]

_HEAD, _BASELINE = "runs_robustness_head", "runs_robustness_baseline"
_KINDS = f"{len(CORRUPTIONS)} kinds of corruptions × 5 severities"


def robustness_part(run: Run) -> None:
    """Draws what is kept of a run's robustness, or a button that measures it."""
    found = read_robustness(run.folder)
    if found is None:
        if runs_with_model([run]):
            _button([run])
        else:
            st.caption("It can be measured once the run has ended with a model.")
        return
    of_head = found.heads[_head([found])]
    left, right = st.columns(2, gap="large")
    with left:
        _curves({run.id: of_head})
    with right:
        _map(run.id, of_head)
    st.caption(
        f"Mean error over all corruptions {_share(_mean_error(of_head))}, without {_share(1 - of_head.accuracy)}; on "
        f"{found.images:,} held-out images.",
        help=f"PGD (L∞) of {found.steps} steps, arXiv:1706.06083; {_KINDS} as in ImageNet-C, arXiv:1903.12261.",
    )


def compared_robustness(chosen: Sequence[Run], names: Mapping[str, str]) -> None:
    """Draws the robustness of several runs beside each other, and a button that measures what is missing.

    Args:
        chosen: the runs.
        names: what runs are called, by id.
    """
    kept = {run.id: read_robustness(run.folder) for run in chosen}
    found = {run: one for run, one in kept.items() if one is not None}
    missing = runs_with_model([run for run in chosen if run.id not in found])
    if not found and not missing:
        return
    st.markdown("**Robustness**")
    if found:
        head = _head(list(found.values()))
        heads = {run: one.heads.get(head) or next(iter(one.heads.values())) for run, one in found.items()}
        _curves({names[run]: one for run, one in heads.items()})
        _table(heads, found, names)
        with st.grid(min(3, len(heads)), min_column_width=320, gap="medium", key="runs_robustness_maps"):
            for run, one in heads.items():
                with st.container():
                    st.caption(f"**{plain(names[run])}**")
                    _map(run, one)
    if missing:
        _button(missing, of=len(chosen))


def _button(chosen: Sequence[Run], of: int = 1) -> None:
    """The button that measures these runs, then the work's bar."""

    def work(models: Sequence[LockedModel], progress: Progress, cancelled: CancelCheck) -> bool:
        for run, model in zip(chosen, models, strict=True):
            with letting_others_in(model.lock, progress) as tell:
                measure(run, model.classifier, progress=tell, cancelled=cancelled)
        return True

    job_with_models(
        "runs_robustness",
        chosen,
        work,
        "Reading the images",
        label="Measure robustness" if len(chosen) == of else f"Measure the other {len(chosen)}",
        icon=":material/shield:",
        key="runs_robustness_measure",
        help=f"Predicts at most {LIMIT} held-out images under attack and with {_KINDS}. It takes minutes and is kept "
        "with the run.",
    )


def _head(found: Sequence[Robustness]) -> str:
    """The head that is shown, chosen where the runs share several; "" where they share none."""
    heads = [name for name in found[0].heads if all(name in one.heads for one in found)]
    if len(heads) < 2:
        return "".join(heads)
    if st.session_state.get(_HEAD) not in heads:
        st.session_state.pop(_HEAD, None)
    chosen = st.segmented_control(
        "Head",
        heads,
        default=heads[0] if _HEAD not in st.session_state else None,
        required=True,
        key=_HEAD,
        persist_state="session",
        help="Whose predictions are attacked.",
    )
    return chosen or heads[0]


def _curves(heads: Mapping[str, HeadRobustness]) -> None:
    from cnnviz.figures.robust_accuracy import robust_accuracy_chart  # brings Plotly

    st.plotly_chart(
        robust_accuracy_chart({name: (one.epsilons, one.robust_accuracy) for name, one in heads.items()}),
        config=CONFIG,
        key="runs_robustness_curves",
        alt="Accuracy under PGD by the largest change of a value",
    )


def _map(run: str, head: HeadRobustness) -> None:
    from cnnviz.figures.robust_accuracy import corruption_map

    titles = {kind: CORRUPTIONS[kind].title if kind in CORRUPTIONS else kind for kind in head.corruptions}
    st.plotly_chart(
        corruption_map({titles[kind]: found for kind, found in head.corruptions.items()}),
        config=CONFIG,
        key=f"runs_robustness_map_{run}",
        alt="Accuracy for each kind of corruption and severity",
    )


def _table(heads: Mapping[str, HeadRobustness], found: Mapping[str, Robustness], names: Mapping[str, str]) -> None:
    if st.session_state.get(_BASELINE) not in heads:
        st.session_state.pop(_BASELINE, None)
    baseline = st.selectbox(
        "Baseline of mCE",
        list(heads),
        format_func=lambda run: names[run],
        key=_BASELINE,
        persist_state="session",
        width=320,
        help="The mean corruption error (mCE) is relative to this run's, which is 100 %. ImageNet-C takes AlexNet's. "
        "Corrupted: the mean accuracy over all kinds and severities.",
    )
    rows, message = [], ""
    for run, one in heads.items():
        try:
            relative: float | None = 100 * mean_corruption_error(one.errors, heads[baseline].errors)
        except ModelError as error:
            relative, message = None, str(error)
        rows.append(
            {
                "Run": names[run],
                "Accuracy": 100 * one.accuracy,
                "Corrupted": 100 * (1 - _mean_error(one)),
                "mCE": relative,
                "Images": found[run].images,
            }
        )
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="runs_robustness_table",
        column_config=dict.fromkeys(("Accuracy", "Corrupted", "mCE"), share),
        height="content",
        placeholder="–",
        alt="Mean corruption error and accuracies of each run",
    )
    if message:
        st.caption(plain(message))


def _mean_error(head: HeadRobustness) -> float:
    return mean_corruption_error(head.errors)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
