"""Images that a person drops in, class by class: an ordinary folder of images among the uploads.

A folder is never changed: with every drop, new name or removal another one is made, with links to the same files, so
that runs keep what they learned from and a step back in the browser brings back what was there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cnnviz import images
from cnnviz.data.dataset import printable
from cnnviz.data.kept import check_room, new_folder, put, record_of, whole
from cnnviz.data.listing import is_hidden, listing
from cnnviz.data.zip_check import MAX_BYTES, MAX_MEMBERS
from cnnviz.errors import DataError, ImageError
from cnnviz.model_spec import MAX_CLASSES

__all__ = ["LEAST", "Drop", "class_name", "classes_of", "place", "problem", "removed", "renamed"]

LEAST = 5
"""Images that a class needs, so that parts can be held out and something is left to learn from."""
_FOLDER = "my-images"
_TRAIN = "train"  # in a folder of this name a class may be called train or test, too
_SPLITS = {"train", "training", "validation", "valid", "val", "test", "testing"}
_LONGEST = 60  # characters of a class's name
_MOST_BYTES = 200  # of it, as a file system counts
_STEM = 40  # characters of a file's name that are kept

Classes = dict[str, tuple[Path, ...]]
"""The images of each class, by its name, in order."""


def classes_of(folder: Path | str) -> Classes | None:
    """Returns the classes of a folder that was made here; `None` of any other path, or where files of it are gone."""
    folder = Path(folder)
    if not record_of(folder).get("own") or whole(folder.parent.name) is None:
        return None
    train = folder / _TRAIN
    return {name: tuple(train / name / one for one in listing(train / name).images) for name in listing(train).folders}


def class_name(text: str) -> str:
    """Returns a class's name as it is kept: composed (NFC), on one line.

    Raises:
        DataError: it can't be the name of a folder.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name:
        raise DataError("A class needs a name.")
    if len(name) > _LONGEST or len(name.encode(errors="replace")) > _MOST_BYTES:
        raise DataError(f"{printable(name[:20])}… is too long for a class's name: {_LONGEST} characters are kept.")
    if not name.isprintable() or set(name) & set("/\\") or is_hidden(name) or re.match(r"[A-Za-z]:", name):
        raise DataError(
            f"{printable(name)!r} can't be a class's name: leave out slashes, signs that can't be shown and a dot "
            "before it."
        )
    return name


def problem(classes: Classes) -> str:
    """Returns, in one sentence, what is missing for a model to learn from these classes; "" where nothing is."""
    if not classes:
        return "Name a class and drop its images in, then the next class."
    if len(classes) == 1:
        return f"One more class is needed: what is to be told from {next(iter(classes))}?"
    few = [(name, len(files)) for name, files in classes.items() if len(files) < LEAST]
    if not few:
        return ""
    named = ", ".join(f"{name} has {count}" for name, count in few[:5]) + " …" * (len(few) > 5)
    return f"At least {LEAST} images a class are needed: {named}."


def place(names: Sequence[str], typed: str, taken: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Returns which class each dropped file belongs to, "" for those that are left out, and sentences on that.

    Files without a folder belong to the class that was typed, else to a new one called "class 1" or the next number. A
    folder is a class, or, where there are folders in it, each of these is one with all that lies below it.

    Args:
        names: of the files, with "/" and the folders that they were dropped with.
        typed: what the person called the class; "" for nothing.
        taken: the classes that there are.
    """
    parts = [
        tuple(part for part in name.replace("\\", "/").split("/") if part.strip() not in ("", ".", ".."))
        for name in names
    ]
    hidden = [any(map(is_hidden, one)) or not one for one in parts]
    seen = [one for one, gone in zip(parts, hidden, strict=True) if not gone and len(one) > 1]
    depth, notes = 0, []
    while len({one[depth] for one in seen if len(one) > depth + 1}) == 1 and _divided(seen, depth):
        depth += 1
    tops = {one[depth].lower() for one in seen if len(one) > depth + 1}
    if tops and tops <= _SPLITS and all(len(one) > depth + 2 for one in seen if len(one) > depth + 1):
        notes.append(f"The folders {', '.join(sorted(tops))} were put together: parts are held out anew.")
        depth += 1
    several = len({one[depth] for one in seen if len(one) > depth + 1}) > 1
    plain = typed or _unnamed(taken)
    found, beside = [], 0
    for one, gone in zip(parts, hidden, strict=True):
        if gone:
            found.append("")
        elif len(one) == 1:
            found.append(plain)
        elif len(one) > depth + 1:
            found.append(one[depth] if several or not typed else typed)
        else:
            found.append("")
            beside += 1
    if beside:
        notes.append(f"{beside:,} file{'s' * (beside > 1)} beside the class folders, in none of them, left out.")
    if count := sum(gone and one != () for gone, one in zip(hidden, parts, strict=True)):
        notes.append(f"{count:,} hidden file{'s' * (count > 1)} (with a dot before the name) left out.")
    return found, notes


def _divided(seen: Sequence[tuple[str, ...]], depth: int) -> bool:
    """Whether the folder that all files lie in is divided into others: several, or one that holds all of them."""
    below = {one[depth + 1] for one in seen if len(one) > depth + 2}
    return len(below) > 1 or (len(below) == 1 and all(len(one) > depth + 2 for one in seen))


def _unnamed(taken: Iterable[str]) -> str:
    used = {_fold(name) for name in taken}
    return next(name for number in range(1, MAX_CLASSES + 2) if (name := f"class {number}") not in used)


@dataclass
class Drop:
    """Files that are being taken in, one after another, and what is said of those that are not.

    `refused` holds for each reason the names of the files.
    """

    folder: Path | None
    classes: dict[str, list[Path | tuple[str, bytes]]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    taken: int = 0
    _seen: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def __post_init__(self) -> None:
        for name, files in (classes_of(self.folder) or {} if self.folder else {}).items():
            self.classes[name] = list(files)
            for path in files:
                self._seen[_mark(path.stem)] = name
                self._bytes += path.stat().st_size

    def take(self, name: str, data: bytes, into: str, reason: Callable[[bytes], str] = lambda data: "") -> None:
        """Takes one file, or notes why not.

        Args:
            name: the file's.
            data: what it holds.
            into: its class.
            reason: says of bytes that are no image what they are, where it knows.
        """
        shown = printable(name.replace("\\", "/").rpartition("/")[2])[:80] or "A file"
        try:
            called = self._called(class_name(into))
            if sum(map(len, self.classes.values())) >= MAX_MEMBERS or self._bytes + len(data) > MAX_BYTES:
                raise DataError(f"At most {MAX_MEMBERS:,} images and {MAX_BYTES >> 30} GB are kept.")
            mark = hashlib.sha256(data).hexdigest()[:16]
            if mark in self._seen:
                raise DataError(f"The same image is in {self._seen[mark]} already.")
            images.decode(data)
        except ImageError as error:
            self.refused.setdefault(reason(data) or str(error), []).append(shown)
            return
        except DataError as error:
            self.refused.setdefault(str(error), []).append(shown)
            return
        self._seen[mark] = called
        self._bytes += len(data)
        self.taken += 1
        self.classes.setdefault(called, []).append((f"{_stem(shown)}-{mark}{images.file_ending(data)}", data))

    def _called(self, name: str) -> str:
        """The class's name, as a class is called already that differs in capitals only."""
        return next((one for one in self.classes if _fold(one) == _fold(name)), name)

    def keep(self) -> Path:
        """Returns the folder of what was there before and what was taken.

        Raises:
            DataError: it can't be written.
        """
        return _keep(self.classes)


def renamed(folder: Path, old: str, new: str) -> Path:
    """Returns the folder with a class under another name.

    Raises:
        DataError: the name can't be one, or another class has it; or the folder can't be written.
    """
    classes, name = classes_of(folder) or {}, class_name(new)
    if any(_fold(one) == _fold(name) for one in classes if one != old):
        raise DataError(f"There is a class {name} already: choose another name.")
    return _keep({name if one == old else one: files for one, files in classes.items()})


def removed(folder: Path, name: str) -> Path | None:
    """Returns the folder without a class; `None` where none is left.

    Raises:
        DataError: the folder can't be written.
    """
    left = {one: files for one, files in (classes_of(folder) or {}).items() if one != name}
    return _keep(left) if left else None


def _keep(classes: Mapping[str, Sequence[Path | tuple[str, bytes]]]) -> Path:
    """The folder of these classes; files that are kept already are linked, not written again."""
    lines = sorted(f"{name}/{_name(one)}" for name, files in classes.items() for one in files)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
    if found := whole(digest):
        return found
    shown = "What was dropped"
    with new_folder(shown) as new:
        check_room(
            new, sum(len(one[1]) for files in classes.values() for one in files if isinstance(one, tuple)), shown
        )
        try:
            for name, files in classes.items():
                inner = new / _FOLDER / _TRAIN / name
                inner.mkdir(parents=True)
                for one in files:
                    if isinstance(one, tuple):
                        (inner / one[0]).write_bytes(one[1])
                    else:
                        _link(one, inner / one.name)
        except OSError as error:
            raise DataError(f"{shown} can't be kept: {error.strerror or error}.") from None
        return put(new, digest, shown, own=True, others=[], hidden=0)


def _link(source: Path, target: Path) -> None:
    with suppress(OSError):  # a file system without links
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def _name(one: Path | tuple[str, bytes]) -> str:
    return one.name if isinstance(one, Path) else one[0]


def _mark(stem: str) -> str:
    """The start of the SHA-256 that ends a kept file's name."""
    return stem.rpartition("-")[2]


def _stem(name: str) -> str:
    """A file's name without its ending, as a file may be called anywhere."""
    stem = re.sub(r"[^\w .()+-]+", "_", unicodedata.normalize("NFC", name.rpartition(".")[0] or name))
    return stem[:_STEM].strip(" .") or "image"


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
