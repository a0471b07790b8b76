"""One image, large, with all that is known of it."""

from __future__ import annotations

import streamlit as st

from cnnviz.errors import ImageError
from cnnviz.ui.data.findings import FINDINGS
from cnnviz.ui.data.gallery import OPENED
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.markdown import plain

__all__ = ["image_dialog"]


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
    st.image(image, width="stretch")
    words = [f"{image.shape[1]} × {image.shape[0]} pixels", str(looked.pool.split[i])]
    for head in looked.dataset.heads:
        words.append(f"{head.name} {head.classes[int(looked.pool.labels[head.name][i])]}")
    found = looked.audit
    if found is not None:
        place = next((one for one in found.places if one.image == name), None)
        if place is not None:
            words.append(f"predicted {', '.join(place.predicted)}")
        for one in FINDINGS.values():
            for group in one.images(found, looked.pool):
                words += [f"{one.title.lower()}: {shown.words}" for shown in group if shown.image == name]
    st.caption(plain(" · ".join(dict.fromkeys(words))))
