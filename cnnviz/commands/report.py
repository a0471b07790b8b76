"""`report`: a run as one HTML page."""

from __future__ import annotations

import argparse
import json

from cnnviz import runs
from cnnviz.commands.output import out_file, write_file
from cnnviz.commands.subcommand import add_verb

__all__ = ["add_report"]


def add_report(verbs: argparse._SubParsersAction) -> None:
    """Adds `report`."""
    verb = add_verb(verbs, "report", "write a run's report as one HTML file with its charts", _report)
    verb.add_argument("run", metavar="RUN", help="the run's id")
    verb.add_argument("--out", metavar="FILE", required=True, help="the .html file to write")


def _report(chosen: argparse.Namespace) -> int:
    out = out_file(chosen.out, ".html", "the report is a page for browsers")
    from cnnviz.figures.html_report import html_page  # brings Plotly

    data = html_page(runs.open_run(chosen.run)).encode()
    write_file(out, data)
    print(json.dumps({"out": str(out), "bytes": len(data)}) if chosen.json else f"{out}: {len(data) / 2**20:.1f} MB")
    return 0
