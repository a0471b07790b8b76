"""What a zip file's directory says of its members, judged before any of them is opened."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Sequence

from cnnviz.data.dataset import printable
from cnnviz.data.layouts.layout import split_of
from cnnviz.data.layouts.named_images import class_in, named_classes
from cnnviz.data.listing import TABLE_SUFFIXES, Endings, ending, instead, is_hidden, is_hidden_image, is_image
from cnnviz.errors import DataError

__all__ = [
    "MAX_ARRAYS",
    "MAX_ARRAY_BYTES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_MEMBERS",
    "MAX_RATIO",
    "arrays",
    "images",
    "unread",
]

MAX_MEMBERS = 50_000
MAX_ARRAYS = 100
MAX_BYTES = 4 * 2**30
"""Bytes of all members when unpacked."""
MAX_ARRAY_BYTES = 2**30
"""The same of an .npz file, as arrays are read into memory."""
MAX_RATIO = 200
"""How many times larger a member may get; images are packed already, and plain arrays shrink to a tenth."""
MAX_DEPTH = 6
"""Parts of a name: a folder round all, a split, a class and a file are four."""
_SMALL = 2**20  # members that stay below this may have any ratio
_MAX_PART, _MAX_NAME = 200, 800  # bytes; file systems take 255 and about 4,000 with the folder's own path
_HEADER = 30  # bytes before a member's name and data
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Chosen = list[tuple[zipfile.ZipInfo, tuple[str, ...]]]


def images(archive: zipfile.ZipFile, size: int, shown: str) -> Chosen:
    """Returns the images of an archive with the parts of their names, without a folder that is round all of them; and
    its tables of labels, where images don't lie in folders of their classes.

    Args:
        archive: as it was opened; nothing in it is read.
        size: its own bytes.
        shown: what it is called in sentences.

    Raises:
        DataError: a member can't be trusted, or there are no labels: images lie in less than two folders, one a
            class, and have no table and no class in their names.
    """
    infos = archive.infolist()
    _measure(infos, size, archive.start_dir, shown, MAX_BYTES)
    chosen: Chosen = []
    tables: Chosen = []
    files, folders = set(), set()
    for info in infos:
        parts = _parts(info, shown)
        folded = tuple(unicodedata.normalize("NFC", part).casefold() for part in parts)
        above = {folded[:depth] for depth in range(1, len(folded))}
        if not _is_folder(info):
            if folded in files:
                raise _refused(shown, info, "is there twice")
            files.add(folded)
        folders |= above if not _is_folder(info) else above | {folded}
        if not _is_folder(info) and _is_image(parts):
            chosen.append((info, parts))
        elif not _is_folder(info) and _is_table(parts):
            tables.append((info, parts))
    if clash := files & folders:
        name = "/".join(next(iter(clash)))
        raise DataError(f"{shown} is refused: {printable(name)[:80]!r} is both a file and a folder in it.")
    bare = _without_folders(chosen, 2)
    if chosen and tables and not _has_classes(bare):
        return _without_folders(chosen + tables, 1)
    chosen = bare
    if named_classes(class_in(parts[-1]) for _, parts in chosen):
        return chosen
    if min((len(parts) for _, parts in chosen), default=0) < 2 or len({parts[:-1] for _, parts in chosen}) < 2:
        why = ", but not in folders of their classes" if chosen else instead(unread(archive)[0])
        raise DataError(
            f"{shown} has {len(chosen):,} images{why}: expected one folder of images a class, two at "
            f"least, such as cat/1.jpg and dog/1.jpg, or a table of labels (.csv) beside them."
        )
    return chosen


def _without_folders(chosen: Chosen, least: int) -> Chosen:
    """The same without the folders that are round all of them; names keep this many parts at least."""
    while chosen and len({parts[0] for _, parts in chosen}) == 1 and min(len(parts) for _, parts in chosen) > least:
        chosen = [(info, parts[1:]) for info, parts in chosen]
    return chosen


def _has_classes(chosen: Chosen) -> bool:
    """Whether images lie in folders of which not all are only splits."""
    folders = {parts[:-1] for _, parts in chosen}
    return len(folders) > 1 and () not in folders and any(len(f) > 1 or split_of(f[0]) is None for f in folders)


def unread(archive: zipfile.ZipFile) -> tuple[Endings, int]:
    """Returns the endings of an archive's files that are not images, with how many there are, and the number of
    hidden images."""
    others: Counter[str] = Counter()
    hidden = 0
    for info in archive.infolist():
        parts = info.filename.split("/")
        if _is_folder(info) or any(is_hidden(part) for part in parts[:-1]):
            continue
        if is_hidden(parts[-1]):
            hidden += is_hidden_image(parts[-1])
        elif not is_image(parts[-1]):
            others[ending(parts[-1])] += 1
    return tuple(sorted(others.items())), hidden


def arrays(archive: zipfile.ZipFile, size: int, shown: str) -> None:
    """Looks at the directory of an .npz file.

    Raises:
        DataError: a member can't be trusted, or they are too many or too large.
    """
    infos = archive.infolist()
    if len(infos) > MAX_ARRAYS:
        raise DataError(f"{shown} has {len(infos):,} arrays; at most {MAX_ARRAYS} are read.")
    _measure(infos, size, archive.start_dir, shown, MAX_ARRAY_BYTES)
    seen = set()
    for info in infos:
        parts = _parts(info, shown)
        if len(parts) > 1 or not info.filename.endswith(".npy"):
            raise _refused(shown, info, "is not an array")
        if parts in seen:
            raise _refused(shown, info, "is there twice")
        seen.add(parts)


def _measure(infos: Sequence[zipfile.ZipInfo], size: int, end: int, shown: str, most: int) -> None:
    """Sizes, methods and places of all members."""
    total = sum(info.file_size for info in infos)
    if total > most:
        raise DataError(
            f"{shown} would have {total / 2**30:,.1f} GB when unpacked; at most {most / 2**30:.0f} GB are: "
            f"make the images smaller, or unpack it yourself and give the folder."
        )
    for info in infos:
        if info.flag_bits & 0x41:
            raise _refused(shown, info, "is encrypted")
        if info.compress_type not in _METHODS:
            raise _refused(shown, info, "is packed in another way than deflate")
        if info.file_size > max(_SMALL, MAX_RATIO * info.compress_size):
            raise _refused(shown, info, f"would grow to more than {MAX_RATIO} times its size")
    if total > max(64 * _SMALL, MAX_RATIO * size):
        raise DataError(
            f"{shown} is refused: it would grow to {total / max(size, 1):,.0f} times its size, and more "
            f"than {MAX_RATIO} times is not what images do."
        )
    at = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < at:
            raise _refused(shown, info, "shares its bytes with another")
        at = info.header_offset + _HEADER + info.compress_size
        if at > end:
            raise _refused(shown, info, "reaches beyond the archive's end")


def _parts(info: zipfile.ZipInfo, shown: str) -> tuple[str, ...]:
    """The parts of a member's name, each of which can be the name of a file and nothing else."""
    name = info.orig_filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(shown, info, "is a link or a device" if kind == stat.S_IFLNK else "is not a regular file")
    if _is_folder(info) and info.file_size:
        raise _refused(shown, info, "is a folder with content")
    if not name.isprintable() or "\\" in name or re.match(r"[A-Za-z]:", name):
        raise _refused(shown, info, "has characters in its name that lead elsewhere or can't be shown")
    parts = tuple(name.removesuffix("/").split("/"))
    if any(part.strip() in ("", ".", "..") for part in parts):
        raise _refused(shown, info, "has a name that leads elsewhere")
    if len(parts) > MAX_DEPTH:
        raise _refused(shown, info, f"lies in more than {MAX_DEPTH - 1} folders")
    if max(len(os.fsencode(part)) for part in parts) > _MAX_PART or len(os.fsencode(name)) > _MAX_NAME:
        raise _refused(shown, info, "has a name that is too long")
    return parts


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")  # the library's own question fails where there is no name


def _is_image(parts: tuple[str, ...]) -> bool:
    return not any(map(is_hidden, parts)) and is_image(parts[-1])


def _is_table(parts: tuple[str, ...]) -> bool:
    return not any(map(is_hidden, parts)) and parts[-1].lower().endswith(TABLE_SUFFIXES)


def _refused(shown: str, info: zipfile.ZipInfo, why: str) -> DataError:
    name = printable(info.orig_filename)
    return DataError(f"{shown} is refused: its member {name[:80] + '…' * (len(name) > 80)!r} {why}.")
