"""The templates: whatever they are given becomes text, all of it must be given, and no HTML is written elsewhere."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from cnnviz.figures.html import TEMPLATES, data_address, environment, render

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "\"'><script>&amp;"
MACROS = {"name_cell.html"}
"""What draws nothing by itself; `top.html` takes its name from there."""


def values(name: str, text: str) -> dict[str, Any]:
    """All that a template takes, `text` wherever it isn't a choice or a number that the template calculates with."""
    found: dict[str, dict[str, Any]] = {
        "class_bars.html": {"splits": [(text,) * 2], "rows": [(text, text, [(text,) * 4])], "more": text},
        "colour_bar.html": {"png": b"", "left": text, "right": text, "zero": text},
        "colour_scale.html": {"colours": text, "greatest": text},
        "cover_answer.html": {"words": text, "now": text},
        "curve.html": {"alt": text, **dict.fromkeys(("width", "height", "across", "down", "points", "x", "y"), text)},
        "curve.svg": dict.fromkeys(("width", "height", "across", "down", "points", "x", "y"), text),
        "feature_visualizations.html": {
            **dict.fromkeys(("alt", "height", "wide", "cell_width", "cell_height"), text),
            "file": b"",
            "width": 1,
            "pixelated": True,
            "cells": [(text, text, text, True)],
        },
        "layered_images.html": {"image": b"", "above": b"a", **dict.fromkeys(("alt", "width", "height", "wide"), text)},
        "layers.html": {"titles": [(text, text, True, True)], "rows": [(text, [(text, True)])]},
        "ledger.html": {
            "lines": [
                ({"name": text, "note": text, "kind": kind, "value": 1}, text, text)
                for kind in ("part", "step", "result")
            ]
        },
        "rest_api.html": {
            "title": text,
            "description": text,
            "operations": [(text,) * 5 + ([(text,) * 3], one, text) for one in (text, "")],
            "records": [(text, text, [(text,) * 3])],
        },
        "log.html": {"text": text, "height": text},
        "map_opacity.html": {"opacity": text},
        "mean_bars.html": {"alt": text, "rows": [(text, text, text, text, True)]},
        "model_blocks.html": {
            **dict.fromkeys(("width", "height", "middle"), text),
            "parts": [
                {
                    **dict.fromkeys(("left", "top", "width", "height", "colour"), text),
                    "lines": [text, text],
                    "faces": [(text, text)],
                },
                dict.fromkeys(("words", "side", "share", "edge", "distance", "origin"), text),
            ],
        },
        "mosaic.html": {"alt": text, "png": b"", "pixels": text, "caption": text},
        "nearest_images.html": {"tiles": [(b"", True, text, text)]},
        "norm_bars.html": {"what": text, "low": text, "greatest": text, "bars": [(text, text, text, True)]},
        "numbers.html": {"figures": [(text, text, text)]},
        "prediction.html": {
            **dict.fromkeys(("name", "probability", "head"), text),
            "truth": text + "!",
            "large": True,
            "level": 2,
            "struck": True,
            "notes": [text],
        },
        "predictions.html": {"parts": [text]},
        "predictions_beside.html": {"predictions": [(text, text)]},
        "probability_line.html": {
            "alt": text,
            "width": text,
            "height": 1,
            "points": text,
            "dots": [(text, text)],
        },
        "probability_line.svg": {"width": text, "height": 1, "points": text, "dots": [(text, text)]},
        "report.html": {
            **dict.fromkeys(("title", "run", "written", "recipe", "facts", "skipped_count", "skipped_more"), text),
            "plotly": Markup("0"),
            "summary": [(text, text)],
            "charts": [(text, text)],
            "splits": [
                (
                    [
                        {
                            **dict.fromkeys(("title", "figures", "absent", "calibration_error"), text),
                            "classes": [(text,) * 5],
                            "matrix": [(text, [(text,) * 3])],
                            "charts": [(text, text)],
                        }
                    ],
                    text,
                )
            ],
            "notes": [text],
            "skipped": [(text, text)],
        },
        "sample_buttons.html": {"images": [(text, b"")]},
        "snapshot_row.html": {"cells": [(text, [text], text, text)]},
        "spread.html": {
            **dict.fromkeys(("alt", "width", "base", "thick", "zero", "low", "high"), text),
            "height": 1,
            "bars": [(text, text, text)],
        },
        "spread.svg": {
            **dict.fromkeys(("width", "base", "thick", "zero", "low", "high"), text),
            "height": 1,
            "bars": [(text, text, text)],
        },
        "thumbnails.html": {"images": [b""], **dict.fromkeys(("name", "count", "side"), text)},
        "tiles.html": {"images": [(b"", text, text)], "width": text},
        "top.html": {"rows": [(text, text, text, True)]},
        "windows.html": {
            "windows": [(text, text, written, [[(text, text, True, text, True, True)]]) for written in (True, False)]
        },
        "with_and_without.html": {"alt": text, "rows": [(text,) * 6 + (True,)]},
    }
    return found[name]


NAMES = sorted(path.name for path in TEMPLATES.iterdir() if path.name not in MACROS)


class Found(HTMLParser):
    """The tags of a piece of HTML with the names of their attributes, and every text and attribute's value as it is
    read; what stands in a style or a script apart, as a browser reads no entities there."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.texts += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1][0] not in self.CDATA_CONTENT_ELEMENTS:
            self.texts.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_template_is_given_is_text_and_escaped_once(name: str) -> None:
    made = render(name, **values(name, HOSTILE))
    assert "<script>&" not in made
    found = Found(made)
    assert found.tags == Found(render(name, **values(name, "name"))).tags
    said = "".join(found.texts)
    assert not re.search("&(lt|gt|quot|#)|&amp;amp", said)
    if name not in ("map_opacity.html", "sample_buttons.html"):  # which are a style and nothing else
        assert HOSTILE in said


@pytest.mark.parametrize("name", NAMES)
def test_a_template_takes_nothing_for_granted(name: str) -> None:
    given = values(name, "name")
    for key in given:
        with pytest.raises(UndefinedError, match=f"'{key}' is undefined"):
            render(name, **{one: value for one, value in given.items() if one != key})


def test_no_template_says_that_something_needs_no_escaping() -> None:
    for path in TEMPLATES.iterdir():
        assert not re.search(r"\|\s*safe\b|autoescape", path.read_text(encoding="utf-8")), path.name
    assert environment() is environment()


def test_a_piece_stands_in_another_as_it_is() -> None:
    piece = render("log.html", text="1 < 2", height="")
    assert f">{piece}<" in render("predictions.html", parts=[piece])


@pytest.mark.parametrize(
    ("image", "start"),
    [
        (b"\x89PNG", "data:image/png;base64,iVBORw=="),
        (b"\xff\xd8\xff", "data:image/jpeg;base64,/9j/"),
        (b"RIFF", "data:image/webp;base64,UklGRg=="),
        ("<svg/>", "data:image/svg+xml;base64,PHN2Zy8+"),
    ],
)
def test_an_address_says_which_format_it_holds(image: bytes | str, start: str) -> None:
    assert data_address(image) == start


def test_html_is_written_in_templates_alone() -> None:
    tags = {tag for path in TEMPLATES.iterdir() for tag in re.findall(r"<([a-z]\w*)", path.read_text(encoding="utf-8"))}
    mark = re.compile(rf"</?({'|'.join(sorted(tags - {'style'}))})\b[^<]*>?")  # a style without values is one constant
    wrong = []
    for path in [*ROOT.glob("cnnviz/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "streamlit_app.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.value[:60]!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
            if mark.search(node.value)
        ]
    assert wrong == []
