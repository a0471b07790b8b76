"""A review: what a person decided of single images of a data set, by name, and how it gets into a recipe.

An image is kept as the data has it, left out, or given other classes, another split, or both. A decision says all of
its image: it takes the place of whatever was decided of the image before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pydantic import Field, model_validator

from cnnviz.errors import DataError, RecipeError, one_of, short
from cnnviz.frozen_model import FrozenDict, Name, Record, parse_record
from cnnviz.recipe import MOST_IMAGES, Data, Labels, SplitName

__all__ = [
    "MOST_BYTES",
    "Decision",
    "Review",
    "merge",
    "review_from_csv",
    "review_from_json",
    "review_of",
    "review_of_file",
    "review_to_csv",
    "review_to_json",
    "with_review",
]

MOST_BYTES = 10 * 2**20
"""So long may a review's text be."""
_COLUMNS = ("image", "decision", "head", "label", "split")
_CELLS: dict[str, tuple[str, ...]] = {
    "keep": (),
    "leave out": (),
    "relabel": ("head", "label"),
    "move": ("split",),
}
"""Decisions, and the cells that each fills beside the image's."""


class Decision(Record):
    """What was decided of an image; with nothing of it, the image is kept as the data has it.

    `leave_out` leaves it out of all splits. `labels` are its classes' names by head, as in `recipe.Data.labels`, and
    `split` is where it is moved.
    """

    leave_out: bool = False
    labels: Labels = FrozenDict()
    split: SplitName | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Decision:
        if self.leave_out and (self.labels or self.split):
            raise ValueError("an image that is left out has neither labels nor a split")
        return self


class Review(Record):
    """Decisions on images of a data set, by the images' names; those as `edits.names_of` has them."""

    dataset: Name
    decisions: FrozenDict[Name, Decision] = Field(FrozenDict(), max_length=MOST_IMAGES)


def review_from_json(text: str | bytes) -> Review:
    """Returns the review that `review_to_json` wrote.

    Raises:
        DataError: one sentence on what is wrong with the text.

    Example:
        `{"dataset": "pets", "decisions": {"cats/12.jpg": {"labels": {"label": "dogs"}}, "cats/13.jpg": {}}}`
    """
    return _parsed(_decoded(text))


def review_to_json(review: Review) -> str:
    """Returns the review as indented JSON; an image that is kept has an empty object."""
    return review.model_dump_json(exclude_defaults=True, indent=1) + "\n"


def review_from_csv(text: str | bytes, dataset: str) -> Review:
    """Returns the review of a table with the columns image, decision, head, label and split.

    A decision is keep, leave out, relabel (one row for each head) or move; an image can be relabelled and moved. Cells
    are separated by commas or semicolons.

    Args:
        text: the table, in UTF-8, with a byte order mark or without.
        dataset: whose images they are, which no column says.

    Raises:
        DataError: one sentence on what is wrong with the text, and in which line.

    Example:
        `image,decision,head,label,split`, then `cats/12.jpg,relabel,label,dogs,`
    """
    text = _decoded(text)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
    decided: dict[str, dict[str, Any]] = {}
    try:
        columns = _columns(next(reader, []))
        for row in reader:
            if any(row):
                _add(decided, _cells(row, columns, reader.line_num), reader.line_num)
    except csv.Error as error:
        raise DataError(f"Line {reader.line_num} of the review is not CSV: {error}.") from None
    return _parsed({"dataset": dataset, "decisions": decided})


def review_of_file(name: str, text: str | bytes, dataset: str) -> Review:
    """Returns the review that a file holds: a table where its name ends in .csv, else JSON.

    Args:
        name: the file's.
        text: what it holds.
        dataset: as for `review_from_csv`.

    Raises:
        DataError: one sentence on what is wrong with the text.
    """
    return review_from_csv(text, dataset) if name.lower().endswith(".csv") else review_from_json(text)


def review_to_csv(review: Review) -> str:
    """Returns the review as a table that `review_from_csv` reads."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for image, decision in review.decisions.items():
        rows = [{"decision": "relabel", "head": head, "label": label} for head, label in decision.labels.items()]
        if decision.split:
            rows.append({"decision": "move", "split": decision.split})
        for row in rows or [{"decision": "leave out" if decision.leave_out else "keep"}]:
            writer.writerow({"image": image, **row})
    return file.getvalue()


def with_review(data: Data, review: Review) -> Data:
    """Returns a recipe's data with the review's decisions in `without`, `labels` and `splits`, in place of what these
    said of the same images; "keep" takes that back.

    Whether there are such images is seen when the data is opened. What tells another data set here is its name, without
    the folders before it, so that a review fits wherever the data set was put.

    Raises:
        DataError: the review is of another data set, or too many images would be changed.
    """
    _check_same(review, data.dataset)
    decisions = review.decisions
    without = [name for name in data.without if name not in decisions]
    labels = {name: classes for name, classes in data.labels.items() if name not in decisions}
    splits = {name: split for name, split in data.splits.items() if name not in decisions}
    for name, decision in decisions.items():
        if decision.leave_out:
            without.append(name)
        if decision.labels:
            labels[name] = decision.labels
        if decision.split:
            splits[name] = decision.split
    most = max(map(len, (without, labels, splits)))
    if most > MOST_IMAGES:
        raise DataError(
            f"With the review the recipe would change {most:,} images in one way; at most {MOST_IMAGES:,} can be: "
            "mend the data itself instead."
        )
    update = {"without": tuple(without), "labels": FrozenDict(labels), "splits": FrozenDict(splits)}
    return data.model_copy(update=update)


def review_of(data: Data) -> Review:
    """Returns the review that a recipe's data is the outcome of; of an image that is left out it says only that.

    Raises:
        DataError: the recipe changes more images than a review can hold.
    """
    names = dict.fromkeys([*data.without, *data.labels, *data.splits])
    gone = set(data.without)
    decisions = {
        name: Decision(leave_out=True)
        if name in gone
        else Decision(labels=data.labels.get(name, FrozenDict()), split=data.splits.get(name))
        for name in names
    }
    return _bounded(data.dataset, decisions)


def merge(review: Review, other: Review) -> Review:
    """Returns both reviews as one; of an image that both decide on, `other`'s decision counts.

    Raises:
        DataError: they are of different data sets, or have too many decisions together.
    """
    _check_same(other, review.dataset)
    return _bounded(review.dataset, {**review.decisions, **other.decisions})


def _decoded(text: str | bytes) -> str:
    if len(text) > MOST_BYTES:
        raise DataError(f"The review has {len(text) / 2**20:,.1f} MB; at most {MOST_BYTES // 2**20} MB are read.")
    try:
        return (text if isinstance(text, str) else text.decode()).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise DataError("The review is not UTF-8 text: save it as UTF-8.") from None


def _parsed(source: str | dict[str, Any]) -> Review:
    try:
        return parse_record(source, Review)
    except RecipeError as error:
        raise DataError(str(error)) from None


def _columns(header: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    for name in columns:
        if name not in _COLUMNS:
            raise DataError(f"The review has a column {short(name)!r}: {one_of(name, _COLUMNS)}.")
        if columns.count(name) > 1:
            raise DataError(f"The review has two columns {name!r}: leave one out.")
    if missing := [name for name in _COLUMNS[:2] if name not in columns]:
        raise DataError(f"The review has no column {missing[0]!r}: its first line should be {','.join(_COLUMNS)}.")
    return columns


def _cells(row: list[str], columns: list[str], line: int) -> dict[str, str]:
    if any(row[len(columns) :]):
        raise DataError(f"Line {line} of the review has {len(row)} cells, but there are {len(columns)} columns.")
    return dict.fromkeys(_COLUMNS, "") | dict(zip(columns, row, strict=False))


def _add(decided: dict[str, dict[str, Any]], cells: Mapping[str, str], line: int) -> None:
    """Adds what a line says of its image."""
    image, word, head = cells["image"], cells["decision"].strip().lower(), cells["head"]
    if word not in _CELLS:
        raise DataError(f"Line {line} of the review has the decision {short(word)!r}: {one_of(word, _CELLS)}.")
    for name in _COLUMNS[2:]:
        if bool(cells[name]) != (name in _CELLS[word]):
            needs = " and ".join(_CELLS[word]) or "neither head, label nor split"
            raise DataError(f"Line {line} of the review says {word}, which takes {needs}.")
    known = decided.get(image)
    more = word == "relabel" and head not in (known or {}).get("labels", {})
    more = more or (word == "move" and "split" not in (known or {}))
    if known is not None and (not more or not known or "leave_out" in known):
        raise DataError(f"Line {line} of the review decides on {short(image)!r} again: leave one of the lines out.")
    said = decided.setdefault(image, {})
    match word:
        case "leave out":
            said["leave_out"] = True
        case "relabel":
            said.setdefault("labels", {})[head] = cells["label"]
        case "move":
            said["split"] = cells["split"].strip()


def _check_same(review: Review, dataset: str) -> None:
    if _plain(review.dataset) != _plain(dataset):
        raise DataError(
            f"The review is of the data set {review.dataset!r}, not of {dataset!r}: choose that one, or a review of "
            "this one."
        )


def _plain(dataset: str) -> str:
    """A data set's name without folders and ending, which differ between computers, and with ways to write it."""
    return PurePath(dataset).name.removesuffix(".npz").removesuffix(".zip")


def _bounded(dataset: str, decisions: Mapping[str, Decision]) -> Review:
    if len(decisions) > MOST_IMAGES:
        raise DataError(
            f"A review of {len(decisions):,} images is too large: at most {MOST_IMAGES:,} can be decided on."
        )
    return Review(dataset=dataset, decisions=FrozenDict(decisions))
