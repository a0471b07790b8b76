"""Names in folders, without opening a file. A folder is read again only when its time has changed."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from cnnviz.data.dataset import printable
from cnnviz.errors import DataError

__all__ = [
    "SUFFIXES",
    "TABLE_SUFFIXES",
    "Endings",
    "Listing",
    "Tree",
    "ending",
    "has_images",
    "instead",
    "is_hidden",
    "is_hidden_image",
    "is_image",
    "left_out",
    "listing",
    "sum_endings",
    "tree",
]

SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
TABLE_SUFFIXES = (".csv", ".tsv")
_SETTLED_NS = 2 * 10**9  # file systems' clocks are coarse: a folder that changed just now may change again unseen
_GLANCE = 1000  # entries that are looked at where a glance must do
_ENDINGS = 5  # that are named in a sentence

Endings = tuple[tuple[str, int], ...]
"""Endings of files that are not images, each with how many there are."""


@dataclass(frozen=True)
class Listing:
    """What a folder holds, sorted; hidden entries are left out, of which `hidden` counts the images.

    `links` are those of `folders` that are links.
    """

    images: tuple[str, ...]
    folders: tuple[str, ...]
    links: tuple[str, ...]
    others: Endings
    hidden: int


@dataclass(frozen=True)
class Tree:
    """All images of a folder and of the folders below it, as paths with "/", and what of it is not read."""

    images: tuple[str, ...]
    others: Endings
    hidden: int
    links: int


def listing(folder: Path) -> Listing:
    """Returns the names in a folder; links count as what they lead to, broken ones as files of another kind.

    Raises:
        DataError: it can't be read.
    """
    try:
        return _read(folder)
    except OSError as error:
        raise _unreadable(folder, error) from None


def tree(folder: Path) -> Tree:
    """Returns all images below a folder, in the order in which Keras's `image_dataset_from_directory` takes those of
    a class: folder by folder in the order of their paths, each one's by name. Links to folders are not followed.

    Raises:
        DataError: a folder can't be read. One that went away meanwhile holds nothing.
    """
    found = {"": listing(folder)}
    waiting = deque([""])
    while waiting:
        above = waiting.popleft()
        for name in sorted(set(found[above].folders) - set(found[above].links)):
            below = f"{above}/{name}" if above else name
            try:
                found[below] = _read(folder / below)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unreadable(folder / below, error) from None
            waiting.append(below)
    return Tree(
        tuple(f"{below}/{name}" if below else name for below in sorted(found) for name in found[below].images),
        sum_endings(inside.others for inside in found.values()),
        sum(inside.hidden for inside in found.values()),
        sum(len(inside.links) for inside in found.values()),
    )


def has_images(folder: Path) -> bool:
    """Returns whether there is an image among the first thousand entries of a folder and of those below it; `False`
    where it can't be read."""
    waiting, looked = deque([folder]), 0
    while waiting and looked < _GLANCE:
        try:
            with os.scandir(waiting.popleft()) as entries:
                for _, entry in zip(range(_GLANCE - looked), entries, strict=False):
                    looked += 1
                    if is_image(entry.name):
                        return True
                    if not is_hidden(entry.name) and entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
        except OSError:
            continue
    return False


def left_out(others: Endings, hidden: int = 0, links: int = 0) -> list[str]:
    """Returns a sentence for each kind of thing that is not read, with how many there are of it."""
    messages = []
    if total := sum(count for _, count in others):
        messages.append(f"{_many(total, 'file')} with other endings than images' ({_named(others)}) left out.")
    if hidden:
        messages.append(f"{_many(hidden, 'hidden image')} (with a dot before the name) left out.")
    if links:
        messages.append(f"{_many(links, 'folder')} inside classes left out, as a link: links are not followed there.")
    return messages


def instead(others: Endings) -> str:
    """Returns, for the middle of a sentence, what there is where images were expected; "" where there is nothing."""
    total = sum(count for _, count in others)
    found = f" but {_many(total, 'file')} with other endings ({_named(others)}), and read are {', '.join(SUFFIXES)}"
    return found if total else ""


def _named(others: Endings) -> str:
    most = sorted(others, key=lambda one: (-one[1], one[0]))
    return ", ".join(printable(ending) for ending, _ in most[:_ENDINGS]) + " and others" * (len(most) > _ENDINGS)


def sum_endings(many: Iterable[Endings]) -> Endings:
    """Returns the endings of several folders, added up."""
    counts: Counter[str] = Counter()
    for others in many:
        counts.update(dict(others))
    return tuple(sorted(counts.items()))


def ending(name: str) -> str:
    """Returns how a file's name ends, in lower case, such as ".txt"; "no ending" where it has none."""
    return PurePath(name).suffix.lower()[:12] or "no ending"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _unreadable(folder: Path, error: OSError) -> DataError:
    return DataError(f"The folder {str(folder)!r} can't be read: {error.strerror}.")


def _read(folder: Path) -> Listing:
    changed = os.stat(folder).st_mtime_ns
    if time.time_ns() - changed < _SETTLED_NS:
        return _scan(str(folder))
    return _cached(str(folder), changed)


@functools.lru_cache(maxsize=4096)
def _cached(folder: str, changed: int) -> Listing:
    return _scan(folder)


def _scan(folder: str) -> Listing:
    images, folders, links, hidden = [], [], [], 0
    others: Counter[str] = Counter()
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                hidden += is_hidden_image(entry.name) and _looked(entry.is_file)
            elif is_image(entry.name) and _looked(entry.is_file):
                images.append(entry.name)
            elif _looked(entry.is_dir):
                folders.append(entry.name)
                links += [entry.name] if _looked(entry.is_symlink) else []
            else:
                others[ending(entry.name)] += 1
    endings = tuple(sorted(others.items()))
    return Listing(tuple(sorted(images)), tuple(sorted(folders)), tuple(sorted(links)), endings, hidden)


def _looked(look: Callable[[], bool]) -> bool:
    """What a look at an entry says; `False` of what has just gone away or is a link to itself."""
    try:
        return look()
    except OSError:
        return False


def is_hidden(name: str) -> bool:
    """Returns whether a file or folder is left out by its name."""
    return name.startswith(".") or name == "__MACOSX"


def is_image(name: str) -> bool:
    """Returns whether a file is an image by its name."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def is_hidden_image(name: str) -> bool:
    """Returns whether it would be an image but for the dot before its name; ._x is what macOS keeps beside x."""
    return name.startswith(".") and not name.startswith("._") and is_image(name[1:])
