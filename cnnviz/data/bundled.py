"""The datasets that need no download: scikit-learn's digits, and generated shapes."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cnnviz.data import shapes
from cnnviz.data.dataset import Arrays, Dataset, Head, Split
from cnnviz.errors import DataError

__all__ = ["DIGIT_FLIPS", "DIGIT_NAMES", "load_digits", "load_shapes"]

DIGIT_NAMES = tuple("0123456789")
DIGIT_FLIPS = {
    "horizontal_flip": "A mirrored digit is no longer that digit: 2, 3, 4, 5, 6, 7 and 9 become signs nobody writes.",
    "vertical_flip": "A digit on its head is another sign: 6 and 9 trade places.",
}


def load_digits() -> Dataset:
    """Returns scikit-learn's 1,797 handwritten digits, 8×8 grey, 16 levels scaled to 0..255; no splits of their own."""
    pixels, labels = _digits()
    split = Split("train", {"label": labels}, Arrays(lambda: pixels), np.arange(len(labels)))
    return Dataset(
        name="digits",
        title="Digits (8×8)",
        source="1,797 handwritten digits of 43 people (E. Alpaydin and C. Kaynak, UCI 1998; CC BY 4.0), "
        "shipped with scikit-learn.",
        heads=(Head("label", DIGIT_NAMES),),
        splits={"train": split},
        unsafe_steps=DIGIT_FLIPS,
    )


@functools.lru_cache(maxsize=1)
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Reads scikit-learn's file itself: importing scikit-learn takes over a second, which no page should wait for."""
    spec = find_spec("sklearn")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    path = folder / "datasets" / "data" / "digits.csv.gz" if folder else None
    if path is None or not path.is_file():
        raise DataError("The digits come with scikit-learn, which is not installed: run pip install scikit-learn.")
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    pixels = np.rint(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    pixels.setflags(write=False)
    return pixels, table[:, 64]


def load_shapes() -> Dataset:
    """Returns generated 64×64 images of one shape each, with masks; heads `shape` (4) and `colour` (6)."""

    def part(name: str, count: int) -> Split:
        source = Arrays(lambda: shapes.draw(name)[0], lambda: shapes.draw(name)[1])
        return Split(name, shapes.labels(name), source, np.arange(count))

    return Dataset(
        name="shapes",
        title="Shapes (64×64, two heads)",
        source="Coloured shapes on noisy backgrounds, drawn by cnnviz from a fixed seed, with the mask of each object.",
        heads=(Head("shape", shapes.SHAPES), Head("colour", shapes.COLOURS)),
        splits={name: part(name, count) for name, count in shapes.COUNTS.items()},
        unsafe_steps={
            "hue": "Turning the hue makes another colour, and the colour is a label here.",
            "grey": "Without colour the label colour can't be seen any more.",
        },
    )
