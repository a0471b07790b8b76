"""Where the images of Predict and Inside come from: a drop zone, samples, the camera, held-out images."""

from __future__ import annotations

from dataclasses import replace

import cv2
import streamlit as st

from cnnviz import images
from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.data.samples import sample, sample_names
from cnnviz.errors import CnnvizError
from cnnviz.figures.html import render
from cnnviz.runs import Run
from cnnviz.ui.inputs.drawing import can_draw, drawing_part, drawing_toggle, fit_drawing
from cnnviz.ui.inputs.held_out_images import draw_thumbnails, has_own_images, settle_image
from cnnviz.ui.inputs.input_image import InputImage, of_sample, of_upload
from cnnviz.ui.inputs.model_cache import ModelSource
from cnnviz.ui.inputs.selection import MOST_IMAGES, Choice, add
from cnnviz.ui.inputs.upload_store import upload_store
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

__all__ = ["image_choice", "settle_images"]

SAMPLES = 4
THUMB = 240
_FILES, _ONE_FILE, _CAMERA = "predict_files", "inside_file", "predict_camera"


def settle_images(choice: Choice, run: Run | None) -> None:
    """Puts the images in place that a page opens with, and fits a drawing to the model, before any of it is drawn.

    Args:
        choice: of images.
        run: of the first model; `None` where it is of none.
    """
    if choice.single or not choice.images:
        settle_image(choice, _own(choice, run))
    if run is not None and choice.drawing and can_draw(run):
        fit_drawing(choice, run)


def _own(choice: Choice, run: Run | None) -> Run | None:
    """The run whose held-out images are offered instead of samples."""
    return run if run is not None and choice.single and has_own_images(run) else None


def image_choice(choice: Choice, run: Run | None = None, source: ModelSource | None = None) -> None:
    """Draws the ways to choose images; what is chosen goes into `choice`, which `settle_images` has settled.

    Where one is shown alone, all but a row of images is folded, as the page is about what comes after; the row is of
    the run's own held-out images, instead of samples, where the model knows no photos.

    Args:
        choice: of images.
        run: of the first model; `None` where it is of none.
        source: the first model, whose answer stands beside a drawing.
    """
    own = _own(choice, run)
    pad = run if run is not None and can_draw(run) else None
    drawing = pad is not None and choice.drawing
    if not choice.single:
        _files(choice)
    if own is not None and not drawing:
        draw_thumbnails(choice, own)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="predict_sources"):
        if own is None:
            _samples(choice)
        if choice.single:
            _others(choice, samples=own is not None)
        if run is not None and own is None:
            _test_images(choice, run)
        if pad is not None:
            drawing_toggle(choice, pad)
        camera = False
        if not choice.single:
            camera = _camera_toggle()
            st.toggle(
                "Add to these",
                key=seed("predict_beside", choice.beside),
                on_change=lambda: setattr(choice, "beside", st.session_state["predict_beside"]),
                help="On: an image that you choose is added to those that are shown. Off: it takes their place.",
            )
    if pad is not None and drawing:
        drawing_part(choice, pad, source)
    _camera(choice, camera)
    if choice.refused:
        _refused(choice)


def _others(choice: Choice, *, samples: bool) -> None:
    with st.popover(
        "Another image",
        icon=":material/add_photo_alternate:",
        on_change="rerun",
        key="predict_others",
        help="An image of yours, from a file or by this device's camera" + (", or a sample." if samples else "."),
    ) as place:
        if place.open:
            _files(choice)
            _camera(choice, _camera_toggle())
            if samples:
                with st.container(horizontal=True, gap="small"):
                    _samples(choice)


def _files(choice: Choice) -> None:
    st.file_uploader(
        "Drop images here",
        accept_multiple_files=not choice.single,
        key=_ONE_FILE if choice.single else _FILES,
        on_change=_take_files,
        args=(choice,),
        max_upload_size=images.MAX_BYTES >> 20,
        width="stretch",
        help="JPEG, PNG, WebP, GIF, BMP or TIFF, up to 20 MB each; reduced beyond 50 megapixels. They stay on this "
        "computer: for an hour in this server's memory, so that a reload shows them, and never on a disk.",
    )


def _samples(choice: Choice) -> None:
    names = sample_names()[:SAMPLES]
    st.html(_style(names))
    for name in names:
        st.button(
            name.capitalize(),
            key=f"predict_sample_{name}",
            on_click=_take_sample,
            args=(choice, name),
            help=f"Shows the sample image {name.capitalize()}.",
        )


def _camera_toggle() -> bool:
    return st.toggle(
        "Camera",
        key="predict_camera_on",
        persist_state="session",
        help="Takes an image with this device's camera; the browser asks first.",
    )


def _camera(choice: Choice, on: bool) -> None:
    if on:
        st.camera_input(
            "Take an image",
            key=_CAMERA,
            on_change=_take_shot,
            args=(choice,),
            width=420,
            help="The images stay on this computer.",
        )


def _refused(choice: Choice) -> None:
    """The files that can't be used, a sentence each."""
    with st.container(horizontal=True, gap="small"):
        with st.container(width="stretch"):
            lines = [f"- **{plain(name)}**: {plain(message)}" for name, message in choice.refused[:MOST_IMAGES]]
            more = len(choice.refused) - MOST_IMAGES
            still = "\n\nThe image below is still the one before." if choice.single and choice.images else ""
            st.error("\n".join(lines + [f"- … and {more} more"] * (more > 0)) + still, icon=":material/broken_image:")
        st.button(
            "Dismiss",
            icon=":material/close:",
            type="tertiary",
            key="predict_dismiss",
            on_click=choice.refused.clear,
            help="Dismisses this message.",
        )


def _test_images(choice: Choice, run: Run) -> None:
    """The run's own held-out images; the data are opened when they are unfolded."""
    with st.popover(
        "Test image",
        icon=":material/dataset:",
        on_change="rerun",
        key="predict_items",
        help="An image of this run's data that it was not trained on, with its true label.",
    ) as place:
        if place.open:
            draw_thumbnails(choice, run)


def _take_sample(choice: Choice, name: str) -> None:
    choice.refused.clear()
    add(choice, [of_sample(name)])


def _take_files(choice: Choice) -> None:
    """Decodes the files that are new; those that came with an earlier drop are shown already, or were taken away."""
    found = st.session_state[_ONE_FILE if choice.single else _FILES]
    files = found if isinstance(found, list) else [found] if found is not None else []
    new = [file for file in files if file.file_id not in choice.given]
    choice.given = {file.file_id for file in files}
    if new:
        choice.refused.clear()
        _take(choice, [(file.name, file.getvalue()) for file in new])


def _take_shot(choice: Choice) -> None:
    if (shot := st.session_state[_CAMERA]) is not None:
        _take(choice, [("Camera", shot.getvalue())])


def _take(choice: Choice, files: list[tuple[str, bytes]]) -> None:
    taken: list[InputImage] = []
    for name, data in files:
        try:
            image = of_upload(name, data)
        except CnnvizError as error:
            choice.refused.append((name, str(error)))
            continue
        taken.append(replace(image, address=("upload", upload_store().put(name, data))))
    if taken:
        add(choice, taken)


@st.cache_data(show_spinner=False)
def _style(names: tuple[str, ...]) -> str:
    """The samples' buttons as images of them; without the style they are buttons with their names."""
    found = []
    for name in names:
        image = sample(name)
        size = display_size(image.shape, THUMB)
        found.append((name, image_bytes(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA))))
    return render("sample_buttons.html", images=found)
