"""Where the images of Predict and Inside come from: a drop zone, samples, the camera, held-out images."""

from __future__ import annotations

import base64

import cv2
import streamlit as st

from cnnviz import images
from cnnviz.augment.preview import display_size, image_bytes
from cnnviz.data.samples import sample, sample_names
from cnnviz.errors import CnnvizError
from cnnviz.runs import Run
from cnnviz.ui.inputs.input_image import InputImage, held_out, of_item, of_sample, of_upload
from cnnviz.ui.inputs.selection import MOST_IMAGES, Choice, add
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

__all__ = ["image_choice", "item_choice"]

SAMPLES = 4
THUMB = 240
_FILES, _ONE_FILE, _CAMERA = "predict_files", "inside_file", "predict_camera"


def image_choice(choice: Choice) -> None:
    """Draws the ways to choose images; what is chosen goes into `choice`.

    Where one is shown alone, all but the samples is folded, as the page is about what comes after.
    """
    if choice.single:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="predict_sources"):
            _samples(choice)
            with st.popover(
                "Another image",
                icon=":material/add_photo_alternate:",
                on_change="rerun",
                key="predict_others",
                help="An image of yours: from a file, or by this device's camera.",
            ) as place:
                if place.open:
                    _files(choice)
                    _camera(choice, _camera_toggle())
    else:
        _files(choice)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="predict_sources"):
            _samples(choice)
            camera = _camera_toggle()
            st.toggle(
                "Side by side",
                key=seed("predict_beside", choice.beside),
                on_change=lambda: setattr(choice, "beside", st.session_state["predict_beside"]),
                help="On: an image that you choose stands beside those that are shown. Off: in their place.",
            )
        _camera(choice, camera)
    if choice.refused:
        _refused(choice)


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
        "computer: decoded by this server, and not stored.",
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


def item_choice(choice: Choice, run: Run) -> None:
    """Draws the choice of an image of the run's own held-out split; the data are opened when it is unfolded."""
    with st.popover(
        "Test image",
        icon=":material/dataset:",
        on_change="rerun",
        key="predict_items",
        help="An image of this run's data that it was not trained on, with its true label.",
    ) as place:
        if place.open:
            _items(choice, run)


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
            taken.append(of_upload(name, data))
        except CnnvizError as error:
            choice.refused.append((name, str(error)))
    if taken:
        add(choice, taken)


def _items(choice: Choice, run: Run) -> None:
    try:
        split, count = held_out(run)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    choice.item = min(max(1, choice.item), max(1, count))
    key = f"predict_item_{choice.item}"  # a new field for each number that a button has set
    st.number_input(
        f"Image of the {split} split",
        1,
        max(1, count),
        choice.item,
        key=key,
        on_change=_take_item,
        args=(choice, run, key),
        help=f"One of {count:,} images that this run was not trained on.",
    )
    with st.container(horizontal=True):
        st.button(
            "Show it",
            key="predict_item_show",
            on_click=_show_item,
            args=(choice, run),
            help="Shows this image with its true label.",
        )
        st.button(
            "Another one",
            icon=":material/casino:",
            key="predict_item_another",
            on_click=_another,
            args=(choice, run),
            help="Shows an image from elsewhere in the split.",
        )


def _take_item(choice: Choice, run: Run, key: str) -> None:
    choice.item = int(st.session_state[key] or 1)
    _show_item(choice, run)


def _another(choice: Choice, run: Run) -> None:
    choice.item = (choice.item - 1 + 7919) % max(1, held_out(run)[1]) + 1
    _show_item(choice, run)


def _show_item(choice: Choice, run: Run) -> None:
    choice.refused.clear()
    try:
        add(choice, [of_item(run, choice.item)])
    except CnnvizError as error:
        choice.refused.append((f"Image {choice.item:,}", str(error)))


@st.cache_data(show_spinner=False)
def _style(names: tuple[str, ...]) -> str:
    """The samples' buttons as images of them; without the style they are buttons with their names."""
    rules = []
    for name in names:
        image = sample(name)
        size = display_size(image.shape, THUMB)
        data = base64.b64encode(image_bytes(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA))).decode()
        rules.append(
            f".st-key-predict_sample_{name} button {{ background-image: linear-gradient(transparent 35%, "
            f'rgb(0 0 0 / 0.75)), url("data:{_kind(data)};base64,{data}"); }}'
        )
    return f"<style>{_BUTTON}{' '.join(rules)}</style>"


def _kind(data: str) -> str:
    return "image/png" if data.startswith("iVBOR") else "image/webp" if data.startswith("UklGR") else "image/jpeg"


_BUTTON = """
[class*="st-key-predict_sample_"] button {
  width: 5.75rem; height: 4rem; padding: 0 0.4rem 0.15rem; background-size: cover; background-position: center;
  align-items: flex-end; justify-content: flex-start; color: #fff;
}
[class*="st-key-predict_sample_"] button:is(:hover, :focus, :active) { color: #fff; }
[class*="st-key-predict_sample_"] button p { font-size: 0.8rem; font-weight: 600; }
"""
