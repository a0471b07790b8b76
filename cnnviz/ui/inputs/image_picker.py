"""Which image pages show: a sample image, one of a dataset, or an upload. All pages share the choice.

It is kept in the session and, uploads apart, named in the address: `?sample=chelsea` or `?data=digits&item=3`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from cnnviz import images
from cnnviz.data import Dataset, catalogue
from cnnviz.data.samples import sample_names
from cnnviz.errors import CnnvizError
from cnnviz.recipe import Data, parse
from cnnviz.runs import Run, recipe_of
from cnnviz.ui.components.thumbnails import Thumbnail, thumbnails
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.held_out_images import SHOWN, SIDE, has_own_images
from cnnviz.ui.inputs.input_image import InputImage, labels_of, of_sample, of_upload
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params

__all__ = ["companions", "image_picker", "prefer", "train_data"]

LONGEST = 1600
"""The longest side that an upload is kept with, in pixels; models see at most 1,024."""
MOST = 1000
_SOURCES = {"sample": "Sample", "data": "Data", "upload": "Upload"}
_CHOICE, _FILE = "picture_choice", "picture_file"
_NAMES = ("sample", "data", "item")


@dataclass
class _Choice:
    source: str = "sample"
    sample: str = ""
    data: str = ""
    item: int = 1
    page: int = 0
    chosen: bool = False
    upload: InputImage | None = None
    refused: str = ""


def image_picker() -> InputImage | None:
    """Draws the choice in one row and returns the image, or `None` after saying in a sentence what is missing."""
    choice = _choice()
    with st.container(horizontal=True, vertical_alignment="bottom", key="picture_picker"):
        sources = [name for name in _SOURCES if name != "sample" or sample_names()]
        st.session_state["picture_source"] = choice.source if choice.source in sources else "data"
        st.segmented_control(
            "Image",
            sources,
            format_func=_SOURCES.__getitem__,
            required=True,
            key="picture_source",
            on_change=_set_source,
            help="An image that comes with cnnviz, a training image of a dataset, or a file of yours.",
        )
        {"sample": _samples, "data": _data, "upload": _upload}[choice.source](choice)
    try:
        if choice.source == "data":
            _thumbnails(choice)
        image = _image(choice)
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    if choice.source == "upload" and choice.refused:
        st.error(plain(choice.refused), icon=":material/error:")
    elif choice.source == "upload" and image is not None and image.notes:
        st.caption(plain(" ".join(image.notes)))
    elif image is None:
        st.info("Choose a file: JPEG, PNG, WebP, GIF, BMP or TIFF, up to 20 MB.", icon=":material/upload:")
    return image


def _choice() -> _Choice:
    session = st.session_state
    if _CHOICE not in session:
        names = sample_names()
        session[_CHOICE] = _Choice("sample", names[0]) if names else _Choice("data", data="digits")
    choice = session[_CHOICE]
    if named := query_params.new_values("picture", _NAMES):
        number = named["item"]
        if named["sample"] in sample_names():
            choice.source, choice.sample, choice.chosen = "sample", named["sample"], True
        elif named["data"] in _ready():
            choice.source, choice.data, choice.chosen = "data", named["data"], True
            choice.item = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1
            choice.item = min(MOST, max(1, choice.item))
            choice.page = (choice.item - 1) // SHOWN
    _name_in_address(choice)
    return choice


def _name_in_address(choice: _Choice) -> None:
    wanted = {}
    if choice.source == "sample":
        wanted = {"sample": choice.sample}
    elif choice.source == "data" and choice.data:
        wanted = {"data": choice.data, "item": str(choice.item)}
    query_params.write("picture", {name: wanted.get(name, "") for name in _NAMES})


def _ready() -> dict[str, str]:
    """Titles of the datasets that are on this computer."""
    return {entry.name: entry.title for entry in catalogue() if entry.ready}


def _set_source() -> None:
    choice = st.session_state[_CHOICE]
    choice.source, choice.chosen = st.session_state["picture_source"], True
    if choice.source == "data" and not choice.data:
        names = _ready()
        trained = train_data()
        choice.data = trained.dataset if trained and trained.dataset in names else next(iter(names))


def _samples(choice: _Choice) -> None:
    st.session_state["picture_sample"] = choice.sample
    st.selectbox(
        "Image",
        sample_names(),
        format_func=str.capitalize,
        key="picture_sample",
        width=200,
        on_change=_set_sample,
        help="Images of scikit-image; they need no Internet connection.",
    )


def _set_sample() -> None:
    choice = st.session_state[_CHOICE]
    choice.sample, choice.chosen = st.session_state["picture_sample"], True


def _data(choice: _Choice) -> None:
    titles = _ready()
    if choice.data not in titles:
        choice.data, choice.item = next(iter(titles)), 1
    st.session_state["picture_data"] = choice.data
    st.selectbox(
        "Dataset",
        list(titles),
        format_func=titles.__getitem__,
        key="picture_data",
        width=240,
        on_change=_set_data,
        help="What comes with cnnviz, was downloaded, or lies in the folder CNNVIZ_DATA.",
    )


def _set_data() -> None:
    choice = st.session_state[_CHOICE]
    choice.data, choice.item, choice.page, choice.chosen = st.session_state["picture_data"], 1, 0, True


def prefer(run: Run) -> None:
    """Puts an image of the run's data in the place of a sample that nobody chose, for callbacks."""
    choice: _Choice | None = st.session_state.get(_CHOICE)
    name = recipe_of(run).data.dataset
    if choice is not None and not choice.chosen and has_own_images(run) and name in _ready():
        choice.source, choice.data, choice.item, choice.page = "data", name, 1, 0


def _thumbnails(choice: _Choice) -> None:
    """Some of the training images, the classes in turn; a click shows one."""
    data = _data_record(choice.data)
    dataset = dataset_cache.open_with_progress(data)
    count = min(MOST, len(dataset.splits["train"]))
    pages = max(1, -(-count // SHOWN))
    choice.page %= pages
    first = choice.page * SHOWN
    heads = tuple(head.name for head in dataset.heads)
    tiles = dataset_cache.tiles(dataset, data, heads, min(SHOWN, count - first), first)

    def take(nth: int) -> None:
        choice.item, choice.chosen = first + nth + 1, True

    thumbnails(
        [
            Thumbnail(
                png, ", ".join(label for _, label in labels_of(dataset, "train", row)), max(data.image_size) < SIDE
            )
            for png, row in tiles
        ],
        f"Training images of {dataset.title}",
        key="picture_thumbnails",
        on_click=take,
        marked=choice.item - 1 - first if first < choice.item <= first + len(tiles) else None,
        more=f"Other training images of {dataset.title}" if pages > 1 else "",
        on_more=lambda: setattr(choice, "page", choice.page + 1),
    )


def _upload(choice: _Choice) -> None:
    st.file_uploader(
        "Your image",
        type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"],
        key=_FILE,
        on_change=_read,
        args=(choice,),
        max_upload_size=images.MAX_BYTES >> 20,
        help="It stays on this computer: decoded by this server, and not stored.",
    )


def _read(choice: _Choice) -> None:
    """Decodes an upload once and keeps it at a size to work with."""
    file = st.session_state[_FILE]
    choice.refused = ""
    if file is None:  # taken away, or turned away by the browser: the one before must not stand in for it
        choice.upload = None
        return
    try:
        choice.upload = of_upload(file.name, file.getvalue(), LONGEST)
    except CnnvizError as error:
        choice.upload, choice.refused = None, str(error)


def _image(choice: _Choice) -> InputImage | None:
    if choice.source == "upload":
        return choice.upload
    if choice.source == "sample":
        return _sample(choice.sample)
    data = _data_record(choice.data)
    return _of_dataset(dataset_cache.open_with_progress(data), data, choice.item - 1)


def _sample(name: str) -> InputImage:
    return replace(of_sample(name), title=name)


def _data_record(name: str) -> Data:
    """The Train page's record of this data, so that numbers are the same there, else its usual one."""
    trained = train_data()
    return trained if trained is not None and trained.dataset == name else Data(dataset=name, image_size=96)


def train_data() -> Data | None:
    """Returns what the Train page learns from; `None` before it was opened or while that has mistakes."""
    draft = st.session_state.get("train_draft")
    try:
        return parse(draft.tree["data"], Data) if draft is not None else None
    except CnnvizError:
        return None


def _of_dataset(dataset: Dataset, data: Data, turn: int) -> InputImage:
    split = dataset.splits["train"]
    order = split.spread(dataset.heads[0].name, MOST)
    return _numbered(dataset, data, int(order[turn % len(order)]))


def _numbered(dataset: Dataset, data: Data, number: int) -> InputImage:
    split = dataset.splits["train"]
    labels, image = labels_of(dataset, "train", number), split.image(number)
    title = f"{', '.join(label for _, label in labels)} ({split.name_of(number)})"
    return InputImage(image, image.shape[:2], title, ("data", data, number), labels, dataset=dataset, number=number)


def companions(image: InputImage, count: int) -> list[InputImage]:
    """Returns other images of the same source, to mix with and to show beside it; fewer where there are no more."""
    if image.dataset is None:
        others = [name for name in sample_names() if ("sample", name) != image.identity]
        return [_sample(name) for name in others[:count]]
    data, split = image.identity[1], image.dataset.splits["train"]
    made: list[InputImage] = []
    for turn in range(1, 4 * count):
        number = (image.number + turn * 7919) % len(split)
        if len(made) == count:
            break
        try:
            made.append(_numbered(image.dataset, data, number))
        except CnnvizError:
            continue
    return made
