"""`cluster`: a Ray cluster on this machine alone, for as long as the command runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys

from cnnviz.commands.subcommand import add_verb
from cnnviz.engines.ray_cluster import LocalCluster
from cnnviz.errors import RunError

__all__ = ["add_cluster"]


def add_cluster(verbs: argparse._SubParsersAction) -> None:
    """Adds `cluster`."""
    verb = add_verb(
        verbs,
        "cluster",
        "have a Ray cluster on this machine alone, to try runs on several nodes; Ctrl-C ends it",
        _cluster,
        "print the address as one JSON line",
    )
    verb.add_argument("--nodes", type=int, default=2, metavar="N", help="beside the head, which carries no runs")
    verb.add_argument("--cpus", type=int, default=1, metavar="N", help="processors that each node gives away")
    verb.add_argument("--port", type=int, default=8265, metavar="N", help="of the job server and Ray's dashboard")


def _cluster(chosen: argparse.Namespace) -> int:
    for name, value, most in (("nodes", chosen.nodes, 16), ("cpus", chosen.cpus, 1024), ("port", chosen.port, 65_535)):
        if not 1 <= value <= most:
            raise RunError(f"--{name} is {value}; expected 1 to {most}.")
    cluster = LocalCluster(chosen.nodes, chosen.cpus, chosen.port)
    try:
        print(json.dumps({"address": cluster.address, "nodes": chosen.nodes}) if chosen.json else cluster.address)
        sys.stdout.flush()
        print(
            f"cnnviz: RAY_ADDRESS={cluster.address} CNNVIZ_ENGINE=ray python -m cnnviz train Q starts a run there.",
            file=sys.stderr,
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.shutdown()
    return 0
