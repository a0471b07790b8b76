"""Images of a person's own, dropped in class by class, for the Train page's data card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import streamlit as st

from cnnviz import images
from cnnviz.data import own_images
from cnnviz.data.own_images import Classes, Drop
from cnnviz.errors import DataError
from cnnviz.figures.html import render
from cnnviz.ui.components.component import component
from cnnviz.ui.inputs.input_image import refusal
from cnnviz.ui.markdown import plain
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train.recipe_draft import Draft, key

__all__ = ["class_rows", "drop_zone"]

THUMBNAILS = 8
THUMB = 48  # pixels on the page
MOST_ROWS = 40  # classes that are listed
NAMES = 5  # files that are named for a reason
_CLASS, _FILES, _LEFT_OUT = "own.class", "own.files", "own_left_out"

STYLE = """
<style>
.st-key-train_drop [data-testid="stFileUploaderDropzone"] {
  min-height: 8rem; flex-direction: column; align-items: center; justify-content: center; border: 2px dashed #7f8c8a;
}
.st-key-train_drop [data-testid="stFileUploaderDropzoneInstructions"] { display: none; }
.st-key-train_drop [data-testid$="Dropzone"]:has([data-testid="stFileUploaderDropzoneInstructions"])::after {
  content: "Drop images or a folder here"; font-size: 0.875rem; opacity: 0.7;
}
</style>
"""
"""The place to drop things looks like one, and says so in the place of how large a file may be."""

Use = Callable[[Path | None], None]
"""Takes another folder of classes into the draft; `None` where no class is left."""


def drop_zone(draft: Draft, folder: Path | None, classes: Classes, use: Use) -> None:
    """Draws the field for a class's name and the one for its images, and takes in what was dropped.

    Args:
        draft: what it is for.
        folder: of what was dropped before; `None` for nothing.
        classes: what lies there.
        use: called with the folder that holds what was dropped, too; the page then runs anew.
    """
    st.text_input(
        "Class",
        key=key(draft, _CLASS, ""),
        placeholder="cat" if not classes else "the next class",
        max_chars=60,
        help="What the images show that you drop in next. A class that is there already gets more images.",
    )
    with st.container(key="train_drop"):
        st.html(STYLE)
        files = st.file_uploader(  # takes any file: one that the browser turned away would not be heard of
            "Its images",
            accept_multiple_files=True,
            key=draft.name(_FILES),
            help="JPEG, PNG, WebP, GIF, BMP or TIFF, up to 20 MB each. A folder with a folder a class brings all "
            "classes at once. They stay on this computer, in the cache folder.",
        )
    with st.container(key="train_dropped_place"):
        component("dropped_folders")(key="train_dropped_folders")
    if files:
        _take(draft, folder, files, use)
    _left_out()


def _take(draft: Draft, folder: Path | None, files: Sequence, use: Use) -> None:
    bar = st.empty()
    typed = st.session_state.get(draft.name(_CLASS)) or ""
    drop = Drop(folder)
    into, notes = own_images.place([file.name for file in files], typed.strip(), drop.classes)
    for number, (file, name) in enumerate(zip(files, into, strict=True), 1):
        bar.progress(number / len(files), f"Reading images · {number:,} of {len(files):,}")
        if name:
            drop.take(file.name, file.getvalue(), name, refusal)
    try:
        kept = drop.keep() if drop.taken else None
    except DataError as error:
        kept, notes = None, [str(error)]
    bar.empty()
    lines = [(_named(names), reason) for reason, names in drop.refused.items()]
    st.session_state[_LEFT_OUT] = [*lines, *(("", note) for note in notes)]
    state.reset_widgets(_CLASS, _FILES)
    if kept is not None:
        use(kept)
    st.rerun()


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _left_out() -> None:
    """What was not taken of the last drop, a sentence for each reason."""
    lines = st.session_state.get(_LEFT_OUT)
    if not lines:
        return
    text = "\n".join(f"- **{plain(names)}**: {plain(why)}" if names else f"- {plain(why)}" for names, why in lines)
    st.warning(text, icon=":material/broken_image:")
    st.button(
        "Dismiss",
        icon=":material/close:",
        type="tertiary",
        key="train_own_dismiss",
        on_click=st.session_state.pop,
        args=(_LEFT_OUT,),
        help="Dismisses this message.",
    )


def class_rows(draft: Draft, folder: Path, classes: Classes, use: Use) -> None:
    """Draws a row for each class: its name to be changed, how many images it has, some of them, and its removal."""
    for number, (name, files) in enumerate(list(classes.items())[:MOST_ROWS]):
        with st.container(horizontal=True, vertical_alignment="center", key=f"train_own_{number}"):
            st.text_input(
                f"Name of class {number + 1}",
                key=key(draft, f"own.name.{name}", name),
                on_change=_rename,
                args=(draft, folder, name, use),
                label_visibility="collapsed",
                width=150,
                max_chars=60,
            )
            st.button(
                "Remove",
                icon=":material/delete:",
                type="tertiary",
                key=draft.name(f"own.remove.{name}"),
                on_click=_remove,
                args=(draft, folder, name, use),
                help=f"Removes {plain(name)} and its images; the browser's Back brings them back.",
            )
            made = [_thumbnail(str(path)) for path in files[:THUMBNAILS]]
            st.html(render("thumbnails.html", images=made, name=name, count=f"{len(files):,}", side=THUMB))
    if len(classes) > MOST_ROWS:
        st.caption(f"… and {len(classes) - MOST_ROWS:,} more classes.")


@st.cache_data(show_spinner=False, max_entries=2000)
def _thumbnail(path: str) -> bytes:
    """A kept image, which never changes, as a small square JPEG."""
    small = images.fit(images.decode(Path(path)), (2 * THUMB, 2 * THUMB), channels=3, crop="centre")
    encoded: bytes = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()
    return encoded


def _rename(draft: Draft, folder: Path, name: str, use: Use) -> None:
    _change(draft, use, lambda: own_images.renamed(folder, name, state.picked_value(f"own.name.{name}") or ""))


def _remove(draft: Draft, folder: Path, name: str, use: Use) -> None:
    _change(draft, use, lambda: own_images.removed(folder, name))


def _change(draft: Draft, use: Use, change: Callable[[], Path | None]) -> None:
    st.session_state.pop(_LEFT_OUT, None)
    try:
        use(change())
    except DataError as error:
        st.session_state[_LEFT_OUT] = [("", str(error))]
    state.reset_widgets(*[path for path in draft.names if path.startswith("own.name.")])
