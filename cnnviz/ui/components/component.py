"""cnnviz's own components: `assets/NAME.html`, `.css` and `.js`, those of them that there are, under one name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["component"]

_ASSETS = Path(__file__).parent / "assets"


@st.cache_resource(show_spinner=False)
def component(name: str) -> Any:
    """Returns what draws a component (`st.components.v2.component`).

    Its files are handed over as text: Streamlit takes paths only of packages that are installed with a manifest of
    their own, and a clone isn't.
    """
    assets: dict[str, Any] = {
        kind: path.read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
        if (path := _ASSETS / f"{name}.{kind}").exists()
    }
    return st.components.v2.component(f"cnnviz_{name}", **assets)
