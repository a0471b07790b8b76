"""Pictures of a report as one element: each a link to the Predict page, with a button for each flag."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

__all__ = ["Tile", "pictures"]

_HTML = '<div class="grid" role="list"></div>'
_CSS = """
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(8.5rem, 46%), 1fr)); gap: 0.9rem 0.8rem;
  font-family: var(--st-font); color: var(--st-text-color); padding: 3px; }
figure { margin: 0; min-width: 0; }
a { display: block; color: inherit; text-decoration: none; border-radius: 0.3rem; }
a:focus-visible, button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; display: block; border-radius: 0.3rem;
  background: var(--st-secondary-background-color); }
img.small { image-rendering: pixelated; }
a:hover img { filter: brightness(1.08); }
.words { font-size: 0.8rem; line-height: 1.3; padding: 0.25rem 0; overflow-wrap: anywhere; }
.words span { display: block; opacity: 0.75; }
.flags { display: flex; flex-wrap: wrap; gap: 0.25rem; }
button { font: inherit; font-size: 0.75rem; padding: 0.1rem 0.45rem; cursor: pointer; border-radius: 1rem;
  color: inherit; background: transparent; border: 1px solid var(--st-border-color); min-height: 1.6rem; }
button:hover { border-color: var(--st-primary-color); }
button[aria-pressed=true] { background: #b3400c; border-color: #b3400c; color: #fff; }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  const make = (name, into, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  };
  if (grid.dataset.signature !== data.signature) {
    grid.dataset.signature = data.signature;
    grid.setAttribute("aria-label", data.alt);
    grid.replaceChildren();
    for (const tile of data.tiles) {
      const figure = make("figure", grid), link = make("a", figure), image = make("img", link);
      figure.setAttribute("role", "listitem");
      link.href = tile.href;
      image.src = tile.picture;
      image.alt = tile.alt;
      image.className = tile.small ? "small" : "";
      const words = make("div", link);
      words.className = "words";
      make("strong", words, tile.title);
      for (const line of tile.lines) make("span", words, line);
      const flags = make("div", figure);
      flags.className = "flags";
      for (const flag of data.flags) make("button", flags, flag).type = "button";
    }
  }
  [...grid.children].forEach((figure, at) => {
    const tile = data.tiles[at];
    figure.querySelector("a").onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      setTriggerValue("opened", at);
    };
    [...figure.querySelectorAll("button")].forEach((button, nth) => {
      const on = tile.flag === data.flags[nth];
      button.setAttribute("aria-pressed", on ? "true" : "false");
      button.setAttribute("aria-label", data.flags[nth] + ": " + tile.title + ", " + tile.lines.join(", "));
      button.onclick = () => setTriggerValue("flagged", [at, on ? "" : data.flags[nth]]);
    });
  });
}
"""


@dataclass(frozen=True)
class Tile:
    """A picture: its file's bytes, what stands under it, where it leads, and its flag or ""."""

    data: bytes
    small: bool
    title: str
    lines: tuple[str, ...]
    href: str
    flag: str = ""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("cnnviz_report_pictures", html=_HTML, css=_CSS, js=_JS)


def pictures(
    tiles: Sequence[Tile],
    flags: Sequence[str],
    alt: str,
    *,
    key: str,
    on_open: Callable[[int], None],
    on_flag: Callable[[int, str], None],
) -> None:
    """Draws the pictures in rows that wrap.

    Args:
        tiles: the pictures; names in them become text, whatever they contain.
        flags: what each can be flagged with.
        alt: what they are, for those who can't see them.
        key: of the element.
        on_open: called with the place of the picture that is to be opened.
        on_flag: called with a picture's place and its new flag, or "" where it was taken away.
    """
    data = {
        "tiles": [
            {
                "picture": _address(tile.data), "small": tile.small, "title": tile.title, "lines": list(tile.lines),
                "alt": f"{tile.title}, {', '.join(tile.lines)}", "href": tile.href, "flag": tile.flag,
            }
            for tile in tiles
        ],
        "flags": list(flags), "alt": alt,
        "signature": str(hash(tuple((tile.data, tile.title, tile.lines, tile.href) for tile in tiles))),
    }  # fmt: skip
    _component()(
        data=data, key=key, on_opened_change=lambda: _opened(key, len(tiles), on_open),
        on_flagged_change=lambda: _flagged(key, len(tiles), flags, on_flag),
    )  # fmt: skip


def _address(data: bytes) -> str:
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _opened(key: str, count: int, take: Callable[[int], None]) -> None:
    said = getattr(st.session_state.get(key), "opened", None)
    if type(said) is int and 0 <= said < count:
        take(said)


def _flagged(key: str, count: int, flags: Sequence[str], take: Callable[[int, str], None]) -> None:
    said = getattr(st.session_state.get(key), "flagged", None)
    if not isinstance(said, (list, tuple)) or len(said) != 2 or type(said[0]) is not int:
        return
    if 0 <= said[0] < count and said[1] in ("", *flags):
        take(said[0], said[1])
