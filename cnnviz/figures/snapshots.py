"""A model over its epochs, as pieces of HTML: the watched images with its predictions, and mosaics with a caption."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnnviz.figures.prediction import ACCENT, layered_images, prediction
from cnnviz.figures.style import escape_attr, escape_text

__all__ = ["Cell", "mosaic_html", "probability_line", "snapshot_row"]

_LINE = (150, 34)


@dataclass(frozen=True, eq=False)
class Cell:
    """One watched image: what it looks like, and what the model makes of it.

    Attributes:
        image: PNG or JPEG bytes.
        heat: the same for what is laid over it; `None` for nothing.
        shape: the image's (height, width, …).
        alt: what both show, for those who can't see it.
        predictions: for each head its name ("" where there is one), the class it predicts, that class's probability,
            and the true class.
        line: what `probability_line` gave, or "".
    """

    image: bytes
    heat: bytes | None
    shape: tuple[int, ...]
    alt: str
    predictions: Sequence[tuple[str, str, float, str]]
    line: str = ""


def snapshot_row(cells: Sequence[Cell]) -> str:
    """Returns the images side by side, in rows that wrap, each over its predictions; as HTML."""
    drawn = "".join(
        f'<div style="min-width:0">{layered_images(cell.image, cell.heat or cell.image, cell.shape, cell.alt)}'
        f'<div style="margin-top:0.4rem">'
        + "".join(
            prediction(name, share, head=head, truth=truth, large=False)
            for head, name, share, truth in cell.predictions
        )
        + f"</div>{cell.line}</div>"
        for cell in cells
    )
    columns = "repeat(auto-fill,minmax(min(9rem,45%),1fr))"
    return f'<div style="display:grid;grid-template-columns:{columns};gap:0.8rem 1rem">{drawn}</div>'


def probability_line(probabilities: Sequence[tuple[int, float]], epoch: int, total: int, alt: str) -> str:
    """Returns a small curve of probabilities 0..1 over the epochs with a dot at one of them; as HTML.

    Args:
        probabilities: (epoch, probability), ascending.
        epoch: where the dot is.
        total: the last epoch that there will be.
        alt: what it shows, for those who can't see it.
    """
    width, height = _LINE
    last = max(1, total, *(at for at, _ in probabilities))

    def position(at: int, share: float) -> str:
        return f"{3 + (width - 6) * at / last:.1f},{3 + (height - 6) * (1 - share):.1f}"

    points = " ".join(position(at, share) for at, share in probabilities)
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="3" fill="{ACCENT}"/>'
        for x, y in (position(at, share).split(",") for at, share in probabilities if at == epoch)
    )
    ends = "".join(
        f'<line x1="0" x2="{width}" y1="{y}" y2="{y}" stroke="#808080" stroke-opacity="0.4" stroke-dasharray="2 3"/>'
        for y in (3, height - 3)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{ends}<polyline points="{points}" '
        f'fill="none" stroke="{ACCENT}" stroke-width="1.6"/>{dots}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape_attr(alt)}" src="data:image/svg+xml;base64,{data}" style="width:100%;max-width:15rem">'


def mosaic_html(image: np.ndarray, alt: str, caption: str, pixels: int) -> str:
    """Returns a mosaic with its caption; as HTML. Enlarged, its pixels stay squares.

    Args:
        image: uint8 (h, w, 3).
        alt: what it shows, for those who can't see it.
        caption: what stands under it; becomes text, whatever it contains.
        pixels: how wide it is on the page, where there is room.
    """
    png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    data = base64.b64encode(png).decode()
    return (
        f'<figure style="margin:0"><img alt="{escape_attr(alt)}" src="data:image/png;base64,{data}" '
        f'style="display:block;width:min(100%,{pixels}px);image-rendering:pixelated;border-radius:0.25rem">'
        '<figcaption style="font-size:0.85rem;opacity:0.75;'
        f'padding-top:0.3rem">{escape_text(caption, 600)}</figcaption>'
        "</figure>"
    )
