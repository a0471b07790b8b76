"""What stands beside what is open on the Inside page: another picture, or another network."""

from __future__ import annotations

import streamlit as st

from cnnviz import images, runs
from cnnviz.data.samples import sample_names
from cnnviz.errors import CnnvizError
from cnnviz.runs.compare import labels
from cnnviz.ui.inside_state import Opened
from cnnviz.ui.models import Network, Source, of_run, opened, usable
from cnnviz.ui.photos import Photo, held_out, of_item, of_sample, of_upload

__all__ = ["other_network", "other_photo"]

_OWN, _ITEM = "A photo of yours", "A test picture"
_NONE = "There is no other run with a network; train one, and it can be seen beside this one."


def other_photo(here: Opened, key: str) -> Photo | str | None:
    """Draws the choice of another picture and returns it; a sentence where there is none, `None` before it is chosen.

    Args:
        here: what is open.
        key: what the widgets' keys begin with.
    """
    run = here.source.run
    samples = [name for name in sample_names() if ("sample", name) != here.photo.identity]
    ways = [*([_ITEM] if run is not None else []), *samples, _OWN]
    chosen = st.selectbox(
        "Beside it", ways, index=1 if run is not None and samples else 0, key=f"{key}_photo", width=200,
        format_func=lambda way: way if way in (_OWN, _ITEM) else way.capitalize(),
        help="The picture that stands beside the one above: a sample, a picture that this run was not trained on, or "
        "a photo of yours.",
    )  # fmt: skip
    try:
        if chosen == _OWN:
            return _upload(key)
        if chosen != _ITEM:
            return of_sample(chosen)
        count = held_out(run)[1]
        number = st.number_input("Number", 1, max(1, count), key=f"{key}_item", width=120,
                                 help=f"One of {count:,} pictures that the run was not trained on.")  # fmt: skip
        return of_item(run, int(number))
    except CnnvizError as error:
        return str(error)


def _upload(key: str) -> Photo | None:
    file = st.file_uploader(
        "A photo", key=f"{key}_file", max_upload_size=images.MAX_BYTES >> 20, width=320,
        help="JPEG, PNG, WebP, GIF, BMP or TIFF. It stays on this computer, and is not stored.",
    )  # fmt: skip
    return None if file is None else of_upload(file.name, file.getvalue())


def other_network(here: Opened, key: str) -> tuple[Source, Network] | str | None:
    """Draws the choice of another network; returns it loaded, a sentence why there is none, `None` while it loads.

    Args:
        here: what is open.
        key: what the widgets' keys begin with.
    """
    listed = runs.listing()
    names = labels(listed)
    mine = here.source.run.id if here.source.run is not None else here.source.id.partition("/")[0]
    found = [run for run in usable(listed) if run.id != mine]
    if (recipe := here.network.loaded.recipe) is not None:  # those that know such pictures first
        found.sort(key=lambda run: run.recipe.data.dataset != recipe.data.dataset)
    others = {run.id: run for run in found}
    if not others:
        return _NONE
    chosen = st.selectbox(
        "Beside it", list(others), format_func=names.get, key=f"{key}_network", width=300,
        help="The run whose network stands beside the one above.",
    )  # fmt: skip
    source = of_run(others[chosen], names[chosen])
    found = next(iter(opened([source]) or []), None)
    if found is None or isinstance(found, str):
        return found
    return source, found
