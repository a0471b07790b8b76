"""`app`: the pages in a browser."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from cnnviz.errors import CnnvizError
from cnnviz.home import HOME

__all__ = ["add_app"]

LARGEST_PORT = 65_535


def add_app(verbs: argparse._SubParsersAction) -> None:
    """Adds `app`."""
    verb = verbs.add_parser(
        "app",
        help="open the pages in a browser",
        description="Starts the app on this machine and opens it in a browser; Ctrl+C ends it, and runs go on.",
        epilog="Streamlit's own options come after --, such as: app -- --server.headless true. They are listed by "
        "`streamlit run --help`, and count more than the project's settings.",
    )
    verb.add_argument("--port", metavar="N", type=_port, help="where it listens (default: 8501, or the next free one)")
    verb.add_argument("options", metavar="-- OPTION", nargs="*", help="Streamlit's own options")
    verb.set_defaults(carry_out=_app)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; expected a whole number of 1 to {LARGEST_PORT}")
    return int(text)


def _app(chosen: argparse.Namespace) -> int:
    if chosen.options and not chosen.options[0].startswith("--"):
        raise CnnvizError(f"app takes no {chosen.options[0]!r}; see `app --help`.")
    # Streamlit reads the settings in `.streamlit/` beside the file that it runs, wherever it is started, over those of
    # the person. By -P a file of theirs is not taken for a module of that name.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(HOME / "streamlit_app.py")]
    command += [f"--server.port={chosen.port}"] if chosen.port else []
    command += chosen.options
    if os.name == "posix":  # the server takes the place of this process, and gets the signals that it is sent
        os.execv(sys.executable, command)
    return subprocess.call(command)
