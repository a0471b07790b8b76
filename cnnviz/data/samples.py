"""Images to try things on; they come with scikit-image, so no Internet connection is needed."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cnnviz import images
from cnnviz.errors import DataError, one_of

__all__ = ["sample", "sample_names", "samples"]

_FILES = {
    "chelsea": "chelsea.png",
    "astronaut": "astronaut.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
}


def sample_names() -> tuple[str, ...]:
    """Returns the names of the images that this installation of scikit-image has."""
    folder = _folder()
    return tuple(name for name, file in _FILES.items() if folder is not None and (folder / file).is_file())


@functools.lru_cache(maxsize=len(_FILES))
def sample(name: str) -> np.ndarray:
    """Returns an image as uint8 RGB, shape (height, width, 3); shared, so it can't be written to.

    Raises:
        DataError: there is no such image.
    """
    folder = _folder()
    if folder is None or name not in sample_names():
        raise DataError(f"There is no sample image {name!r}: {one_of(name, sample_names())}.")
    image = images.decode(folder / _FILES[name])
    image.setflags(write=False)
    return image


def samples() -> dict[str, np.ndarray]:
    """Returns all images by name; see `sample`."""
    return {name: sample(name) for name in sample_names()}


def _folder() -> Path | None:
    """scikit-image's own files, found without importing it, which takes long."""
    spec = find_spec("skimage")
    return Path(spec.submodule_search_locations[0]) / "data" if spec and spec.submodule_search_locations else None
