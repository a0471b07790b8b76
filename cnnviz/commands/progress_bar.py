"""A bar for long work of a verb: on stderr, in a terminal alone, and gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from cnnviz.progress import Progress

__all__ = ["progress_bar"]


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Gives a function for the work's progress, which the bar shows."""
    said = TextColumn("{task.description}", markup=False)  # a head may be called "[red]"
    columns = (said, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")
        yield lambda what, done, whole: bar.update(task, description=what, completed=done, total=whole or None)
