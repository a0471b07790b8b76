"""Runs as folders: stored, listed, started, paused, continued and stopped, without TensorFlow."""

from cnnviz.runs.launch import request_pause, request_stop, resume, start, start_group
from cnnviz.runs.store import Run, create, delete, folder_of, listing, open_run, recipe_of, root

__all__ = [
    "Run",
    "create",
    "delete",
    "folder_of",
    "listing",
    "open_run",
    "recipe_of",
    "request_pause",
    "request_stop",
    "resume",
    "root",
    "start",
    "start_group",
]
