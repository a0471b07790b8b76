"""`flags.json`: images of a run's data that a person finds wrongly labelled or unclear."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnviz.errors import RunError
from cnnviz.files import read_json, write_json
from cnnviz.recipe import Recipe
from cnnviz.runs.store import own_place

__all__ = ["FLAGS", "MOST", "read", "without_flagged", "write"]

FLAGS = ("wrong label", "unclear")
MOST = 5000
_LONGEST = 80


def read(folder: Path) -> dict[str, str]:
    """Returns the flagged images of the run in `folder`: name → one of `FLAGS`; what can't be read counts as none."""
    found: Any = read_json(folder / "flags.json")
    flags = found.get("flags") if isinstance(found, dict) else None
    if not isinstance(flags, dict):
        return {}
    sound = {name: flag for name, flag in flags.items() if flag in FLAGS and 0 < len(name) <= 1000}
    return {name: flag for name, flag in sound.items() if name.isprintable()}


def write(folder: Path, flags: Mapping[str, str]) -> None:
    """Replaces all flags of the run, whole or not at all.

    Args:
        folder: the run's.
        flags: name → one of `FLAGS`; names as `data.edits.names_of` gives them.

    Raises:
        RunError: there are too many, or they can't be written.
    """
    if len(flags) > MOST:
        raise RunError(f"{len(flags):,} images are flagged; at most {MOST:,} can be: mend the data's labels instead.")
    try:
        write_json(own_place(folder) / "flags.json", {"flags": dict(flags)})
    except OSError as error:
        raise RunError(f"The flags of run {folder.name} can't be written: {error.strerror or error}.") from None


def without_flagged(recipe: Recipe, flags: Mapping[str, str]) -> Recipe:
    """Returns the recipe that leaves the flagged images out too, with a name that says so."""
    names = tuple(dict.fromkeys([*recipe.data.without, *flags]))
    words = f" · without {len(names):,}"
    title = recipe.name.strip() or recipe.data.dataset
    before, _, count = title.rpartition(" · without ")
    title = before if count != title and count.replace(",", "").isdigit() else title
    data = recipe.data.model_copy(update={"without": names})
    return recipe.model_copy(update={"data": data, "name": title[: _LONGEST - len(words)] + words})
