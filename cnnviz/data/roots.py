"""Which folders the pages may open. Whoever reaches a page is not always the person whose machine it is."""

from __future__ import annotations

import os
from pathlib import Path

from cnnviz.data.dataset import printable
from cnnviz.data.kept import uploads_folder
from cnnviz.data.keras_sets import data_root

__all__ = ["allowed_text", "resolve_allowed", "roots"]


def roots() -> tuple[Path, ...]:
    """Returns the folders that `CNNVIZ_DATA` and `CNNVIZ_ROOTS` name (the latter several, separated as in `PATH`), with
    all links resolved; relative ones count from where the app was started."""
    named = [os.environ.get("CNNVIZ_DATA", ""), *os.environ.get("CNNVIZ_ROOTS", "").split(os.pathsep)]
    return tuple(dict.fromkeys(Path(os.path.realpath(os.path.expanduser(name))) for name in named if name.strip()))


def resolve_allowed(name: str) -> Path | None:
    """Returns the folder or file that a page may open under this name, with all links resolved, or `None`.

    A name counts under `CNNVIZ_DATA`, there also without its ending `.npz`; a path must be whole. What lies outside is
    not looked at, so that no answer tells whether it is there.
    """
    root, path = data_root(), Path(os.path.expanduser(name))
    try:
        if path.is_absolute():
            candidates = [path]
        elif root is None or ".." in path.parts:
            return None
        else:
            candidates = [root / name, root / f"{name}.npz"]
        for path in candidates:
            real = Path(os.path.realpath(path))
            if not _within(real):
                return None
            if real.exists():
                return real
    except (OSError, ValueError):  # a name too long or with a null byte
        pass
    return None


def _within(real: Path) -> bool:
    """Returns whether a path without links lies in one of the folders, or is an upload of its own."""
    uploads = Path(os.path.realpath(uploads_folder()))
    return any(real == root or root in real.parents for root in roots()) or uploads in real.parents


def allowed_text() -> str:
    """Returns what a page may open, as the end of a sentence in brackets."""
    named = " or ".join(printable(str(root)) for root in roots())
    return f"pages open what lies in {named}" if named else "pages open no folder yet"
