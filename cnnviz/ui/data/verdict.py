"""The verdict at the top of the Data page: what was found, in numbers; and what alone predicts a class."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cnnviz.audit.audit import Audit
from cnnviz.ui.data.findings import FINDINGS
from cnnviz.ui.data.looked import Looked
from cnnviz.ui.data.map_view import CHOSEN
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import set_widget_value_first

__all__ = ["confusions", "finding_choice", "verdict"]


def verdict(found: Audit) -> None:
    """Draws the sentences that nobody may overlook, and the notes."""
    said = [_leak(split, count, found.near_leaks[split]) for split, count in found.leaks.items()]
    if any(said):
        st.error(
            f"**{'; '.join(filter(None, said))}**: what is measured on them flatters.", icon=":material/content_copy:"
        )
    for one in found.shortcuts:
        st.warning(
            f"**{plain(one.property.capitalize())}** alone tells **{plain(one.label)}** ({plain(one.head)}) from all "
            f"others: balanced accuracy {one.balanced_accuracy:.0%}, guessing has 50 %.",
            icon=":material/alt_route:",
        )


def _leak(split: str, exact: int, near: int) -> str:
    """ "28 test images are in the training data, 1 more nearly"; "" where there is none."""
    if not exact + near:
        return ""
    more = f", {near:,} more nearly" if exact and near else ""
    one = (exact or near) == 1
    where = f"{'is' if one else 'are'}{'' if exact else ' nearly'} in the training data"
    return f"{exact or near:,} {split} image{'' if one else 's'} {where}{more}"


def finding_choice(looked: Looked) -> str:
    """Draws the kinds of findings with their counts, and returns the chosen one's key, or "chosen" for the map's."""
    counts = {key: len(groups) for key, groups in looked.findings.items()}
    options = [*counts, *(["chosen"] if st.session_state.get(CHOSEN) else [])]
    first = next((key for key, count in counts.items() if count), "odd")
    if st.session_state.get("data_show") not in options:
        st.session_state.pop("data_show", None)
    set_widget_value_first("data_show", first)

    def words(key: str) -> str:
        if key == "chosen":
            return f"Chosen on the map **{len(st.session_state.get(CHOSEN, ())):,}**"
        return f"{FINDINGS[key].title} **{counts[key]:,}**"

    return str(st.segmented_control("Findings", options, format_func=words, key="data_show", required=True))


def confusions(found: Audit, classes: dict[str, tuple[str, ...]]) -> None:
    """Draws for each head how many labels of each class are probably another."""
    for head, rows in found.confusions.items():
        if not any(map(sum, rows)):
            continue
        names = classes[head]
        table = pd.DataFrame(rows, index=names, columns=names)
        table = table.loc[table.sum(axis=1) > 0, table.sum(axis=0) > 0]
        st.caption(f"{plain(head)}: given label (rows), suggested label (columns)")
        st.dataframe(table, width="content")
