"""M4, cats and dogs on MobileNetV2's features, against the tutorial's way: predict in a loop into arrays, then fit.

    KERAS_HOME=../shared/data/keras CNNVIZ_DATA=../shared/data python -m benchmarks.transfer [--turns 1]

Both train the same head for the same epochs on the same images and end with a saved model; processes are fresh, so
that loading TensorFlow counts for both. Prints a JSON object: seconds of the tutorial's way, of cnnviz from nothing and
with cached features, the ratios (wanted: at least 1.5 and 10), and the best validation accuracy of both (wanted: 0.97).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cnnviz.presets import PRESETS

ROOT = Path(__file__).parents[1]
BATCH = 20  # the tutorial's

_TUTORIAL = """
import json, sys
import keras, numpy as np
place, out, side, epochs, batch, rate = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]), float(sys.argv[6])
base = keras.applications.MobileNetV2(include_top=False, input_shape=(side, side, 3))

def extract(folder):
    data = keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(side, side), batch_size=batch, shuffle=False, verbose=False)
    features, labels = [], []
    for images, wanted in data:
        ready = keras.applications.mobilenet_v2.preprocess_input(images)
        features.append(base.predict(ready, verbose=0))
        labels.append(wanted)
    return np.concatenate(features), np.concatenate(labels)

train, validation = extract(place + "/train"), extract(place + "/validation")
model = keras.Sequential([keras.Input(base.output_shape[1:]), keras.layers.GlobalAveragePooling2D(),
                          keras.layers.Dropout(0.2), keras.layers.Dense(1, activation="sigmoid")])
model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(*train, epochs=epochs, batch_size=batch, validation_data=validation, verbose=0)
model.save(out)
print(json.dumps(max(history.history["val_accuracy"])))
"""


def main() -> int:
    """Times both and tells."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=1)
    turns = parser.parse_args().turns
    data = os.environ.get("CNNVIZ_DATA")
    if not data:
        parser.error("set CNNVIZ_DATA to the folder with cats_and_dogs")
    found = {"tutorial": [], "cold": [], "kept": []}
    best = {}
    for _ in range(turns):
        with TemporaryDirectory() as place:
            seconds, best["tutorial"] = _tutorial(Path(data) / "cats_and_dogs", Path(place))
            found["tutorial"].append(seconds)
            for name in ("cold", "kept"):
                seconds, best[name] = _cnnviz(Path(place))
                found[name].append(seconds)
    middle = {name: statistics.median(all_) for name, all_ in found.items()}
    print(
        json.dumps(
            {
                "tutorial_seconds": round(middle["tutorial"], 1),
                "seconds": round(middle["cold"], 1),
                "kept_seconds": round(middle["kept"], 1),
                "ratio": round(middle["tutorial"] / middle["cold"], 2),
                "kept_ratio": round(middle["tutorial"] / middle["kept"], 2),
                "val_accuracy": {name: round(value, 4) for name, value in best.items()},
            }
        )
    )
    return 0


def _tutorial(folder: Path, place: Path) -> tuple[float, float]:
    recipe = PRESETS["M4"]
    given = [recipe.data.image_size[0], recipe.fit.epochs, BATCH, recipe.fit.learning_rate]
    command = [sys.executable, "-c", _TUTORIAL, str(folder), str(place / "head.keras"), *map(str, given)]
    seconds, out = _timed(command, os.environ)
    return seconds, json.loads(out.splitlines()[-1])


def _cnnviz(place: Path) -> tuple[float, float]:
    places = {"CNNVIZ_CACHE": str(place / "cache"), "CNNVIZ_CHECKPOINTS": str(place / "checkpoints")}
    command = [sys.executable, "-m", "cnnviz", "train", "M4", "--json"]
    seconds, out = _timed(command, os.environ | places)
    return seconds, json.loads(out.splitlines()[-1])["metrics"]["val_accuracy"]


def _timed(command: list[str], environment) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - began, done.stdout


if __name__ == "__main__":
    sys.exit(main())
