"""A run's own held-out images: which models open with one, and a row of small ones to choose from."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnnviz.data import Split
from cnnviz.data.resolve import at_hand
from cnnviz.data.samples import sample_names
from cnnviz.errors import CnnvizError, ImageError
from cnnviz.recipe import Data
from cnnviz.runs import Run, recipe_of
from cnnviz.ui.components.thumbnails import Thumbnail, thumbnails
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.input_image import held_out, of_item, of_sample
from cnnviz.ui.inputs.selection import Choice, add
from cnnviz.ui.markdown import plain

__all__ = ["draw_thumbnails", "has_own_images", "knows_photos", "settle_image"]

PHOTO_SIDE = 96
"""Models that take at least so many pixels a side in colour are taken to know photos."""
SHOWN = 12
SIDE = 88
_MOST = 1200


def knows_photos(data: Data) -> bool:
    """Returns whether a model of such images is taken to know photos such as the samples."""
    return data.channels == 3 and min(data.image_size) >= PHOTO_SIDE


def has_own_images(run: Run) -> bool:
    """Returns whether a run opens with an image of its own data: they are here, and photos would mean nothing to it."""
    data = recipe_of(run).data
    return not knows_photos(data) and at_hand(data.dataset)


def settle_image(choice: Choice, run: Run | None) -> None:
    """Puts the page's own image in the place of one that nobody chose: the first of the run's, else a sample.

    Args:
        choice: of images.
        run: which `has_own_images`; `None` for a sample.
    """
    if choice.chosen:
        return
    try:
        image = None if run is None else of_item(run, int(_order(run)[0]) + 1)
    except CnnvizError:
        image = None
    if image is None and sample_names():
        image = of_sample(sample_names()[0])
    choice.images = [image] if image is not None else choice.images


def draw_thumbnails(choice: Choice, run: Run) -> None:
    """Draws some of the run's held-out images, the classes in turn; a click shows one."""
    try:
        name, count = held_out(run)
        order = _order(run)
        pages = max(1, -(-len(order) // SHOWN))
        page = choice.page % pages
        split = _split(run)
        rows = [int(row) for row in order[page * SHOWN : (page + 1) * SHOWN]]
        tiles = _tiles(split, recipe_of(run).data, name, tuple(rows))
    except CnnvizError as error:
        st.error(plain(error), icon=":material/error:")
        return
    shown = [row for row, _ in tiles]
    at = choice.images[0].identity if choice.images else ()
    marked = next((nth for nth, row in enumerate(shown) if at == ("item", run.id, name, row)), None)

    def take(nth: int) -> None:
        choice.refused.clear()
        add(choice, [of_item(run, shown[nth] + 1)])

    def turn() -> None:
        choice.page = (page + 1) % pages

    thumbnails(
        [tile for _, tile in tiles],
        f"Images of the {name} split, which the model has not learned from",
        key="held_out_images",
        on_click=take,
        marked=marked,
        more=f"Other images of the {count:,}" if pages > 1 else "",
        on_more=turn,
    )


def _split(run: Run) -> Split:
    _, dataset = dataset_cache.fitting(recipe_of(run), anywhere=True)
    return dataset.splits[held_out(run)[0]]


def _order(run: Run) -> np.ndarray:
    """The rows that are offered, int64: the first head's classes in turn."""
    split = _split(run)
    return split.spread(next(iter(split.labels)), _MOST)


@st.cache_data(show_spinner=False, max_entries=64)
def _tiles(_split: Split, data: Data, name: str, rows: tuple[int, ...]) -> list[tuple[int, Thumbnail]]:
    """Those of the rows that can be read, with their images."""
    made = []
    for row in rows:
        try:
            image = _split.image(row)
        except ImageError:
            continue
        title = f"{name.capitalize()} {row + 1:,}"
        made.append((row, Thumbnail(dataset_cache.tile(image, SIDE), title, max(image.shape[:2]) < SIDE)))
    return made
