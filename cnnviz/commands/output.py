"""What verbs read and write: images with what is to be said of them, and files, checked before and written whole."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np

from cnnviz import images
from cnnviz.data.dataset import printable
from cnnviz.errors import CnnvizError
from cnnviz.files import write_bytes

__all__ = ["decode_file", "made_folder", "out_file", "out_folder", "stem_of", "write_file"]


def decode_file(path: Path, bits: int | None = None) -> np.ndarray:
    """Returns `images.decode`'s image of a file; what a person may not expect of it is said on stderr.

    Raises:
        ImageError: it can't be read.
    """
    image, notes = images.decode_with_notes(path, bits)
    for note in notes:
        print(f"cnnviz: {printable(path.name)}: {note}", file=sys.stderr)
    return image


def out_file(name: str, suffix: str, what: str, option: str = "--out") -> Path:
    """Returns the file that an option names; of a link, the file that it leads to.

    Args:
        name: as typed.
        suffix: how it must end, such as ".png".
        what: what will be in it and why it ends so, such as "the sheet is a PNG".
        option: the one that names it.

    Raises:
        CnnvizError: it ends differently, is a folder, a device or the like, or stands in no folder.
    """
    path = Path(name)
    if path.suffix.lower() != suffix:
        raise CnnvizError(f"{option} is {name!r}: {what}, so give it a name that ends in {suffix}.")
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        raise CnnvizError(f"{option} is {name!r}: its folder must be there, and it must be a file where there is one.")
    return path


def out_folder(name: str) -> Path:
    """Returns the folder that `--out` names; it need not be there yet.

    Raises:
        CnnvizError: it is a file.
    """
    path = Path(name)
    if path.exists() and not path.is_dir():
        raise CnnvizError(f"--out is {name!r}, which is no folder: give a folder's name.")
    return path


def made_folder(path: Path) -> Path:
    """Makes a folder where there is none, and returns it.

    Raises:
        CnnvizError: it can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CnnvizError(f"The folder {path} can't be made: {error.strerror or error}.") from None
    return path


def write_file(path: Path, data: bytes | memoryview) -> str:
    """Writes a file, whole or not at all, and returns its name.

    Raises:
        CnnvizError: it can't be written.
    """
    try:
        write_bytes(path, data)
    except OSError as error:
        raise CnnvizError(f"{path} can't be written: {error.strerror or error}.") from None
    return str(path)


def stem_of(*parts: str, otherwise: str = "image") -> str:
    """Returns names of people, layers or classes as a part of a file's name, joined by hyphens."""
    plain = [re.sub(r"[^\w.-]+", "_", printable(part))[:80].lstrip(".-") or otherwise for part in parts]
    return "-".join(plain)
