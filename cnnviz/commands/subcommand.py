"""How a verb joins the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["add_verb"]


def add_verb(
    verbs: argparse._SubParsersAction,
    name: str,
    help: str,
    carry_out: Callable[[argparse.Namespace], int],
    json: str = "print JSON",
) -> argparse.ArgumentParser:
    """Adds a verb with its `--json`, and returns its parser for further arguments.

    Args:
        verbs: what `main` collects them in.
        name: what a person types.
        help: what it does, in a few words.
        carry_out: does it, given what was typed, and returns the exit code.
        json: what `--json` does.
    """
    verb = verbs.add_parser(name, help=help)
    verb.add_argument("--json", action="store_true", help=json)
    verb.set_defaults(carry_out=carry_out)
    return verb
