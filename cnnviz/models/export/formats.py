"""A model as a file for use without cnnviz, checked by asking it in a process of its own."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from cnnviz.errors import ModelError, one_of
from cnnviz.models.classifier import Classifier
from cnnviz.models.export.export_process import FORMATS, QUANTIZED, missing_for_onnx
from cnnviz.models.export.quantization import calibration_images, litert
from cnnviz.models.export.single_head import as_file
from cnnviz.progress import Progress
from cnnviz.temporary import own_name, room_for

__all__ = ["export_classifier", "images_for"]

MOST = {"keras": 1e-4, "savedmodel": 1e-4, "tflite": 1e-3, "onnx": 1e-4}
"""The largest difference of any answer that a file may show; quantized ones are judged by their accuracy instead."""
IMAGES, _PATIENCE_SECONDS = 8, 300

_ASK = """
import os, sys, tempfile, zipfile
import numpy as np
kind, path, given, out = sys.argv[1:]
pixels = np.load(given)
if kind == "keras":
    import keras
    found = keras.models.load_model(path, compile=False)(pixels, training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
elif kind == "savedmodel":
    import tensorflow as tf
    folder = tempfile.mkdtemp(dir=os.path.dirname(path))  # which goes with it
    zipfile.ZipFile(path).extractall(folder)
    saved = tf.saved_model.load(folder)
    found = saved.serve(pixels)
    found = found if isinstance(found, (list, tuple)) else [found]
elif kind == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    found = session.run(None, {session.get_inputs()[0].name: pixels})
else:
    import tensorflow as tf
    asked = tf.lite.Interpreter(model_path=path).get_signature_runner()
    name = next(iter(asked.get_input_details()))
    told = asked(**{name: pixels})
    found = [told[key] for key in sorted(told, key=lambda key: int("".join(filter(str.isdigit, key)) or 0))]
np.savez(out, *[np.asarray(one) for one in found])
"""


def export_classifier(
    classifier: Classifier,
    kind: str,
    images: np.ndarray,
    progress: Progress = lambda *said: None,
) -> tuple[bytes, float]:
    """Returns the model as a file, and the largest difference of its predictions from the model's own.

    The file takes float32 pixels (n, height, width, channels) as the model does and gives what it gives, an output
    for each head. Before it is returned it is opened by TensorFlow alone, in a process of its own.

    Args:
        classifier: the model.
        kind: one of `export_process.FORMATS`.
        images: uint8 (n, height, width, channels) of the model's size, to ask both about.
        progress: called with what is being done and how far it is.

    Raises:
        ModelError: there is no such format, the model can't be written so, or the file predicts differently.
    """
    if kind not in FORMATS:
        raise ModelError(f"There is no format {kind!r}: {one_of(kind, FORMATS)}.")
    pixels = classifier.pixels(images)
    own = tf.nest.flatten(classifier.model(pixels, training=False))  # Keras writes ONNX of models that were called only
    with room_for("the model's file"), tempfile.TemporaryDirectory(**own_name()) as place:
        progress("Writing the file", 0, 2)
        path = Path(place) / f"network{FORMATS[kind]}"
        try:
            path.write_bytes(_made(classifier, kind, Path(place)))
        except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
            raise ModelError(f"{classifier.name} can't be written as {kind}: {_first_line(error)}") from None
        progress("Asking the file in a process of its own", 1, 2)
        told = _asked(kind, path, pixels)
        difference = max(float(np.abs(a - np.asarray(b)).max(initial=0)) for a, b in zip(told, own, strict=True))
        if not difference <= MOST.get(kind, math.inf):
            raise ModelError(
                f"As {kind}, {classifier.name} predictions differently, by up to {difference:.2g}; allowed is "
                f"{MOST.get(kind, math.inf):g}. Nothing was written."
            )
        return path.read_bytes(), difference


def images_for(classifier: Classifier, stored: np.ndarray | None = None) -> np.ndarray:
    """Returns images to ask a model about: stored ones of its size, else noise of a fixed seed; uint8."""
    shape = (*classifier.image_size, classifier.channels)
    if stored is not None and stored.shape[1:] == shape and len(stored):
        return stored[:IMAGES]
    return np.random.default_rng(0).integers(0, 256, (IMAGES, *shape), np.uint8)


def _made(classifier: Classifier, kind: str, place: Path) -> bytes:
    if kind == "keras":
        return as_file(classifier)
    if kind == "onnx":
        return _onnx(classifier, place / "made.onnx")
    if kind.startswith("tflite"):
        quantize = next((name for name, own in QUANTIZED.items() if own == kind), None)
        return litert(classifier, quantize, calibration_images(classifier) if quantize == "int8" else None)
    folder = place / "saved"
    classifier.model.export(folder, format="tf_saved_model", verbose=False)
    archive = place / "saved.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    return archive.read_bytes()


def _onnx(classifier: Classifier, path: Path) -> bytes:
    if missing := missing_for_onnx():
        raise ModelError(f"ONNX needs {' and '.join(missing)}: `pip install {' '.join(missing)}`.")
    classifier.model.export(path, format="onnx", verbose=False)
    return path.read_bytes()


def _asked(kind: str, path: Path, pixels: np.ndarray) -> list[np.ndarray]:
    """What the file predicts where nothing of cnnviz can be imported."""
    given, out = path.with_name("pixels.npy"), path.with_name("answers.npz")
    np.save(given, pixels)
    command = [sys.executable, "-I", "-c", _ASK, kind, str(path), str(given), str(out)]
    try:
        done = subprocess.run(
            command,
            cwd=path.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"The {kind} file didn't answer within {_PATIENCE_SECONDS} seconds.") from None
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1][:300]
        raise ModelError(f"The {kind} file can't be asked: {last}")
    with np.load(out) as found:
        return [found[name] for name in found.files]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
