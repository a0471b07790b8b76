"""A folder of images with one of each fault planted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cnnviz import images

COLOURS = {"blue": (40, 90, 220), "red": (220, 90, 40)}
SWAPPED = ("train/blue/swapped-0.png", "train/blue/swapped-1.png", "train/red/swapped-2.png")


def image(colour: str, number: int, size: int = 32) -> np.ndarray:
    """A smooth pattern in one of the colours, another for each number."""
    rough = np.random.default_rng([number, *COLOURS[colour]]).normal(0, 30, (8, 8))
    grey = cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    return (grey + COLOURS[colour]).clip(0, 255).astype(np.uint8)


def planted(folder: Path, size: int = 32) -> Path:
    """Writes 70 images of two classes in a training and a test split; see the names for what is wrong with some."""

    def put(name: str, pixels: np.ndarray) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if path.suffix == ".jpg" else []
        path.write_bytes(cv2.imencode(path.suffix, pixels[..., ::-1], quality)[1].tobytes())

    for colour in COLOURS:
        for k in range(25):
            put(f"train/{colour}/{k}.png", image(colour, k, size))
        for k in range(6):
            put(f"test/{colour}/{k}.png", image(colour, 100 + k, size))
    for k, name in enumerate(SWAPPED):
        put(name, image("red" if "blue" in name else "blue", 200 + k, size))
    put("test/red/leak.png", image("red", 0, size))
    put("train/blue/near.jpg", image("blue", 1, size))
    put("train/red/same.png", image("blue", 2, size))
    put("train/blue/dark.png", image("blue", 300, size) // 5)
    (folder / "train/red/broken.png").write_bytes(images.to_png(image("red", 301, size))[:200])
    return folder
