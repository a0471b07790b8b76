"""The map of all images: features in two dimensions, so that images that look alike to a model lie side by side."""

from __future__ import annotations

import numpy as np

from cnnviz.audit.pool import drawn

__all__ = ["MOST", "image_map"]

MOST = 5_000
"""So many images at most are on the map, drawn by a seed, so that it is made in seconds and can be looked at."""
_COMPONENTS, _PERPLEXITY, _STEPS, _ANGLE = 30, 15.0, 300, 0.8


def image_map(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which rows are on the map, int64 (m,), and where, float32 (m, 2) between 0 and 1: t-SNE (van der Maaten &
    Hinton 2008; scikit-learn) of the first 30 principal components.

    Args:
        matrix: features, float32 (n, k).

    Example:
        >>> rows, places = image_map(np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32))
        >>> places.shape
        (20, 2)
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    rows = drawn(len(matrix), MOST)
    if len(rows) < 5 or not np.ptp(matrix[rows], axis=0).any():  # t-SNE of rows that are all one ends the process
        return rows, np.full((len(rows), 2), 0.5, np.float32)
    scaled = StandardScaler().fit_transform(matrix[rows])
    count = min(_COMPONENTS, *scaled.shape)
    short = PCA(count, svd_solver="randomized", random_state=0).fit_transform(scaled)
    with threadpool_limits(1):  # each of its short steps would wait for all threads, on a machine with other work long
        places = TSNE(
            init="pca",
            perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
            max_iter=_STEPS,
            angle=_ANGLE,
            random_state=0,
        ).fit_transform(short)
    least, most = places.min(axis=0), places.max(axis=0)
    return rows, ((places - least) / np.maximum(most - least, 1e-9)).astype(np.float32)
