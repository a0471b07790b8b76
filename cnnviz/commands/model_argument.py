"""How every verb reads a RUN: a run's id, or the path of a .keras file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz import runs
from cnnviz.data.dataset import printable
from cnnviz.errors import ModelError, RunError, one_of
from cnnviz.models.load.file_options import OUTPUTS, PIXEL_SCALES, class_lists
from cnnviz.runs import Run

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "add_model_argument",
    "is_file",
    "model_of",
    "refuse_options",
    "resolve_layer",
    "tell_taken",
    "tensorflow_quiet",
]


def add_model_argument(verb: argparse.ArgumentParser) -> None:
    """Adds RUN, and what is to be said of a file that it doesn't say itself."""
    verb.add_argument("run", metavar="RUN", help="a run's id, or the path of a .keras file")
    verb.add_argument("--pixels", metavar="P", help=f"what a file's model takes: {_told(PIXEL_SCALES)} (default: raw)")
    verb.add_argument(
        "--classes",
        metavar="NAMES",
        action="append",
        help="a file's class names, separated by commas, in the order of the training's labels; once for each of its "
        "outputs (default: numbers)",
    )
    verb.add_argument(
        "--gives",
        metavar="G",
        help=f"what a file's numbers are where its last steps leave that open: {_told(OUTPUTS)} (default: auto)",
    )


def _told(choices: dict[str, str]) -> str:
    return "; ".join(f"{name}: {words}" for name, words in choices.items()).replace("%", "%%")


@contextmanager
def tensorflow_quiet() -> Iterator[None]:
    """Lets nothing reach stderr: what TensorFlow has to say when it is loaded can't be switched off otherwise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def is_file(name: str) -> bool:
    """Returns whether RUN is a file's path rather than a run's id."""
    return Path(name).suffix == ".keras" or Path(name).is_file()


def refuse_options(chosen: argparse.Namespace) -> None:
    """Raises `ModelError` where something is said of a run that is there for files alone."""
    said = {"--pixels": chosen.pixels, "--classes": chosen.classes, "--gives": chosen.gives}
    if given := [option for option, value in said.items() if value is not None]:
        raise ModelError(
            f"{' and '.join(given)} can't be said of a run, which knows: leave it out, or give a .keras file."
        )


def model_of(chosen: argparse.Namespace) -> tuple[Classifier, Run | None]:
    """Returns the model of a run or a file, and the run; a run's id is tried first.

    Args:
        chosen: what `add_model_argument` asks for.

    Raises:
        ModelError: there is neither, or it can't be read; or something is said of a run that it says itself.
    """
    for option, value, allowed in (("--pixels", chosen.pixels, PIXEL_SCALES), ("--gives", chosen.gives, OUTPUTS)):
        if value not in (None, *allowed):
            raise ModelError(f"{option} is {value!r}: {one_of(value, allowed)}.")
    if not is_file(chosen.run):
        try:
            run = runs.open_run(chosen.run)
        except RunError as error:
            raise ModelError(
                f"{str(error).rstrip('.')}, and no such file: give a run's id or the path of a .keras file."
            ) from None
        refuse_options(chosen)
        from cnnviz.models.load.load import load_run  # brings TensorFlow

        return load_run(run), run
    from cnnviz.models.load.load import load_file

    classes = class_lists("\n".join(chosen.classes)) if chosen.classes else None
    return load_file(Path(chosen.run), classes=classes, scale=chosen.pixels, outputs=chosen.gives or "auto"), None


def tell_taken(classifier: Classifier) -> None:
    """Says on stderr what was taken where a file doesn't say it."""
    for doubt in classifier.doubts:
        print(f"cnnviz: {printable(classifier.name)}: {doubt} --gives says otherwise.", file=sys.stderr)
    if not classifier.scale_known:
        print(
            f"cnnviz: {printable(classifier.name)} doesn't say what pixels it takes: 0..255 are taken. --pixels says "
            "otherwise.",
            file=sys.stderr,
        )


def resolve_layer(wanted: str, names: Sequence[str]) -> str:
    """Returns the layer of this name, or the only one whose path ends with it.

    Raises:
        ModelError: there is none.
    """
    ends = [name for name in names if name.endswith(f"/{wanted}")]
    if wanted not in names and len(ends) != 1:
        raise ModelError(f"The model has no layer {wanted!r}: {one_of(wanted, names)}.")
    return wanted if wanted in names else ends[0]
