"""The foot of the Augment page: how a trained model predicts while a step grows stronger."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import streamlit as st

from cnnviz import augment, runs
from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.errors import CnnvizError
from cnnviz.explain.robustness.augmentation import Changes, along
from cnnviz.explain.robustness.augmentation_of_run import LIMIT, cached_changes, measure
from cnnviz.figures.robustness import prediction_curves, share_curves
from cnnviz.figures.style import CONFIG
from cnnviz.policy import STEPS, Policy, Step
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run, recipe_of
from cnnviz.runs.compare import labels as run_labels
from cnnviz.ui.inputs.image_picker import prefer
from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, models_of_runs, runs_with_model
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

__all__ = ["robustness_part"]

FINE, COARSE = 33, 9
_WORK = "survival"


def robustness_part(image: InputImage | None, policy: Policy) -> None:
    """Draws the part; nothing is loaded or computed before a person asks for it."""
    with st.container(border=True, key="augment_survival"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header("Is my model robust to it?", anchor=False, width="content")
            st.space("stretch")
            asked = st.toggle(
                "Predict with a model",
                key="augment_ask",
                persist_state="session",
                on_change=_with_its_own_image,
                help="Loads a model that you trained and lets it predict the image while one step grows stronger.",
            )
        if not asked:
            st.caption("Predictions along a step's range, for the image above and for a test split.")
            return
        listed = runs.listing()
        found = runs_with_model(listed)
        if not found:
            st.write("No run has a model yet. Train one first; it takes about 20 seconds for the digits.")
            with st.container(horizontal=True):
                st.page_link("pages/train.py", label="Choose data and model on Train", icon=":material/tune:")
                st.page_link("pages/runs.py", label="See how runs are going", icon=":material/monitoring:")
            return
        _asked(found, run_labels(listed), image, policy)


def _with_its_own_image() -> None:
    """Shows an image that the model knows, where nobody chose one."""
    try:
        found = runs_with_model(runs.listing()) if st.session_state.get("augment_ask") else []
    except CnnvizError:
        return
    chosen = st.session_state.get("augment_run")
    for run in [run for run in found if run.id == chosen] or found[:1]:
        prefer(run)


def _asked(found: list[Run], names: dict[str, str], image: InputImage | None, policy: Policy) -> None:
    chosen, step, head = _choice(found, names, image, policy)
    try:
        classifier = models_of_runs(chosen)
        if classifier is None:
            return
        shown = {names[run.id]: model for run, model in zip(chosen, classifier, strict=True)}
        if image is not None:
            _one_image(image, shown, step, head, policy)
        _many_images(chosen, shown, step, head, policy)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")


def _choice(
    found: list[Run], names: dict[str, str], image: InputImage | None, policy: Policy
) -> tuple[list[Run], Step, str]:
    dataset = image.identity[1].dataset if image is not None and image.dataset is not None else None
    found = sorted(found, key=lambda run: recipe_of(run).data.dataset != dataset)  # those that know such images first
    by_id = {run.id: run for run in found}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _drop("augment_run", by_id)
        first = st.selectbox(
            "Model",
            list(by_id),
            format_func=names.__getitem__,
            key="augment_run",
            persist_state="session",
            width=300,
            on_change=_with_its_own_image,
            help="A run whose best epoch predicts.",
        )
        heads = [head.name for head in recipe_of(by_id[first]).network.heads]
        others = [run for run in by_id if run != first and _alike(by_id[first], by_id[run])]
        _drop("augment_beside", [None, *others])
        beside = st.selectbox(
            "Beside",
            [None, *others],
            format_func=lambda run: names[run] if run else "No other",
            key="augment_beside",
            persist_state="session",
            width=300,
            help="Another run with the same classes, such as one trained without this policy.",
        )
        steps = _steps(policy)
        _drop("augment_asked_step", steps)
        kind = st.selectbox(
            "Step",
            list(steps),
            format_func=lambda kind: STEPS[kind].title,
            key="augment_asked_step",
            persist_state="session",
            width=180,
            help="The policy's steps first, then all others.",
        )
        _drop("augment_head", heads)
        head = heads[0]
        if len(heads) > 1:
            head = st.selectbox("Head", heads, key="augment_head", width=140, help="Which of its predictions is shown.")
        bounds = STEPS[kind].bounds
        wide = bounds is not None and st.toggle(
            "All that is possible",
            key="augment_wide",
            persist_state="session",
            help="From the lowest to the highest value that the step can have, instead of the policy's range.",
        )
    step = steps[kind]
    if wide and bounds is not None:
        step = Step(type=kind, low=bounds[0], high=bounds[1])
    return [by_id[run] for run in (first, beside) if run], step, head


def _drop(key: str, allowed: Collection[Any]) -> None:
    """Forgets a choice that is no longer there."""
    if key in st.session_state and st.session_state[key] not in allowed:
        del st.session_state[key]


def _alike(one: Run, other: Run) -> bool:
    def heads(run: Run) -> list[tuple[str, int]]:
        return [(head.name, head.classes) for head in recipe_of(run).network.heads]

    return heads(one) == heads(other) and recipe_of(one).data.dataset == recipe_of(other).data.dataset


def _steps(policy: Policy) -> dict[str, Step]:
    """The steps to measure: the policy's with their ranges, then the others with their usual ones."""
    usual = {
        kind: Step(type=kind, low=(about.default or (None, None))[0], high=(about.default or (None, None))[1])
        for kind, about in STEPS.items()
        if about.group != "batch"
    }
    own = {step.type: step for step in policy.steps if step.type in usual}
    return {**own, **{kind: step for kind, step in usual.items() if kind not in own}}


def _values(step: Step, count: int) -> list[float]:
    if step.low is None:
        return [0.0, 1.0]
    low, high = step.ends
    return [low] if low == high else [float(f"{value:.6g}") for value in np.linspace(low, high, count)]


def _axis(step: Step) -> tuple[float, str]:
    """By what values are multiplied for the axis, and the unit."""
    factor, unit = STEPS[step.type].shown
    if not STEPS[step.type].bounds:
        return 1, ""
    return factor, " %" if unit == "%" else unit


def _identity(step: Step, factor: float) -> float | None:
    identity = STEPS[step.type].identity
    return None if identity is None else identity * factor


def _one_image(image: InputImage, shown: dict[str, LockedModel], step: Step, head: str, policy: Policy) -> None:
    fine, coarse = _values(step, FINE), _values(step, COARSE)
    factor, unit = _axis(step)
    found = {
        label: _along(model, _mark(model), image, image.identity, step, policy.fill_mode, policy.fill_value)[head]
        for label, model in shown.items()
    }
    size = display_size(image.shown.shape, 128)
    strip = augment.sweep(image.shown, step.type, coarse, size=size, policy=policy)
    classes = next(iter(shown.values())).classifier.classes[head]
    _message(image, found, classes)
    st.plotly_chart(
        prediction_curves(
            [value * factor for value in fine],
            found,
            classes,
            unit=unit,
            identity=_identity(step, factor),
            images=[(value * factor, image_bytes(one)) for value, one in zip(coarse, strip, strict=True)],
        ),
        config=CONFIG,
        key="augment_answers",
        alt=f"Class probabilities of the image as {STEPS[step.type].title} goes from its lowest to its highest value",
    )


def _mark(model: LockedModel) -> tuple[str, int]:
    """Tells a loaded model from every other one."""
    return model.classifier.name, id(model.classifier.model)


@st.cache_data(show_spinner=False, max_entries=64)
def _along(
    _model: LockedModel, mark: tuple, _image: InputImage, identity: tuple, step: Step, fill_mode: str, fill_value: int
) -> dict[str, np.ndarray]:
    policy = Policy(fill_mode=fill_mode, fill_value=fill_value)
    values = _values(step, FINE)
    recipe = _model.classifier.recipe
    assert recipe is not None  # as it is a run's
    return along(_model.outputs, _image.shown, step.type, values, recipe, policy=policy)


def _message(image: InputImage, found: dict[str, np.ndarray], classes: tuple[str, ...]) -> None:
    parts = []
    for label, probabilities in found.items():
        predictions = [classes[index] for index in dict.fromkeys(probabilities.argmax(axis=1).tolist())]
        said = (
            f"always {predictions[0]}"
            if len(predictions) == 1
            else f"{', '.join(predictions[:-1])} or {predictions[-1]}"
        )
        parts.append(f"{label}: {said}" if len(found) > 1 else f"It predicts {said}")
    st.markdown(f"**{plain(image.title)}** · {plain('; '.join(parts))}.")


def _many_images(chosen: list[Run], shown: dict[str, LockedModel], step: Step, head: str, policy: Policy) -> None:
    values = _values(step, COARSE)
    background_job.say_end(background_job.ended_job(_WORK))
    known = {label: cached_changes(run, step, values, policy) for label, run in zip(shown, chosen, strict=True)}
    found = {label: changes for label, changes in known.items() if changes is not None}
    if len(found) == len(known):
        _charts(found, step, head)
        return
    if background_job.has_job(_WORK):
        return
    pairs = [(run, model) for run, model in zip(chosen, shown.values(), strict=True)]

    def work_through(progress: Progress, cancelled: CancelCheck) -> list[Changes]:
        return [
            measure(run, model.outputs, step, values, policy, progress=progress, cancelled=cancelled)
            for run, model in pairs
        ]

    st.button(
        f"Ask about {LIMIT} test images",
        icon=":material/query_stats:",
        key="augment_measure",
        on_click=background_job.start,
        args=(_WORK, work_through, "Reading the test images"),
        help=f"Predicts at most {LIMIT} images of the test split (validation's where there is none) at each of "
        f"{len(values)} strengths. The result is kept with the run.",
    )


def _charts(found: dict[str, Changes], step: Step, head: str) -> None:
    factor, unit = _axis(step)
    first = next(iter(found.values()))
    st.caption(f"Over {first.images:,} held-out images. Dotted: the accuracy on them as they are.")
    axis = [value * factor for value in first.values]
    left, right = st.columns(2)
    left.plotly_chart(
        share_curves(
            axis,
            {label: one.changed[head] for label, one in found.items()},
            title="Predictions that change",
            unit=unit,
            identity=_identity(step, factor),
        ),
        config=CONFIG,
        key="augment_changed",
        alt="Fraction of images whose prediction differs from that to the untouched image, at each strength",
    )
    right.plotly_chart(
        share_curves(
            axis,
            {label: one.accuracy[head] for label, one in found.items()},
            title="Accuracy",
            unit=unit,
            identity=_identity(step, factor),
            levels={label: one.untouched[head] for label, one in found.items()},
        ),
        config=CONFIG,
        key="augment_accuracy",
        alt="Accuracy at each strength; dotted, on untouched images",
    )
