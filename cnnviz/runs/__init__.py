"""Runs as folders: stored, listed, started and stopped, without TensorFlow."""

from cnnviz.runs.launch import request_stop, start
from cnnviz.runs.store import Run, create, delete, folder_of, listing, open_run, root

__all__ = ["Run", "create", "delete", "folder_of", "listing", "open_run", "request_stop", "root", "start"]
