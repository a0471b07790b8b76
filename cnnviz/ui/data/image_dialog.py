"""One image, large, with all that is known of it."""

from __future__ import annotations

import streamlit as st

from cnnviz import images
from cnnviz.errors import ImageError
from cnnviz.ui.data.findings import FINDINGS
from cnnviz.ui.data.gallery import OPENED
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.inputs.dataset_cache import SMALL
from cnnviz.ui.markdown import plain

__all__ = ["image_dialog"]

LARGE = 640
"""Pixels of a side to which a small image is enlarged."""


def image_dialog(looked: Looked) -> None:
    """Opens the image that was clicked, if one was."""
    name = st.session_state.pop(OPENED, None)
    if name in looked.at:
        st.dialog(plain(name), width="medium")(_draw)(looked, name)


def _draw(looked: Looked, name: str) -> None:
    i = looked.at[name]
    try:
        image = looked.pool.image(i)
    except ImageError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    words = [f"{image.shape[1]} × {image.shape[0]} pixels", str(looked.pool.split[i])]
    for head in looked.dataset.heads:
        words.append(f"{head.name} {head.classes[int(looked.pool.labels[head.name][i])]}")
    found = looked.audit
    if found is not None:
        place = next((one for one in found.places if one.image == name), None)
        if place is not None:
            words.append(f"predicted {', '.join(place.predicted)}")
        for key, groups in looked.findings.items():
            title = FINDINGS[key].title.lower()
            words += [f"{title}: {shown.words}" for group in groups for shown in group if shown.image == name]
    small = max(image.shape[:2]) <= SMALL  # enlarged without smoothing, as its pixels are what is to be seen
    shown = images.enlarge(image, LARGE // max(image.shape[:2])) if small else image
    st.image(shown, plain(" · ".join(dict.fromkeys(words))), width="stretch", alt=f"{name}, large")
