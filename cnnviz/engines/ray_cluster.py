"""A Ray cluster on this machine alone, whose ports nobody else can reach: to try things, for a class, and for tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cnnviz.engines import not_installed

__all__ = ["LocalCluster"]

_LOOPBACK = "127.0.0.1"
_STORE_BYTES = 100_000_000
"""Of shared memory; runs put nothing there, and Ray would take a third of the machine's for each node."""


class LocalCluster:
    """A head that carries nothing, and nodes, each with its processes, by Ray's own helper for tests of clusters.

    Whoever reaches Ray's ports can run code, so all of them are bound to 127.0.0.1. Ray does that of itself only where
    it doesn't expect other machines, which this variable says: without it, the head listens on all interfaces.

    Args:
        nodes: how many nodes there are.
        cpus: how many processors each of them gives away.
        port: of the job server and the dashboard.

    Raises:
        RunError: Ray isn't installed, or the port is taken.
    """

    def __init__(self, nodes: int = 2, cpus: int = 1, port: int = 8265):
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            from ray.cluster_utils import Cluster
        except ImportError:
            raise not_installed("Ray") from None
        Path("/tmp/ray").mkdir(exist_ok=True)  # where Ray notes the cluster that was begun last
        self.address = f"http://{_LOOPBACK}:{port}"
        self._cpus = cpus
        self._cluster = Cluster()
        self._cluster.add_node(
            num_cpus=0,
            node_ip_address=_LOOPBACK,
            object_store_memory=_STORE_BYTES,
            include_dashboard=True,
            dashboard_host=_LOOPBACK,
            dashboard_port=port,
        )
        self.nodes = [self.add_node() for _ in range(nodes)]

    def add_node(self) -> Any:
        """Adds a node and returns it, for `kill_node`."""
        return self._cluster.add_node(num_cpus=self._cpus, node_ip_address=_LOOPBACK, object_store_memory=_STORE_BYTES)

    def kill_node(self, node: Any) -> None:
        """Ends a node's processes at once, as if its machine had lost its power."""
        self._cluster.remove_node(node, allow_graceful=False)

    def shutdown(self) -> None:
        """Ends all of it."""
        self._cluster.shutdown()
