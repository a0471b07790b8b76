"""Two side by side: two images through one model, one image through two models, or two epochs of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from cnnviz import images, runs
from cnnviz.data.samples import sample_names
from cnnviz.errors import CnnvizError
from cnnviz.mosaics import channel_maps
from cnnviz.runs import recipe_of, snapshots
from cnnviz.runs.compare import labels
from cnnviz.ui.inputs.input_image import InputImage, held_out, of_item, of_sample, of_upload
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource, of_run, runs_with_model
from cnnviz.ui.inputs.model_cache import open_models as opened_models
from cnnviz.ui.inputs.watched_images import watched_images
from cnnviz.ui.inside.activation_cache import layer_values, seen_by, table_of
from cnnviz.ui.inside.comparison_views import Side, draw_comparison
from cnnviz.ui.inside.selection import Inspection
from cnnviz.ui.markdown import plain

__all__ = ["beside_part"]

WHAT = {"pictures": "Two images", "networks": "Two models", "epochs": "Two epochs"}
_KEY = "inside_beside"
_CLASSES = 3
_OWN, _ITEM = "An image of yours", "A test image"
_NONE = "There is no other run with a model; train one, and it can be seen beside this one."


def beside_part(opened: Inspection) -> None:
    """Draws the choice of what stands beside what is open, and the open layer's channels of both."""
    run = opened.source.run
    moments = snapshots.moments(run.folder) if run is not None else []
    offered = [what for what in WHAT if what != "epochs" or len(moments) > 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        what = st.segmented_control(
            "What differs",
            offered,
            default=offered[0],
            format_func=WHAT.__getitem__,
            key=f"{_KEY}_what",
            required=True,
            help="Two images through this model; this image through two models; or this run's model after "
            "two of its epochs, where it kept snapshots.",
        )
        sides = {"pictures": _images, "networks": _models, "epochs": _epochs}[what](opened)
    if len(moments) < 2 and what == "pictures":
        st.caption("Two epochs can be compared of a run that kept snapshots while it was trained.")
    if isinstance(sides, str):
        st.info(plain(sides), icon=":material/info:")
    elif sides is not None:
        draw_comparison(*sides, channels_match=what != "networks")


Sides = tuple[Side, Side] | str | None


def _images(opened: Inspection) -> Sides:
    image = _other_image(opened, _KEY)
    if image is None or isinstance(image, str):
        return image
    try:
        seen = seen_by(opened.source, opened.model, image)
    except CnnvizError as error:
        return str(error)
    other = replace(opened, image=image, seen=seen, pixels=opened.model.classifier.pixels(seen[None]))
    return _made((opened, opened.image.title), (other, image.title))


def _models(opened: Inspection) -> Sides:
    found = _other_model(opened, _KEY)
    if found is None or isinstance(found, str):
        return found
    source, model = found
    try:
        seen = seen_by(source, model, opened.image)
    except CnnvizError as error:
        return str(error)
    table = table_of(source, model)
    if table is None or isinstance(table, str):
        return table
    drawable = {row.name: row.type for row in table if len(row.shape) in (1, 3)}
    layer = st.selectbox(
        "Its layer",
        list(drawable),
        index=list(drawable).index(_like(opened, drawable)),
        width=220,
        key=f"{_KEY}_layer_{abs(hash(source.stamp))}_{opened.layer}",
        help="Which layer of the other model stands beside the open one.",
    )
    other = replace(
        opened,
        model=model,
        source=source,
        seen=seen,
        pixels=model.classifier.pixels(seen[None]),
        table=table,
        layer=layer,
        channel=0,
    )
    return _made((opened, opened.source.title), (other, source.title))


def _like(opened: Inspection, layers: dict[str, str]) -> str:
    """The layer of this name, or else that of the same type, or any, which is as far in its model."""
    if opened.layer in layers:
        return opened.layer
    mine, kind = {row.name: row.type for row in opened.table}, opened.row.type
    alike = [name for name in layers if layers[name] == kind]
    ranks = [name for name in mine if not alike or mine[name] == kind]
    found = alike or list(layers)
    return found[ranks.index(opened.layer) * len(found) // len(ranks)]


def _made(*sides: tuple[Inspection, str]) -> Sides:
    """What both give; `None` while one is computed."""
    made = []
    for one, title in sides:
        values = layer_values(one, one.layer)
        if values is None or isinstance(values, str):
            return values
        if values.ndim not in (1, 2, 3):
            return f"{one.layer} gives {' × '.join(map(str, values.shape))} numbers, which can't be drawn as maps."
        try:
            predictions = _predictions(one, one.identity)
        except CnnvizError as error:
            return str(error)
        made.append(Side(title, one.seen, channel_maps(values), one.layer, predictions))
    return made[0], made[1]


@st.cache_data(show_spinner=False, max_entries=64)
def _predictions(_opened: Inspection, identity: tuple) -> dict[str, list[tuple[str, float]]]:
    classifier = _opened.model.classifier
    found = _opened.model.predict(_opened.seen[None])
    return {
        head.name: _likeliest(probabilities[0], classifier.classes[head.name])
        for head, probabilities in zip(classifier.heads, found, strict=True)
    }


def _likeliest(probabilities: np.ndarray, classes: tuple[str, ...]) -> list[tuple[str, float]]:
    return [
        (classes[one], float(probabilities[one]))
        for one in np.argsort(-probabilities, kind="stable")[:_CLASSES].tolist()
    ]


def _epochs(opened: Inspection) -> Sides:
    assert opened.source.run is not None  # as two epochs are offered of runs only
    folder = opened.source.run.folder
    found, probe = snapshots.moments(folder), watched_images(opened.source.run)
    if probe is None:
        return "The images of this run's snapshots can't be read."
    chosen = [
        st.selectbox(
            name,
            found,
            index=at,
            key=f"{_KEY}_{name.lower()}",
            width=220,
            help="The model as it was at this moment of its training.",
        )
        for name, at in (("Moment", 0), ("And", len(found) - 1))
    ]
    number = st.selectbox(
        "Image",
        range(len(probe.names)),
        format_func=lambda one: probe.names[one],
        key=f"{_KEY}_probe",
        width=200,
        help="One of the validation images that were followed through the training.",
    )
    both_read = [snapshots.read_snapshot(folder, moment, probe) for moment in chosen]
    both_taken = [one for one in both_read if one is not None]
    if len(both_taken) < len(both_read):
        return "One of these snapshots can't be read; choose another moment."
    layers = [one.layer for one in both_taken[0].maps]
    if not layers:
        return "The model has no convolution, so that its snapshots have no feature maps."
    start = layers.index(opened.layer) if opened.layer in layers else 0
    layer = st.selectbox(
        "Convolution",
        layers,
        index=start,
        key=f"{_KEY}_convolution_{opened.layer}",
        width=180,
        help="Snapshots have the feature maps of convolutions, small.",
    )
    sides = []
    for moment, taken in zip(chosen, both_taken, strict=True):
        kept = next((one for one in taken.maps if one.layer == layer), None)
        if kept is None:
            return f"The snapshot of this moment ({moment}) has no feature maps of {layer}."
        values, (height, width, count) = kept.values(number), kept.shape
        note = f" The first of its {count:,} channels." * (values.shape[2] < count)
        note += f" Means of {height} × {width} positions." * (values.shape[:2] != (height, width))
        predictions = {
            head: _likeliest(probabilities[number], probe.classes[head])
            for head, probabilities in taken.probabilities.items()
        }
        sides.append(Side(str(moment), probe.images[number], values, layer, predictions, note))
    return sides[0], sides[1]


def _other_image(here: Inspection, key: str) -> InputImage | str | None:
    """Draws the choice of another image and returns it; a sentence where there is none, `None` before it is chosen.

    Args:
        here: what is open.
        key: what the widgets' keys begin with.
    """
    run = here.source.run
    samples = [name for name in sample_names() if ("sample", name) != here.image.identity]
    ways = [*([_ITEM] if run is not None else []), *samples, _OWN]
    chosen = st.selectbox(
        "Beside it",
        ways,
        index=1 if run is not None and samples else 0,
        key=f"{key}_photo",
        width=200,
        format_func=lambda way: way if way in (_OWN, _ITEM) else way.capitalize(),
        help="The image that stands beside the one above: a sample, an image that this run was not trained on, or "
        "an image of yours.",
    )
    try:
        if chosen == _OWN:
            return _upload(key)
        if chosen != _ITEM or run is None:
            return of_sample(chosen)
        count = held_out(run)[1]
        number = st.number_input(
            "Number",
            1,
            max(1, count),
            key=f"{key}_item",
            width=120,
            help=f"One of {count:,} images that the run was not trained on.",
        )
        return of_item(run, int(number))
    except CnnvizError as error:
        return str(error)


def _upload(key: str) -> InputImage | None:
    file = st.file_uploader(
        "An image",
        key=f"{key}_file",
        max_upload_size=images.MAX_BYTES >> 20,
        width=320,
        help="JPEG, PNG, WebP, GIF, BMP or TIFF. It stays on this computer, and is not stored.",
    )
    return None if file is None else of_upload(file.name, file.getvalue())


def _other_model(here: Inspection, key: str) -> tuple[ModelSource, LockedModel] | str | None:
    """Draws the choice of another model; returns it loaded, a sentence why there is none, `None` while it loads.

    Args:
        here: what is open.
        key: what the widgets' keys begin with.
    """
    listed = runs.listing()
    names = labels(listed)
    mine = here.source.run.id if here.source.run is not None else here.source.id.partition("/")[0]
    theirs = [run for run in runs_with_model(listed) if run.id != mine]
    if (recipe := here.model.classifier.recipe) is not None:  # those that know such images first
        theirs.sort(key=lambda run: recipe_of(run).data.dataset != recipe.data.dataset)
    others = {run.id: run for run in theirs}
    if not others:
        return _NONE
    chosen = st.selectbox(
        "Beside it",
        list(others),
        format_func=names.__getitem__,
        key=f"{key}_network",
        width=300,
        help="The run whose model stands beside the one above.",
    )
    source = of_run(others[chosen], names[chosen])
    found = next(iter(opened_models([source]) or []), None)
    if found is None or isinstance(found, str):
        return found
    return source, found
