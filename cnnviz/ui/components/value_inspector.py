"""Images of one map side by side: the value under the pointer, or where the arrow keys are, is said below them."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.ui.components.component import component

__all__ = ["peek"]


def peek(
    values: np.ndarray, images: Sequence[tuple[np.ndarray, str, str]], *, key: str, said: str = "", width: int = 320
) -> None:
    """Draws images of a map; its greatest value is marked until the pointer or a key is somewhere else.

    Args:
        values: float32 (rows, columns).
        images: uint8 (h, w, 3) of the same part of the world, what each shows for those who can't see it, and its
            caption; enlarged, their pixels stay squares. The first is the map itself, whose colours mean values.
        key: of the element.
        said: what is added to the greatest value.
        width: of each image in pixels on the page, where there is room.
    """
    rows, columns = values.shape
    top = np.unravel_index(int(np.argmax(values)), values.shape)
    height, across = images[0][0].shape[:2]
    component("value_inspector")(
        data={
            "images": [(_url(image, exact=not nth), alt, caption) for nth, (image, alt, caption) in enumerate(images)],
            "values": base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode(),
            "rows": rows,
            "columns": columns,
            "peak": [int(one) for one in top],
            "shape": f"{across} / {height}",
            "said": said,
            "width": width,
        },
        key=key,
    )


def _url(image: np.ndarray, *, exact: bool) -> str:
    """PNG for the colours of a map, JPEG for large images."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    kind = "jpeg" if not exact and image.shape[0] * image.shape[1] > 1 << 16 else "png"
    data = cv2.imencode(".jpg" if kind == "jpeg" else ".png", stored)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
