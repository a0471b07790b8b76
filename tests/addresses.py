"""A page's address in AppTest, where there is no browser: what one would show, and how a person comes by a link."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

__all__ = ["address_of", "by_link"]


def address_of(app: AppTest) -> dict[str, str]:
    """Returns what a browser has in its address after this run: what the script puts there, or the last step."""
    [told] = [
        json.loads(one.proto.json)
        for one in app.get("bidi_component")
        if one.proto.component_name == "cnnviz_query_params"
    ]
    if told["to"] is not None:
        return dict(parse_qsl(told["to"]))
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def by_link(app: AppTest, **values: str) -> AppTest:
    """Runs the page as a browser asks for it where a person opened a link to it."""
    app.session_state["address_visit"] = None
    app.query_params.clear()
    app.query_params.update(values)
    return app.run()
