"""The data set that is looked at, its images' names, and its audit once there is one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from cnnviz.audit.audit import Audit, kept_with_thumbnails
from cnnviz.audit.pool import Pool, pool_of
from cnnviz.audit.process import audit_elsewhere
from cnnviz.bounded_cache import BoundedCache
from cnnviz.data import Dataset
from cnnviz.progress import CancelCheck, Progress
from cnnviz.recipe import Data
from cnnviz.ui.data.findings import FINDINGS, Shown
from cnnviz.ui.inputs import dataset_cache

__all__ = ["Looked", "look", "make_audit"]

KEPT = 3


@dataclass(frozen=True, eq=False)
class Looked:
    """A data set with its pool, its audit and the map's thumbnails (a JPEG; empty where there are none)."""

    data: Data
    dataset: Dataset
    pool: Pool
    audit: Audit | None
    thumbnails: bytes

    @cached_property
    def at(self) -> dict[str, int]:
        """Of each image's name its position in the pool."""
        return {name: i for i, name in enumerate(self.pool.names)}

    @cached_property
    def findings(self) -> dict[str, list[list[Shown]]]:
        """Of each of `FINDINGS` its groups of images; none without an audit."""
        if self.audit is None:
            return {}
        return {key: finding.images(self.audit, self.pool) for key, finding in FINDINGS.items()}


@st.cache_resource(show_spinner=False)
def _cache() -> BoundedCache[Looked]:
    return BoundedCache(KEPT)


def look(data: Data) -> Looked:
    """Returns the data set that a recipe's data names, opened, with what an audit found in it, if there was one.

    Raises:
        DataError: it can't be opened.
    """
    dataset = dataset_cache.open_with_progress(data)
    known = _cache().get(data)
    if known is not None and known.dataset is dataset and known.audit is not None:
        return known
    found, thumbnails = kept_with_thumbnails(dataset)
    pool = known.pool if known is not None and known.dataset is dataset else pool_of(dataset)
    return _cache().put(data, Looked(data, dataset, pool, found, thumbnails))


def make_audit(data: Data, progress: Progress, cancelled: CancelCheck) -> bool:
    """Audits the data in a process of its own; `look` has it then."""
    audit_elsewhere(data, progress=progress, cancelled=cancelled)
    return True
