from __future__ import annotations

import string

import pytest

from cnnviz.ui.markdown import duration, plain


def test_every_mark_is_escaped() -> None:
    made = plain(string.punctuation).replace("\u2060", "")
    assert made == "".join(f"\\{mark}" for mark in string.punctuation)


@pytest.mark.parametrize("text", [":material/home:", ":red[x]", "http://a.b", "www.a.b", "me@there.org", ":smile:"])
def test_icons_colours_and_links_stay_text(text: str) -> None:
    made = plain(text)
    assert made.replace("\\", "").replace("\u2060", "") == text
    assert "\u2060" in made


def test_letters_of_all_scripts_stay_and_lines_are_joined() -> None:
    assert plain("Größe  猫\n\n# x") == "Größe 猫 \\# x"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "40 ms"),
        (0.099, "0.1 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (180, "3 min"),
        (200, "3 min 20 s"),
        (1234, "21 min"),
        (3590, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (36_000_000, "10,000 h 00 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
