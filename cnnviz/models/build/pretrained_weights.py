"""ImageNet's weights of backbones: where Keras keeps the files, and how to get them.

Importing this module loads no TensorFlow, so that pages can say what is there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from cnnviz import files
from cnnviz.backbones import BACKBONES
from cnnviz.data.download import Remote, fetch, keras_folders
from cnnviz.errors import DataError, ModelError
from cnnviz.models.load.keras_applications import PLACE
from cnnviz.progress import Progress
from cnnviz.recipe import Recipe

__all__ = ["find_weights", "get_weights", "models_folder", "weights_files", "weights_of_recipe"]

_MOBILENET_SIZES = (96, 128, 160, 192, 224)
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class WeightsFile:
    """A file of Keras's without the top: its address, and the digest that Keras states, MD5 or SHA-256."""

    url: str
    digest: str | None = None

    @property
    def name(self) -> str:
        """What it is called in Keras's cache."""
        return self.url.rpartition("/")[2]


_FILES = {
    "VGG16": WeightsFile(
        PLACE + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"
    ),
    "ResNet50V2": WeightsFile(
        PLACE + "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "fac2f116257151a9d068a22e544a4917"
    ),
    "EfficientNetV2B0": WeightsFile(
        PLACE + "efficientnet_v2/efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff"
    ),
    "ConvNeXtTiny": WeightsFile(
        PLACE + "convnext/convnext_tiny_notop.h5", "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"
    ),
}


def weights_files(name: str, image_size: tuple[int, int]) -> tuple[WeightsFile, ...]:
    """Returns the files that hold a backbone's weights for images of (height, width), the best first.

    MobileNetV2's were made for five sizes of square images; those for 224 do for all.
    """
    if name != "MobileNetV2":
        return (_FILES[name],)
    height, width = image_size
    sizes = [height] if height == width and height in _MOBILENET_SIZES else []
    address = PLACE + "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5"
    return tuple(WeightsFile(address.format(size)) for size in dict.fromkeys((*sizes, 224)))


def find_weights(name: str, image_size: tuple[int, int]) -> Path | None:
    """Returns the file with a backbone's ImageNet weights if it is on this computer, whole."""
    for file in weights_files(name, image_size):
        for folder in _folders():
            path = folder / file.name
            with suppress(OSError):  # it isn't there, or is just being replaced
                status = path.stat()
                if S_ISREG(status.st_mode) and _whole(path, status.st_mtime_ns, status.st_size, file.digest):
                    return path
    return None


def get_weights(name: str, image_size: tuple[int, int], progress: Progress | None = None) -> Path:
    """As `find_weights`, but a file that isn't there is downloaded into Keras's cache; `progress` gets bytes.

    Raises:
        ModelError: it can't be had; the sentence has the file's name and where to put it.
    """
    if (path := find_weights(name, image_size)) is not None:
        return path
    file, folders, title = weights_files(name, image_size)[0], _folders(), BACKBONES[name].title
    remote = Remote(
        file.url,
        None,
        file.digest,
        f"put the file {file.name} into {models_folder()}, or set network.backbone.weights to 'none'",
    )
    try:
        return fetch(remote, file.name, folders, f"{title}'s ImageNet weights", progress)
    except DataError as error:
        raise ModelError(str(error)) from None


def models_folder() -> Path:
    """Returns the folder of Keras's cache where such files are put."""
    return _folders()[0]


def _folders() -> list[Path]:
    return [folder.with_name("models") for folder in keras_folders()]


@lru_cache(maxsize=64)
def _whole(path: Path, mtime_ns: int, size: int, digest: str | None) -> bool:
    """Whether it is the file that Keras means, and no stub of a download or a link that wasn't followed."""
    with open(path, "rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            return False
    return digest is None or files.digest(path, files.algorithm_of(digest)) == digest


def weights_of_recipe(recipe: Recipe, progress: Progress) -> Path | None:
    """Returns the file that the model of a recipe begins with, fetched if need be; `None` where it has no backbone, or
    one that begins with no weights of ImageNet.

    Raises:
        CnnvizError: as of `get_weights`.
    """
    backbone = recipe.network.backbone
    if backbone is None or backbone.weights == "none":
        return None
    return get_weights(backbone.name, recipe.data.image_size, progress)
