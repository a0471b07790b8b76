"""How many bits a dataset's images use where they have more than 8: one number, and so one scale, for all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from cnnviz import files, images
from cnnviz.data.disk_cache import add_files, cache_folder
from cnnviz.errors import ImageError

__all__ = ["bits_of", "note"]

_DEEP = (".png", ".tif", ".tiff")  # what can have more than 8 bits
_LOOKED = 1000  # heads that are read to find out whether there are such images at all
_CHUNK = 64
_VERSION = 1  # raise it when an image's bits are found otherwise


def bits_of(folder: Path, names: Sequence[str]) -> int | None:
    """Returns the most bits that any of these files uses; `None` where none of a thousand, evenly chosen, is deep.

    All deep files are read for it, until one uses all 16; what was found is kept in the cache folder.
    """
    paths = [folder / name for name in names if name.lower().endswith(_DEEP)]
    looked = paths[:: max(1, len(paths) // _LOOKED)]
    if not paths or not any(map(images.is_deep, looked)):
        return None
    kept = cache_folder() / "depths" / f"{_key(paths)}.json"
    with suppress(OSError):
        if isinstance(found := files.read_json(kept), int) and 0 <= found <= 16:
            return found or None
    most = 0
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), _CHUNK):
            most = max(most, *pool.map(_bits, paths[start : start + _CHUNK]))
            if most == 16:
                break
    with suppress(OSError):  # it can be found anew
        kept.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(kept, most)
    return most or None


def note(bits: int) -> str:
    """Returns a sentence for the dataset's notes."""
    return (
        f"Its images have more than 8 bits and use {bits} of them: 0..{(1 << bits) - 1:,} became 0..255, in all alike."
    )


def _bits(path: Path) -> int:
    try:
        return images.bits(path) or 0
    except ImageError:  # it will be listed as one that can't be read
        return 0


def _key(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256(str(_VERSION).encode())
    add_files(digest, paths)
    return digest.hexdigest()[:32]
