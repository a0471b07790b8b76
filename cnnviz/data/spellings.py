"""Names that are the same but for how accents are written: é is one character or two (Unicode's NFC and NFD)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["compose", "spellings"]


def compose(name: str) -> str:
    """Returns the name as Unicode composes it (NFC), by which names are compared."""
    return unicodedata.normalize("NFC", name)


def spellings(names: Iterable[str]) -> dict[str, list[str]]:
    """Returns what each name is called, in order, with its spellings: itself where there is one, else composed.

    >>> spellings(["tea", "cafe\\u0301", "caf\\xe9"])
    {'café': ['café', 'café'], 'tea': ['tea']}
    """
    alike: dict[str, list[str]] = {}
    for name in sorted(names):
        alike.setdefault(compose(name), []).append(name)
    found = {(same[0] if len(same) == 1 else name): same for name, same in alike.items()}
    return {name: found[name] for name in sorted(found)}
