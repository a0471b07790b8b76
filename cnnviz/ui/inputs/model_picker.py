"""Which models Predict asks and Inside opens: runs, `.keras` files of a person's own, and Keras Applications."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import streamlit as st

from cnnviz.errors import ModelError
from cnnviz.models.load.file_options import OUTPUTS, PIXEL_SCALES, Outputs, Scale, class_lists
from cnnviz.models.load.keras_applications import APPLICATIONS, load_application, weights_path
from cnnviz.runs import Run, recipe_of
from cnnviz.temporary import own_name, room_for
from cnnviz.ui.inputs.held_out_images import knows_photos
from cnnviz.ui.inputs.model_cache import (
    LockedModel,
    ModelSource,
    Progress,
    forget_failures,
    head_of,
    heads_of,
    of_head,
    of_run,
)
from cnnviz.ui.inputs.selection import MOST_MODELS, Choice
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["doubts", "model_choice", "run_of"]

_FILE, _CLASSES, _SCALE, _APPLICATION = "predict_file", "predict_classes", "predict_scale", "predict_application"
_NO_ROOM = "predict_file_no_room"
_OUTPUTS = "predict_outputs"


def model_choice(choice: Choice, runs: dict[str, Run], names: dict[str, str]) -> list[ModelSource]:
    """Draws the choice and returns the models, in the order they were chosen; one where one is shown alone.

    Args:
        choice: where the choice is kept.
        runs: those that have a model, the newest first, by id.
        names: what a person calls them, by id.
    """
    if choice.sources is None:
        choice.sources = first(runs)
    of_runs = _titles(runs, names)
    choice.sources = [one for one in choice.sources if one in of_runs or one in choice.files or _application(one)]
    titles = {
        **of_runs,
        **{key: source.title for key, source in choice.files.items()},
        **{one: f"{APPLICATIONS[_application(one)].title} (ImageNet)" for one in choice.sources if _application(one)},
    }
    if choice.single:
        st.selectbox(
            "Model",
            list(titles),
            format_func=titles.__getitem__,
            on_change=_take_one,
            args=(choice,),
            placeholder="Choose one",
            key=seed("inside_network", next(iter(choice.sources), None)),
            help="Runs that have a model, the newest first. A run of several heads can also be opened as a model "
            "with one of them.",
        )
    else:
        st.multiselect(
            "Model",
            list(titles),
            format_func=titles.__getitem__,
            key=seed("predict_networks", choice.sources),
            max_selections=MOST_MODELS,
            on_change=_take,
            args=(choice,),
            placeholder="Choose one or several",
            help=f"Runs that have a model, the newest first; up to {MOST_MODELS} stand side by side. A run of "
            "several heads can also be opened as a model with one of them.",
        )
    shown = choice.sources[:1] if choice.single else choice.sources
    with st.popover(
        "Another model",
        icon=":material/add:",
        on_change="rerun",
        key="predict_other",
        help="A .keras file of yours, or a model of Keras Applications that knows ImageNet's 1,000 classes.",
    ) as place:
        if place.open:
            _others(choice)
    return [_source(choice, one, runs, titles) for one in shown]


def first(runs: dict[str, Run]) -> list[str]:
    """Returns which run a page opens with: the newest that takes images in colour, else the newest."""
    images = [key for key, run in runs.items() if knows_photos(recipe_of(run).data)]
    return (images or list(runs))[:1]


def _titles(runs: dict[str, Run], names: dict[str, str]) -> dict[str, str]:
    """What runs are called, each followed by its heads where it has several."""
    titles: dict[str, str] = {}
    for key, run in runs.items():
        titles[key] = names[key]
        titles |= {one: f"{names[key]} · {head} only" for one, head in heads_of(run).items()}
    return titles


def _application(source: str) -> str:
    """The name of the Keras Application that the id of a source stands for, or ""."""
    kind, _, name = source.partition(":")
    return name if kind == "app" and name in APPLICATIONS else ""


def run_of(choice: Choice, runs: dict[str, Run]) -> Run | None:
    """Returns the run that the first model of the choice comes from, whole or as one head; `None` for other models."""
    return next((_run(one, runs) for one in choice.sources or ()), None)


def _run(source: str, runs: dict[str, Run]) -> Run | None:
    head = head_of(source, runs)
    return head[0] if head is not None else runs.get(source)


def _source(choice: Choice, one: str, runs: dict[str, Run], titles: dict[str, str]) -> ModelSource:
    if one in runs:
        return of_run(runs[one], titles[one])
    if (head := head_of(one, runs)) is not None:
        return of_head(*head, titles[one])
    if one in choice.files:
        return choice.files[one]
    return ModelSource(one, titles[one], ("app", one), partial(load_application, _application(one)))


def _take(choice: Choice) -> None:
    choice.sources = list(st.session_state["predict_networks"])
    forget_failures()


def _take_one(choice: Choice) -> None:
    _use(choice, st.session_state["inside_network"])


def _others(choice: Choice) -> None:
    st.markdown("**A file of yours**")
    st.file_uploader(
        "A .keras file",
        key=_FILE,
        help="As model.save('name.keras') writes it. Models with code of their own (Lambda layers) are refused, and "
        f"files of more than {st.get_option('server.maxUploadSize')} MB unless the server is started with a larger "
        "--server.maxUploadSize.",
    )
    st.text_area(
        "Class names",
        key=_CLASSES,
        height=80,
        placeholder="cat, dog",
        persist_state="session",
        help="Separated by commas, in the order of the training's labels; a line for each of its outputs. Without "
        "names the classes are numbers.",
    )
    st.selectbox(
        "Input preprocessing",
        list(PIXEL_SCALES),
        format_func=PIXEL_SCALES.__getitem__,
        key=_SCALE,
        persist_state="session",
        help="How pixels are scaled before they reach its input. What is scaled inside the model counts as 0..255.",
    )
    st.selectbox(
        "What it gives",
        list(OUTPUTS),
        format_func=_titled,
        key=_OUTPUTS,
        persist_state="session",
        help="Whether its numbers are probabilities already. Its last layers say so nearly always; a choice counts "
        "only where they leave it open.",
    )
    st.button(
        "Use the file",
        icon=":material/check:",
        key="predict_use_file",
        on_click=_use_file,
        args=(choice,),
        disabled=st.session_state.get(_FILE) is None,
        help="Loads the model and predicts the images.",
    )
    if message := st.session_state.pop(_NO_ROOM, ""):
        st.error(plain(message))
    st.markdown("**Keras Applications**")
    ready = {name: weights_path(one.url).is_file() for name, one in APPLICATIONS.items()}
    name = st.selectbox(
        "Trained on ImageNet",
        list(APPLICATIONS),
        key=_APPLICATION,
        persist_state="session",
        format_func=lambda name: APPLICATIONS[name].title + ("" if ready[name] else " (to be downloaded)"),
        help="Its weights are read from Keras's folder on this computer, or downloaded into it once.",
    )
    st.button(
        "Use it" if ready[name] else "Download and use it",
        icon=":material/download:",
        key="predict_use_application",
        on_click=_use,
        args=(choice, f"app:{name}"),
        help="Predicts the images with this model.",
    )


def _use(choice: Choice, source: str) -> None:
    others = choice.sources[1:] if choice.single and choice.sources else []
    choice.sources = [source, *(one for one in others if one != source)]
    forget_failures()


def _use_file(choice: Choice) -> None:
    file = st.session_state.get(_FILE)
    if file is None:
        return
    data = file.getvalue()
    try:
        with room_for("the uploaded model"):
            # removed with its last holder
            kept = tempfile.NamedTemporaryFile(**own_name(), suffix=".keras")  # noqa: SIM115
            kept.write(data)
            kept.flush()
    except ModelError as error:
        st.session_state[_NO_ROOM] = str(error)
        return
    source = _file_source(
        hashlib.sha256(data).hexdigest(),
        kept,
        file.name,
        class_lists(st.session_state.get(_CLASSES) or ""),
        st.session_state.get(_SCALE) or "raw",
        st.session_state.get(_OUTPUTS) or "auto",
    )
    _keep(choice, source)
    _use(choice, source.id)


def _keep(choice: Choice, source: ModelSource) -> None:
    """Keeps a file's source under a title that no other has, as Streamlit tells choices apart by what they show."""
    others = {one.title for key, one in choice.files.items() if key != source.id}
    free = (f"{source.title} ({number})" for number in itertools.count(2))
    title = source.title if source.title not in others else next(one for one in free if one not in others)
    choice.files[source.id] = replace(source, title=title)


def _file_source(digest: str, *given: Any) -> ModelSource:
    """The source of a file; `given` is what `_load_file` gets."""
    _, name, classes, scale, outputs = given
    stamp = ("file", digest, tuple(map(tuple, classes or ())), scale, outputs)
    key = f"file:{hashlib.sha256(repr(stamp).encode()).hexdigest()[:12]}"
    return ModelSource(key, name, stamp, partial(_load_file, *given))


def _load_file(
    kept: IO[bytes],
    name: str,
    classes: Sequence[Sequence[str]] | None,
    scale: Scale,
    outputs: Outputs,
    progress: Progress,
) -> Classifier:
    from cnnviz.models.load.load import load_file

    return load_file(Path(kept.name), name=plain_name(name), classes=classes, scale=scale, outputs=outputs)


def doubts(choice: Choice, source: ModelSource, model: LockedModel) -> None:
    """Says what can't be known of a model's numbers, with a button for each thing that they may be."""
    for message in model.classifier.doubts:
        with st.container(key=f"network_doubt_{source.id[-6:]}"):
            st.warning(f"**{plain(source.title)}**: {plain(message)}", icon=":material/help:")
            with st.container(horizontal=True):
                for outputs in ("probabilities", "scores"):
                    st.button(
                        f"They are {OUTPUTS[outputs]}",
                        key=f"network_{outputs}_{source.id[-6:]}",
                        on_click=_say,
                        args=(choice, source.id, outputs),
                        help="Predicts again with its numbers taken so.",
                    )
        return  # one choice is for all outputs


def _say(choice: Choice, key: str, outputs: Outputs) -> None:
    """Puts the same file, with its numbers taken as a person says, in the place of one that is shown."""
    old = choice.files.pop(key)
    assert isinstance(old.load, partial)  # as `_file_source` makes it
    said = _file_source(old.stamp[1], *old.load.args[:-1], outputs)
    _keep(choice, said)
    choice.sources = [said.id if one == key else one for one in choice.sources or ()]
    forget_failures()


def _titled(outputs: str) -> str:
    return OUTPUTS[outputs][:1].upper() + OUTPUTS[outputs][1:]


def plain_name(name: str) -> str:
    """Returns a file's name as it stands in sentences: on one line, and not too long."""
    return " ".join(name.split())[-80:]
