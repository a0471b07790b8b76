"""Files that pages give away: each by the one button, which leaves the page as it is."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

import cnnviz.ui


def page() -> None:
    from cnnviz.ui.download_button import download_button

    download_button("Values", b"1", "map.npy", key="values", help="All of them.")
    download_button("Report", "<p>", "report.html", key="report", help="One page.", type="secondary", icon=None)


def test_a_download_leaves_the_page_as_it_is() -> None:
    quiet, loud = AppTest.from_function(page).run().get("download_button")
    assert (quiet.proto.label, quiet.proto.type, quiet.proto.icon) == ("Values", "tertiary", ":material/download:")
    assert (loud.proto.label, loud.proto.type, loud.proto.icon) == ("Report", "secondary", "")
    assert quiet.proto.ignore_rerun
    assert loud.proto.ignore_rerun


def test_no_page_draws_one_of_its_own() -> None:
    files = Path(cnnviz.ui.__file__).parent.rglob("*.py")
    assert [one.name for one in files if "st.download_button(" in one.read_text()] == ["download_button.py"]
