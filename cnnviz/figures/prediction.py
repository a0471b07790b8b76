"""What a model predicts about an image, and where it looked, as HTML: there at once, and text for who can't see it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cnnviz.figures.style import escape_attr, escape_text
from cnnviz.probabilities import percent, percents

__all__ = ["layered_images", "prediction", "top"]

ACCENT = "#14998c"
_MUTED = "rgb(128 128 128 / 0.45)"


def prediction(
    name: str, share: float, *, head: str = "", truth: str = "", large: bool = True, others: Sequence[float] = ()
) -> str:
    """Returns a head's answer with its probability; as HTML.

    Args:
        name: the class; names become text, whatever they contain.
        share: its probability, 0..1.
        head: which head it is, where there are several.
        truth: the true class, where it is known.
        large: whether it is the one a person looks at first.
        others: the other probabilities that stand beside it, so that all are written with the same decimals.
    """
    words = percents([share, *others])[0] if others else percent(share)
    size, tone = ("2rem", f"color:{ACCENT}") if large else ("1.15rem", "opacity:0.75")  # small text needs more contrast
    above = f'<div style="font-size:0.8rem;opacity:0.7">{escape_text(head, 60)}</div>' if head else ""
    word = "✓ true label" if truth == name else f"✗ true label {escape_text(truth, 60)}"
    below = f'<div style="font-size:0.85rem;margin-top:0.15rem">{word}</div>' if truth else ""
    return (
        f'<div style="margin-bottom:0.5rem">{above}<div style="font-size:{size};line-height:1.2;font-weight:600;'
        f'overflow-wrap:anywhere">{escape_text(name, 80)} <span style="font-weight:400;{tone};white-space:nowrap">'
        f"{escape_text(words, 20)}</span></div>{below}</div>"
    )


def top(rows: Sequence[tuple[str, float]], marked: str = "") -> str:
    """Returns class names with their probabilities as thin bars, from the likeliest on; as HTML.

    Args:
        rows: names and probabilities 0..1.
        marked: the class that stands out.
    """
    drawn = "".join(
        f'<div title="{escape_attr(name)}" style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap;'
        f'font-weight:{600 if name == marked else 400}">{escape_text(name, 60)}</div>'
        f'<div style="height:0.4rem;border-radius:0.2rem;background:rgb(128 128 128 / 0.15)"><div style="width:'
        f"{max(0.5, 100 * share):.2f}%;height:100%;border-radius:0.2rem;background:"
        f'{ACCENT if name == marked else _MUTED}"></div></div>'
        f'<div style="text-align:right">{escape_text(words, 20)}</div>'
        for (name, share), words in zip(rows, percents([share for _, share in rows]), strict=True)
    )
    return (
        '<div style="display:grid;grid-template-columns:fit-content(45%) minmax(3rem,1fr) max-content;'
        f'gap:0.3rem 0.6rem;align-items:center;font-size:0.85rem;font-variant-numeric:tabular-nums">{drawn}</div>'
    )


def layered_images(image: bytes, above: bytes, shape: tuple[int, ...], alt: str) -> str:
    """Returns an image with an image of the same shape over it, as opaque as the variable `--cnnviz-map` says; as HTML.

    Args:
        image: JPEG or PNG bytes.
        above: the same; what is equal to the image isn't laid over it.
        shape: (height, width, …) in pixels, so that the room is kept before the images are there.
        alt: what they show, for those who can't see it.
    """
    height, width = shape[:2]
    one = "position:absolute;inset:0;width:100%;height:100%"
    map_ = (
        f'<img alt="" src="{_address(above)}" style="{one};opacity:var(--cnnviz-map, 0.6)">' if above != image else ""
    )
    return (
        f'<div role="img" aria-label="{escape_attr(alt)}" style="position:relative;aspect-ratio:{width}/{height};'
        f"width:min(100%, calc(var(--cnnviz-tall, 28rem) * {width / height:.4f}));overflow:hidden;"
        'border-radius:0.4rem"><img alt="" '
        f'src="{_address(image)}" style="{one}">{map_}</div>'
    )


def _address(data: bytes) -> str:
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
