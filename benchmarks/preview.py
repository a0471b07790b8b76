"""From a changed policy to nine new images as files' bytes, for a 12-megapixel image.

    python -m benchmarks.preview

The page shrinks an upload once; every change of a slider then draws nine images at display size. Beside it, the
same nine draws with the work done at 12 megapixels, which is what a page without that habit would wait for.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from cnnviz import images
from cnnviz.augment.preview import display_size, draws, image_bytes
from cnnviz.policy import POLICIES, Policy

SIDES = (3000, 4000)
KEPT = 1600  # as cnnviz.ui.inputs.image_picker.LONGEST
TURNS = 15


def jpeg() -> bytes:
    """A 12-megapixel JPEG with structure at all sizes."""
    rng = np.random.default_rng(0)
    layers = [
        cv2.resize(rng.integers(0, 256, (n * 3, n * 4, 3), np.uint8), SIDES[::-1], interpolation=cv2.INTER_CUBIC)
        for n in (4, 40, 250)
    ]
    mixed = cv2.addWeighted(cv2.addWeighted(layers[0], 0.5, layers[1], 0.3, 0), 1.0, layers[2], 0.2, 0)
    return cv2.imencode(".jpg", mixed, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def nine(image: np.ndarray, policy: Policy, size: tuple[int, int]) -> list[bytes]:
    """What the page does after a change."""
    return [image_bytes(one.image) for one in draws(image, policy, seed=0, epochs=range(9), size=size)]


def milliseconds(work: Callable[[], object], turns: int) -> tuple[float, float]:
    """The median and the longest of several turns."""
    took = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took), max(took)


def main() -> None:
    data = jpeg()
    print(f"image: {SIDES[1]} x {SIDES[0]}, {len(data) / 2**20:.1f} MB")
    began = time.perf_counter()
    whole = images.decode(data)
    kept = images.fit(whole, display_size(whole.shape, KEPT))
    print(f"once, decoded and shrunk: {1000 * (time.perf_counter() - began):.0f} ms")
    for name in ("D3", "strong"):
        policy = POLICIES[name]
        median, longest = milliseconds(lambda p=policy: nine(kept, p, display_size(kept.shape)), TURNS)
        print(f"{name}: nine images as bytes, median {median:.0f} ms, longest {longest:.0f} ms")
    slow, _ = milliseconds(lambda: nine(whole, POLICIES["D3"], whole.shape[:2]), 1)
    print(f"D3 at 12 megapixels instead: {slow:.0f} ms")


if __name__ == "__main__":
    main()
