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
from cnnviz.errors import ModelError, RunError, one_of
from cnnviz.runs import Run

if TYPE_CHECKING:
    from cnnviz.models.loaded import Loaded

__all__ = ["add_network_argument", "network_of", "resolved", "tensorflow_quiet"]


def add_network_argument(verb: argparse.ArgumentParser) -> None:
    """Adds RUN."""
    verb.add_argument("run", metavar="RUN", help="a run's id, or the path of a .keras file")


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


def network_of(name: str) -> tuple[Loaded, Run | None]:
    """Returns the network of a run or a file, and the run; a run's id is tried first.

    Raises:
        ModelError: there is neither, or it can't be read.
    """
    path = Path(name)
    if path.suffix != ".keras" and not path.is_file():
        try:
            run = runs.open_run(name)
        except RunError as error:
            raise ModelError(f"{str(error).rstrip('.')}, and no such file: give a run's id or the path of a .keras "
                             "file.") from None  # fmt: skip
        from cnnviz.models.load import load_run  # brings TensorFlow

        return load_run(run), run
    from cnnviz.models.load import load_file

    return load_file(path), None


def resolved(wanted: str, names: Sequence[str]) -> str:
    """Returns the layer of this name, or the only one whose path ends with it.

    Raises:
        ModelError: there is none.
    """
    ends = [name for name in names if name.endswith(f"/{wanted}")]
    if wanted not in names and len(ends) != 1:
        raise ModelError(f"The network has no layer {wanted!r}: {one_of(wanted, names)}.")
    return wanted if wanted in names else ends[0]
