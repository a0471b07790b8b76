"""The Learn page: what do these experiments teach?"""

from __future__ import annotations

import streamlit as st

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.ui.learn.demos import FIGURES
from cnnviz.ui.learn.own_runs import links, own_runs
from cnnviz.ui.learn.topics import TOPICS
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import query_params
from cnnviz.ui.session.app_entry import through_the_app
from cnnviz.ui.session.widget_sync import set_widget_value, set_widget_value_first

through_the_app()

NAME = "learn_topic"

with st.container(gap=None):
    st.title("Learn", anchor=False)
    st.caption("What do these experiments teach?")

if (named := query_params.new_values("learn", ("topic",))) and named["topic"] in TOPICS:
    set_widget_value(NAME, named["topic"])
else:
    set_widget_value_first(NAME, st.session_state.get("learn_last", next(iter(TOPICS))))
chosen = st.pills(
    "Topic",
    list(TOPICS),
    format_func=lambda name: TOPICS[name].title,
    key=NAME,
    required=True,
    help="Each can be opened by its own address.",
)
assert chosen is not None  # as the session has had one since above
st.session_state["learn_last"] = chosen
query_params.write("learn", {"topic": chosen})
topic = TOPICS[chosen]
try:
    listed = runs.listing()
except CnnvizError as error:
    st.error(plain(error), icon=":material/error:")
    listed = []
st.header(topic.question, anchor=False)
shown, told = st.columns([3, 2], gap="large")
with shown:
    if topic.figure:
        FIGURES[topic.figure](listed)
    own_runs(topic, listed)
with told:
    st.markdown(topic.text)
    links(topic, listed)
