"""An audit in a process of its own, so that whoever asks for it loads no TensorFlow and stays quick."""

from __future__ import annotations

from cnnviz.errors import DataError
from cnnviz.json_process import json_lines
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Data

__all__ = ["audit_elsewhere"]


def audit_elsewhere(data: Data, *, progress: Progress | None = None, cancelled: CancelCheck | None = None) -> None:
    """Makes the audit of a recipe's data, which `kept_audit` then finds.

    Args:
        data: names the data set and its splits.
        progress: called with what is done, how much and of how much.
        cancelled: asked now and then; `True` ends the process.

    Raises:
        DataError: see `audit`; or the process has ended without a word.
        Cancelled: `cancelled` said so.
    """
    said: dict[str, object] = {}
    for said in json_lines("cnnviz.audit", data.model_dump_json(), cancelled=cancelled):
        if progress is not None and "progress" in said:
            progress(*said["progress"])  # type: ignore[misc]  # as `__main__` writes it
    if "error" in said:
        raise DataError(str(said["error"]))
    if "done" not in said:
        raise DataError("The audit ended unexpectedly; the memory may not have been enough. `cnnviz audit` says more.")
