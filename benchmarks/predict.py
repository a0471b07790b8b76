"""From an uploaded image's bytes to the overlay, beside Pillow's decoding plus one bare call of the model.

The model is the shipped cats-and-dogs run, the image scikit-image's cat; both ways take turns after a first time that
compiles and loads. Prints the medians and their ratio, and ends with code 1 if it is above `--limit`.

    python -m benchmarks.predict [--turns 30] [--limit 4] [--run cats-and-dogs]
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from cnnviz import images, runs
from cnnviz.data.samples import sample
from cnnviz.explain import Target, explain
from cnnviz.models.load.load import Classifier, load_run
from cnnviz.overlay import overlay


def ours(classifier: Classifier, data: bytes) -> np.ndarray:
    """All that the Predict page does for an image: decode, fit, answer, explain the prediction, lay the map over."""
    image = images.decode(data)
    seen = classifier.fit(image)
    prediction = int(classifier.predict(seen[None])[0][0].argmax())
    found = explain(classifier.model, classifier.pixels(seen[None]), method="grad-cam", target=Target(0, prediction))
    return overlay(seen, found.map[0])


def bare(classifier: Classifier, data: bytes) -> np.ndarray:
    """What no way can do without: Pillow's decoding, and the model called once."""
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    small = np.asarray(Image.fromarray(image).resize(classifier.image_size[::-1]), np.float32)
    return np.asarray(classifier.model(small[None], training=False))


def main() -> int:
    """Times both in turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--limit", type=float, default=4)
    parser.add_argument("--run", default="cats-and-dogs")
    given = parser.parse_args()
    classifier = load_run(runs.open_run(given.run))
    file = io.BytesIO()
    Image.fromarray(sample("chelsea")).save(file, "JPEG", quality=92)
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(given.turns + 1):
        for name, way in (("bare", bare), ("ours", ours)):
            began = time.perf_counter()
            way(classifier, file.getvalue())
            if turn:
                took[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    ratio = medians["ours"] / medians["bare"]
    print(
        f"medians: bare {medians['bare'] * 1e3:.1f} ms, ours {medians['ours'] * 1e3:.1f} ms, ratio {ratio:.2f} "
        f"(at most {given.limit:g})"
    )
    return int(ratio > given.limit)


if __name__ == "__main__":
    sys.exit(main())
