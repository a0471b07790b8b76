"""The Data page: can these images be trusted?"""

from __future__ import annotations

from functools import partial

import streamlit as st

from cnnviz.data import catalogue
from cnnviz.errors import CnnvizError
from cnnviz.recipe import Data, parse
from cnnviz.ui.data.data_choice import data_choice
from cnnviz.ui.data.decision_bar import decision_bar
from cnnviz.ui.data.findings import FINDINGS, Shown
from cnnviz.ui.data.gallery import gallery, relabel_choice, spare_button
from cnnviz.ui.data.image_dialog import image_dialog
from cnnviz.ui.data.looked import look, make_audit
from cnnviz.ui.data.map_view import CHOSEN, map_view
from cnnviz.ui.data.verdict import confusions, finding_choice, verdict
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.app_entry import through_the_app
from cnnviz.ui.session.background_job import keyed_job, say_end

through_the_app()
name = data_choice(catalogue())
try:
    data = parse({"dataset": name, "image_size": 64}, Data)
    looked = look(data)
except CnnvizError as error:
    st.error(plain(str(error)), icon=":material/error:")
    st.stop()
found = looked.audit
if found is None:
    done = keyed_job("data_audit", (data,), partial(make_audit, data), "Starting the audit")
    if done is not None and done.result:
        st.rerun()
    say_end(done, "Stopped. Choose another data set, or reload to begin again.")
    first = [
        Shown(looked.pool.names[i]) for i in looked.dataset.splits["train"].spread(looked.dataset.heads[0].name, 12)
    ]
    gallery(looked, [[one] for one in first], "first", None)
    st.stop()
verdict(found)
show = finding_choice(looked)
query_params.write("data", {"data": name, "show": show, "colour": str(st.session_state.get("data_colour", ""))})
left, right = st.columns([2, 3], gap="medium")
with left:
    map_view(looked)
    if show == "labels":
        confusions(found, {head.name: head.classes for head in looked.dataset.heads})
with right:
    if show == "chosen":
        groups = [[Shown(one)] for one in st.session_state[CHOSEN] if one in looked.at]
        st.caption(f"{len(groups):,} images chosen on the map.")
    else:
        groups = looked.findings[show]
        st.caption(FINDINGS[show].caption)
    if show in ("leaks", "duplicates") and groups:
        spare_button(looked, groups)
    target = relabel_choice(looked)
    gallery(looked, groups, f"{name}_{show}", target)
decision_bar(looked)
image_dialog(looked)
notes = [*found.imbalance, *found.notes]
st.caption(" ".join(map(plain, [*notes, f"Features by {found.model}; the audit took {found.seconds:,.0f} s."])))
