"""What tells a dataset, as a recipe arranges it, from all others."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from cnnviz.data.dataset import Arrays, Dataset, Joined, Split

__all__ = ["fingerprint"]


def fingerprint(dataset: Dataset) -> str:
    """Returns a SHA-256 of the heads' classes and, for each split, of its samples in order: names, labels, and either
    the files' sizes or the images' pixels. It is the same on another machine."""
    digest = hashlib.sha256()
    heads = {head.name: head.classes for head in dataset.heads}
    digest.update(json.dumps(heads, sort_keys=True).encode())
    pixels: dict[int, bytes] = {}
    for name, split in sorted(dataset.splits.items()):
        digest.update(name.encode())
        for head in sorted(split.labels):
            digest.update(np.ascontiguousarray(split.labels[head], np.int64).data)
        for source in split.source.sources if isinstance(split.source, Joined) else (split.source,):
            if isinstance(source, Arrays):
                if id(source) not in pixels:
                    pixels[id(source)] = hashlib.sha256(np.ascontiguousarray(source.array()).data).digest()
                digest.update(pixels[id(source)])
        if isinstance(split.source, Arrays):
            digest.update(np.ascontiguousarray(split.rows, np.int64).data)
        else:
            for i in range(len(split)):
                digest.update(f"{split.name_of(i)}\0{_size(split, i)}\0".encode())
    return digest.hexdigest()


def _size(split: Split, i: int) -> int:
    path = split.path_of(i)
    try:
        return path.stat().st_size if path is not None else -1
    except OSError:
        return -1
