"""Names that would be mark-up, in everything that is drawn: charts, pieces of HTML and Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest

from cnnviz import images
from cnnviz.figures.curves import learning, overlay_runs
from cnnviz.figures.data import class_bars
from cnnviz.figures.explanation_metrics import cascade_bars, object_bars, removal_curves
from cnnviz.figures.numbers import numbers
from cnnviz.figures.prediction import layered_images, prediction, top
from cnnviz.figures.robustness import prediction_curves, share_curves
from cnnviz.figures.tiles import tiles
from cnnviz.ui.markdown import plain

PNG = images.to_png(np.zeros((4, 4, 3), np.uint8))
NAMES = [
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(2)>",
    "</div></span><script>alert(3)</script>",
    '<a href="javascript:alert(4)">x</a>',
    "&lt;img src=x onerror=alert(5)&gt;",
    'x" style="background:url(//evil.example)" onmouseover="alert(6)',
    "%{y}<extra>%{customdata[0]}</extra>",
]
PLAIN_TAGS = {"dl", "dt", "dd", "div", "span", "p", "figure", "figcaption", "img", "br", "b", "small"}
EPOCHS = [{"kind": "epoch", "epoch": epoch, "val_loss": 1.0, "loss": 1.0} for epoch in (1, 2, 3)]


class Found(HTMLParser):
    """The tags and attributes of a piece of HTML, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


PIECES: dict[str, Callable[[str], str]] = {
    "class bars": lambda name: class_bars([name, "b"], {"train": [3, 4], "test": [1, 1]}),
    "tiles": lambda name: tiles([(PNG, name, name)], 60),
    "answer": lambda name: prediction(name, 0.9, head=name, truth=name + "!"),
    "top": lambda name: top([(name, 0.9), ("b", 0.1)], name),
    "layered": lambda name: layered_images(PNG, PNG, (4, 4), name),
    "numbers": lambda name: numbers([(name, name, name)]),
}
CHARTS: dict[str, Callable[[str], object]] = {
    "learning": lambda name: learning(EPOCHS, epochs=EPOCHS, total=3, heads=[name, "b"], best=1, turned=2),
    "overlaid": lambda name: overlay_runs({name: EPOCHS}),
    "removal": lambda name: removal_curves([0, 1], {name: ([1, 0], 0.5)}, [[1, 0], [1, 0.5]], axis="pixels"),
    "cascade": lambda name: cascade_bars([(name, [1.0]), ("b", [0.2, 0.3])], [PNG, PNG], alike=0.5),
    "objects": lambda name: object_bars([(name, 0.5, 0.4)], area=0.2, centre=0.3),
    "answers": lambda name: prediction_curves([0, 1, 2], {name: np.eye(3), "b": np.eye(3)}, [name, "x", "y"]),
    "shares": lambda name: share_curves([0, 1, 2], {name: [1, 0, 1], "b": [0, 0, 0]}, title="share"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("piece", PIECES)
def test_pieces_of_html_hold_names_as_text(piece: str, name: str) -> None:
    made = Found(PIECES[piece](name))
    same = Found(PIECES[piece]("name"))
    assert [tag for tag, _ in made.tags] == [tag for tag, _ in same.tags]
    for tag, attributes in made.tags:
        assert tag in PLAIN_TAGS
        assert not [key for key in attributes if key.startswith("on") or key in ("href", "srcdoc")]
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert "evil" not in (attributes.get("style") or "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chart", CHARTS)
def test_charts_hold_names_as_text(chart: str, name: str) -> None:
    """Plotly reads a few tags in all its texts: none may be there but its own."""
    told = json.dumps(json.loads(CHARTS[chart](name).to_json()), ensure_ascii=False)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", told))
    assert tags <= {"br", "extra"}
    assert set(re.findall(r"%\{[^}]*\}", _templates(CHARTS[chart](name)))) == set(
        re.findall(r"%\{[^}]*\}", _templates(CHARTS[chart]("name")))
    )


def _templates(figure: object) -> str:
    """All texts in which Plotly fills in values."""
    return json.dumps([trace.hovertemplate for trace in figure.data])


@pytest.mark.parametrize(
    "name", [*NAMES, "**b** _i_ `c`", "[x](javascript:alert(1))", ":red[x] :material/home:", "$x$"]
)
def test_markdown_holds_names_as_text(name: str) -> None:
    """Every mark is escaped, so that no other reading is left."""
    assert not re.search(r"(?<!\\)[!-/:-@\[-`{-~]", re.sub(r"\\.", "", plain(name)))
    assert re.sub(r"\\(.)", r"\1", plain(name)).replace("\u2060", "") == name
