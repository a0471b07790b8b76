"""The Train page: what should learn what?"""

from __future__ import annotations

import streamlit as st

from cnnviz.ui.session.app_entry import through_the_app
from cnnviz.ui.session.deferred import Deferred
from cnnviz.ui.train import recipe_draft
from cnnviz.ui.train.augmentation_card import augmentation_card, scroll_to_handed
from cnnviz.ui.train.branch_bar import branch_bar
from cnnviz.ui.train.data_card import data_card
from cnnviz.ui.train.fit_card import fit_card
from cnnviz.ui.train.launch_bar import complete_recipe, origin_bar, start_bar
from cnnviz.ui.train.model_card import model_card
from cnnviz.ui.train.search_card import search_card

through_the_app()

draft = recipe_draft.open_draft()
head, origin = st.columns([2, 3], vertical_alignment="bottom")
with head:
    st.title("Train", anchor=False)
    st.caption("What should learn what?")
with origin:
    top = st.container()

branching = st.container()
later = Deferred()
found = data_card(draft, later)
cards = {
    "train-data": [*found.problems],
    "train-augmentation": augmentation_card(draft, found, later),
    "train-network": model_card(draft, later),
}
recipe, mistake = complete_recipe(draft)
cards["train-fit"] = fit_card(draft, found, recipe, "" if any(cards.values()) else mistake)
search_card(draft, recipe if not any(cards.values()) else None)
problems = [message for card in cards.values() for message in card]
with top:
    origin_bar(draft)
with branching:
    problems += branch_bar(draft, recipe)
first = next((card for card, told in cards.items() if told), "")
start_bar(recipe if not problems else None, problems, first, draft.branch)
later.draw()
scroll_to_handed(draft)
recipe_draft.write_address(draft, recipe)
