"""Keras Applications: which there are, whether their ImageNet weights are on this computer, and how to get them.

Importing this module loads no TensorFlow, so that pages can list what there is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz.data.download import Remote, fetch, keras_folders
from cnnviz.errors import DataError, ModelError, one_of, short
from cnnviz.progress import Progress

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier
    from cnnviz.models.load.file_options import Scale

__all__ = ["APPLICATIONS", "PLACE", "Application", "load_application", "weights_path"]

PLACE = "https://storage.googleapis.com/tensorflow/keras-applications/"
_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"


@dataclass(frozen=True)
class Application:
    """One of `keras.applications`: its function's name, pixels a side, pixel scale and where its weights are had.

    Digests are those that Keras states, MD5 or SHA-256; MobileNetV2's has none there.
    """

    title: str
    size: int
    scale: Scale
    url: str
    digest: str | None


APPLICATIONS: dict[str, Application] = {
    "MobileNetV2": Application(
        "MobileNetV2",
        224,
        "symmetric",
        PLACE + "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        None,
    ),
    "VGG16": Application(
        "VGG16",
        224,
        "caffe",
        PLACE + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        "64373286793e3c8b2b4e3219cbf3544b",
    ),
    "ResNet50V2": Application(
        "ResNet50V2",
        224,
        "symmetric",
        PLACE + "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels.h5",
        "3ef43a0b657b3be2300d5770ece849e0",
    ),
    "EfficientNetV2B0": Application(
        "EfficientNetV2-B0",
        224,
        "raw",
        PLACE + "efficientnet_v2/efficientnetv2-b0.h5",
        "21ecbf6da12460d5c40bb2f29ceb2188",
    ),
    "ConvNeXtTiny": Application(
        "ConvNeXt-Tiny",
        224,
        "raw",
        PLACE + "convnext/convnext_tiny.h5",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
}


def weights_path(url: str) -> Path:
    """Returns where Keras keeps the file that this address names, there or not."""
    return _folder() / url.rpartition("/")[2]


def _folder() -> Path:
    return keras_folders()[0].with_name("models")


def load_application(name: str, progress: Progress | None = None) -> Classifier:
    """Returns a model of Keras Applications with its ImageNet weights and its 1,000 classes.

    Files that are not in Keras's cache are downloaded into it; `progress` gets what is being done, done and in all.

    Raises:
        ModelError: no such model, or a file that is neither on this computer nor to be had.
    """
    if name not in APPLICATIONS:
        raise ModelError(f"There is no model {name!r} of Keras Applications here: {one_of(name, APPLICATIONS)}.")
    chosen = APPLICATIONS[name]
    weights = _file(chosen.url, chosen.digest, f"{chosen.title}'s weights", progress)
    classes = _file(_CLASSES, "c2c37ea517e94d9795004a39431a14cb", "The list of ImageNet's classes", progress)
    if progress is not None:
        progress(f"Building {chosen.title}", 0, 0)
    import keras

    from cnnviz.models.classifier import Classifier
    from cnnviz.models.load.infer_heads import heads_of

    try:
        index = json.loads(classes.read_text(encoding="utf-8"))
        names = tuple(index[str(number)][1].replace("_", " ") for number in range(1000))
        model = getattr(keras.applications, name)(weights=str(weights), input_shape=(chosen.size, chosen.size, 3))
    except Exception as error:  # Keras raises nearly anything on broken files
        reason = short(error, 160).rstrip(".") or type(error).__name__
        raise ModelError(f"{chosen.title} can't be built from {weights} ({reason}): delete it and try again.") from None
    return Classifier(
        chosen.title,
        model,
        heads_of(model),
        {"label": names},
        (chosen.size, chosen.size),
        scale=chosen.scale,
        crop="centre",
    )


def _file(url: str, digest: str | None, what: str, progress: Progress | None) -> Path:
    path = weights_path(url)
    if path.is_file():
        return path
    remote = Remote(url, None, digest, f"put the file {path.name} into {path.parent}")
    try:
        return fetch(remote, path.name, [path.parent], what, progress)
    except DataError as error:
        raise ModelError(str(error)) from None
