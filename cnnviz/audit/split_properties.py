"""What a split's images have in common beside their labels: brightness, size, and which lie together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz.audit.audit import kept_audit
from cnnviz.audit.measurements import measure
from cnnviz.audit.pool import Pool
from cnnviz.data.dataset import Dataset
from cnnviz.data.edits import names_of
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs.slices import ImageProperties, clusters

__all__ = ["BY_MAP", "BY_THUMBNAIL", "split_properties"]

BY_MAP, BY_THUMBNAIL = "the Data page's map", "small grey thumbnails"
"""What the clusters are of."""
_MOST_MISSING = 0.1
"""Of the images, that may be missing on a map whose clusters are taken."""


def split_properties(
    dataset: Dataset,
    split: str,
    indices: np.ndarray,
    audited: Sequence[Dataset] = (),
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> ImageProperties:
    """Reads images of a split once and returns what is known of them; their clusters are `BY_MAP` where an audit has
    nearly all of them on its map, else `BY_THUMBNAIL`.

    Args:
        dataset: that they are of.
        split: its name.
        indices: which of its images, int64 (n,).
        audited: data sets with the same images, one of which may have been audited.
        progress: called with images done and in all.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        Cancelled: `cancelled` said so.
    """
    names = tuple(names_of(dataset, split, indices))
    measured = measure(
        Pool(dataset, names, np.repeat(split, len(names)), indices, {}), progress=progress, cancelled=cancelled
    )
    if progress is not None:
        progress("Clustering the images", 0, 0)
    size = measured.properties[["width", "height"]].max(axis=1).to_numpy(np.float32)
    brightness = measured.properties["brightness"].to_numpy(np.float32)
    readable = measured.readable
    for values in (size, brightness):
        values[~readable] = np.nan
    places, of = _places(names, [dataset, *audited]), BY_MAP
    if places is None:
        places, of = measured.thumbnails.reshape(len(names), -1).astype(np.float32), BY_THUMBNAIL
        places[~readable] = np.nan
    known = np.isfinite(places).all(axis=1)
    cluster = np.full(len(names), -1, np.int64)
    if known.any():
        cluster[known] = clusters(places[known])
    return ImageProperties(brightness, size, cluster, of)


def _places(names: Sequence[str], datasets: Sequence[Dataset]) -> np.ndarray | None:
    """Where images are on the map of an audit, float32 (n, 2), NaN of those that aren't."""
    for dataset in datasets:
        audit = kept_audit(dataset)
        at = {one.image: (one.x, one.y) for one in audit.places} if audit is not None else {}
        if sum(name in at for name in names) >= (1 - _MOST_MISSING) * max(1, len(names)):
            return np.array([at.get(name, (np.nan, np.nan)) for name in names], np.float32)
    return None
