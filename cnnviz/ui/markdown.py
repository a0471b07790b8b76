"""Texts that come from elsewhere (names of classes, files, runs; error sentences) as plain text on a page."""

from __future__ import annotations

import re
import string

__all__ = ["duration", "plain"]

_JOINER = "\u2060"  # word joiner: takes no room, and breaks what Streamlit would make of ":name:" and of addresses
_MARKS = re.compile(f"([{re.escape(string.punctuation)}])")
_LINKS = re.compile(r"(www|ftp|https?)(?=[.:])|(?<=\S)@", re.IGNORECASE)


def plain(text: object) -> str:
    """Returns text that Streamlit's Markdown shows letter by letter: no HTML, link, emphasis, formula or icon."""
    words = " ".join(str(text).split())
    words = _LINKS.sub(lambda found: found.group(0) + _JOINER, words)
    return _MARKS.sub(r"\\\1", words).replace("\\:", "\\:" + _JOINER)


def duration(seconds: float) -> str:
    """Returns a length of time in the units that it means: "40 ms", "0.4 s", "12 s", "3 min 20 s", "1 h 05 min"."""
    if seconds < 0.095:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"
