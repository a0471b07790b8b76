"""`audit`: what is wrong with a data set's images and labels."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console

from cnnviz import recipe
from cnnviz.audit.audit import Audit, audit, to_json
from cnnviz.audit.pool import pool_of
from cnnviz.audit.spare_images import duplicates_review
from cnnviz.commands.model_argument import tensorflow_quiet
from cnnviz.commands.output import out_file, write_file
from cnnviz.commands.progress_bar import progress_bar
from cnnviz.commands.subcommand import add_verb
from cnnviz.data import open_dataset
from cnnviz.data.dataset import printable
from cnnviz.data.review import review_to_json
from cnnviz.errors import RunError

__all__ = ["add_audit"]

_SHOWN = 10


def add_audit(verbs: argparse._SubParsersAction) -> None:
    """Adds `audit`."""
    verb = add_verb(verbs, "audit", "find leaks, wrong labels, odd images and shortcuts in a data set", _audit)
    verb.add_argument("dataset", metavar="DATASET", help="a data set's name, or the path of a folder or file")
    verb.add_argument("--suspects", metavar="N", type=int, help="list at most N probably wrong labels")
    verb.add_argument("--columns", metavar="C", nargs="+", default=[], help="the label columns of a table, each a head")
    verb.add_argument("--review", metavar="FILE", help="write a review that keeps one of each group of duplicates")
    verb.add_argument("--anew", action="store_true", help="work it out again, even where it is kept")


def _audit(chosen: argparse.Namespace) -> int:
    if chosen.suspects is not None and chosen.suspects < 0:
        raise RunError(f"--suspects is {chosen.suspects}; expected 0 or more.")
    review = out_file(chosen.review, ".json", "a review is JSON", "--review") if chosen.review else None
    asked = {"dataset": chosen.dataset, "image_size": 160, "label_columns": chosen.columns}
    dataset = open_dataset(recipe.parse(asked, recipe.Data))
    with tensorflow_quiet():
        import cnnviz.audit.features  # noqa: F401  # brings TensorFlow
    with progress_bar() as progress:
        found = audit(dataset, progress=progress, anew=chosen.anew)
    for note in dataset.notes:  # now, as bad input is one line
        print(f"cnnviz: {note}", file=sys.stderr)
    if review is not None:
        write_file(review, review_to_json(duplicates_review(found, pool_of(dataset))).encode())
    if chosen.json:
        print(json.dumps(to_json(found, chosen.suspects)))
    else:
        _told(found, _SHOWN if chosen.suspects is None else chosen.suspects)
    return 0


def _told(found: Audit, shown: int) -> None:
    console = Console(highlight=False, soft_wrap=True, emoji=False)

    def say(text: str) -> None:
        console.print(printable(text), markup=False)

    splits = ", ".join(f"{count:,} {name}" for name, count in found.splits.items())
    say(f"{found.dataset}: {found.images:,} images ({splits})")
    for name, count in found.leaks.items():
        if count or found.near_leaks[name]:
            say(f"{count:,} {name} images are in the training data, {found.near_leaks[name]:,} nearly")
    for kind, groups in (("exact", found.exact), ("near", found.near)):
        say(f"{kind} duplicates: {sum(map(len, groups)):,} images in {len(groups):,} groups")
    for head, numbers in found.contradictions.items():
        if numbers:
            say(f"{len(numbers):,} groups of the same image have different labels of {head}")
    say(f"probably wrong labels: {len(found.suspects):,}; hard but right: {len(found.hard):,}")
    for one in found.suspects[:shown]:
        say(f"  {one.image}: {one.head} is {one.label}, suggested {one.suggested} ({one.score:.2f})")
    kinds: dict[str, int] = {}
    for odd in found.outliers:
        kinds[odd.kind] = kinds.get(odd.kind, 0) + 1
    say("odd ones: " + (", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "none"))
    for trick in found.shortcuts:
        say(
            f"shortcut: {trick.property} alone tells {trick.label} ({trick.head}) from all others, balanced accuracy "
            f"{trick.balanced_accuracy:.2f}"
        )
    for sentence in (*found.imbalance, *found.notes):
        say(sentence)
    say(f"features by {found.model}; {found.seconds:.0f} s")
