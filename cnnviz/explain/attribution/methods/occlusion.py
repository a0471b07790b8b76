"""Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901)."""

from __future__ import annotations

import numpy as np

from cnnviz.errors import ModelError
from cnnviz.explain.attribution.method import Found, Method, Setting, Task

__all__ = ["METHOD", "maps"]


def maps(task: Task, *, patch: int | None = None, stride: int | None = None) -> Found:
    """How far the score falls when a patch is covered: the mean over all patches that cover a pixel.

    The map is what of it is positive; in `signed`, negative values are where covering makes the score grow.

    Args:
        task: see `Task`; its baseline fills the patches, by default each image's mean colour.
        patch: the side of the square patches in pixels, by default an eighth of the image's shorter side, at least 1.
        stride: pixels from one patch to the next, by default half the patch, at least 1. The last patch of a row and
            column lies at the border.
    """
    height, width = task.pixels.shape[1:3]
    patch = max(1, round(min(height, width) / 8)) if patch is None else patch
    stride = max(1, patch // 2) if stride is None else stride
    if not 1 <= patch <= min(height, width) or not 1 <= stride <= patch:
        raise ModelError(
            f"Patches of {patch} pixels, {stride} apart, can't cover {height} × {width} pixels: expected "
            f"a patch of 1 to {min(height, width)} and a stride of 1 to the patch."
        )
    corners = [(top, left) for top in _starts(height, patch, stride) for left in _starts(width, patch, stride)]
    shape = (len(task.pixels), 1, 1, task.pixels.shape[3])
    fill = task.pixels.mean(axis=(1, 2), keepdims=True) if task.baseline is None else np.asarray(task.baseline)
    if fill.shape != shape:
        fill = np.broadcast_to(fill.astype(np.float32), task.pixels.shape)
    falls, covered = np.zeros(task.pixels.shape[:3], np.float64), np.zeros((height, width))
    for top, left in corners:
        covered[top : top + patch, left : left + patch] += 1
    jobs = [(row, corner) for row in range(len(task.pixels)) for corner in (None, *corners)]
    scores = np.zeros(len(task.pixels), np.float32)
    for part in task.rounds(len(jobs), task.batch):
        rows = [row for row, _ in jobs[part]]
        pixels = task.pixels[rows]
        for image, (row, corner) in zip(pixels, jobs[part], strict=True):
            if corner is not None:
                window = np.s_[corner[0] : corner[0] + patch, corner[1] : corner[1] + patch]
                image[window] = fill[row][window] if fill.shape != shape else fill[row]
        found = (task.graph.model(pixels)[task.head].numpy() * task.weights[rows]).sum(axis=1)
        for score, (row, corner) in zip(found, jobs[part], strict=True):
            if corner is None:
                scores[row] = score
            else:
                falls[row, corner[0] : corner[0] + patch, corner[1] : corner[1] + patch] += scores[row] - score
    signed = (falls / covered).astype(np.float32)
    filled = "the image's mean colour" if task.baseline is None else "the given baseline"
    remark = f"Patches of {patch} × {patch} pixels, {stride} apart, were filled with {filled}."
    return Found(np.maximum(signed, 0), scores, signed, remarks=(remark,))


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """Where patches begin along a side; the last one ends at its end."""
    return sorted({*range(0, length - patch, stride), length - patch})


METHOD = Method(
    id="occlusion",
    title="Occlusion",
    description=(
        "Covers one patch of the image after another and shows how far the class's score falls. It asks the "
        "model only for predictions, so that it works for any of them."
    ),
    paper="Zeiler & Fergus 2014, arXiv:1311.2901",
    year=2014,
    family="pixel",
    maps=maps,
    settings=(
        Setting(
            "patch",
            "Patch",
            "The side of the square patches in pixels; by default an eighth of the shorter side.",
            None,
            1,
            4096,
        ),
        Setting("stride", "Stride", "Pixels from one patch to the next; by default half the patch.", None, 1, 4096),
    ),
)
