"""The network as a strip of its layers: a click opens one, and so do the arrow keys and a list."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnnviz.ui.inside.layer_blocks import blocks, facts
from cnnviz.ui.inside.selection import show
from cnnviz.ui.markdown import plain
from cnnviz.ui.session.widget_sync import seed

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = ["strip"]

_HTML = '<div class="strip" role="toolbar" aria-label="Layers of the network, from the picture on"></div>'
_CSS = """
.strip { display: flex; align-items: flex-end; gap: 2px; overflow-x: auto; padding: 4px 2px 6px;
  scrollbar-width: thin; font-family: var(--st-font); }
.strip button { flex: none; display: flex; flex-direction: column; align-items: center; justify-content: flex-end;
  min-width: 46px; padding: 4px 3px 2px; border: 1px solid transparent; border-radius: 0.4rem; background: none;
  font: inherit; color: var(--st-text-color); cursor: pointer; }
.strip button:hover { background: var(--st-secondary-background-color); }
.strip button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
.strip button[aria-pressed=true] { border-color: var(--st-primary-color);
  background: var(--st-secondary-background-color); font-weight: 600; }
.strip i { display: block; border-radius: 2px; }
.strip span { font-size: 0.7rem; line-height: 1.2; padding-top: 4px; opacity: 0.85; white-space: nowrap; }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip"), drawn = JSON.stringify(data.blocks);
  if (strip.dataset.drawn !== drawn) {
    strip.replaceChildren(...data.blocks.map((block) => {
      const button = document.createElement("button"), body = document.createElement("i");
      const word = document.createElement("span");
      button.type = "button";
      button.title = block.words;
      button.setAttribute("aria-label", block.words.replaceAll("\\n", ", "));
      body.style.cssText = `width:${block.width}px;height:${block.height}px;background:${block.colour}`;
      word.textContent = block.label;
      button.append(body, word);
      return button;
    }));
    strip.dataset.drawn = drawn;
    strip.dataset.at = "";
  }
  const buttons = [...strip.children];
  buttons.forEach((button, nth) => {
    button.setAttribute("aria-pressed", String(nth === data.at));
    button.tabIndex = nth === data.at ? 0 : -1;
    button.onclick = () => setTriggerValue("opened", nth);
  });
  strip.onkeydown = (event) => {
    const to = { ArrowRight: 1, ArrowLeft: -1, Home: -buttons.length, End: buttons.length }[event.key];
    const at = buttons.findIndex((button) => button.matches(":focus"));
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = buttons[Math.max(0, Math.min(buttons.length - 1, at + to))];
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  };
  if (strip.dataset.at !== String(data.at)) {
    strip.dataset.at = String(data.at);
    const open = buttons[data.at];
    if (open) strip.scrollLeft = open.offsetLeft - strip.offsetLeft - (strip.clientWidth - open.offsetWidth) / 2;
  }
}
"""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("cnnviz_strip", html=_HTML, css=_CSS, js=_JS)


def strip(table: tuple[LayerRow, ...], layer: str) -> None:
    """Draws the layers, the open one marked, and what is known about it."""
    names = [row.name for row in table]
    drawn = [asdict(block) for block in blocks(table)]
    _component()(
        data={"blocks": drawn, "at": names.index(layer)}, key="inside_strip", on_opened_change=lambda: _take(names)
    )
    row = table[names.index(layer)]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="inside_open_layer"):
        st.selectbox(
            f"Layer, of {len(table)}", names, key=seed("inside_layer", layer), width=260,
            on_change=lambda: show(layer=st.session_state["inside_layer"]), label_visibility="collapsed",
            help="The open layer; the strip above opens one with a click, or with arrow keys and Enter.",
        )  # fmt: skip
        with st.container(width="stretch"):
            st.markdown(" · ".join(map(plain, facts(row))))


def _take(names: list[str]) -> None:
    """Opens the layer that was clicked, if there is one of this number."""
    said = getattr(st.session_state.get("inside_strip"), "opened", None)
    if type(said) is int and 0 <= said < len(names):
        show(layer=names[said])
