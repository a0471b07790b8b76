"""The command line: `cnnviz VERB …`, in a clone `python -m cnnviz VERB …`: the app, and the same verbs as its pages."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from cnnviz import __version__, commands
from cnnviz.data.dataset import printable
from cnnviz.errors import CnnvizError
from cnnviz.models.load.archive_check import require_keras

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends with one line instead of argparse's usage and line."""
        self.exit(2, f"cnnviz: {message}; see `{self.prog} --help`.\n")


def main(arguments: list[str] | None = None) -> int:
    """Carries out one command; returns 0, 1 if a run failed, or 2 after bad input (one line on stderr)."""
    parser = _Parser(prog=_called(), description="Train, watch and explain convolutional image classifiers.")
    parser.add_argument("--version", action="version", version=f"cnnviz {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in commands.ALL:
        add(verbs)
    chosen = parser.parse_args(arguments)
    try:
        require_keras()
        return chosen.carry_out(chosen)
    except CnnvizError as error:
        print(f"cnnviz: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a name that is too long, a folder that may not be entered, a disk that is full
        print(f"cnnviz: {_where(error)}{error.strerror or error}; name another file or folder.", file=sys.stderr)
        return 2


def _called() -> str:
    """What a person typed: the installed command, or Python with this module."""
    return "cnnviz" if Path(sys.argv[0]).stem == "cnnviz" else "python -m cnnviz"


def _where(error: OSError) -> str:
    name = str(error.filename or "")
    return f"{printable(name if len(name) <= 80 else f'{name[:60]}…{name[-19:]}')}: " if name else ""


if __name__ == "__main__":
    raise SystemExit(main())
