"""Three small data sets, prepared into the folder that is named: `python made_tfds_sets.py FOLDER`."""

from __future__ import annotations

import sys

import numpy as np
import tensorflow_datasets as tfds


def image(value):
    return np.full((8, 8, 3), value, np.uint8)


class Pets(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=one, description=one) for one in ("plain", "big")]

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(8, 8, 3), encoding_format="png"),
            "mask": tfds.features.Image(shape=(8, 8, 1)),
            "blurred": np.bool_,
            "number": np.int64,
            "kind": tfds.features.ClassLabel(names=["cat", "dog", "bird"]),
            "label": tfds.features.ClassLabel(num_classes=2),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "kind")
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(0, 12),
            "test": self._generate_examples(100, 6),
            "unsupervised": self._generate_examples(200, 3),
        }

    def _generate_examples(self, start, count):
        for i in range(count):
            yield (
                i,
                {
                    "image": image(start + i),
                    "mask": image(0)[..., :1],
                    "blurred": i % 2 == 0,
                    "number": i,
                    "kind": i % 3 if i != 5 else -1,
                    "label": i % 2,
                },
            )


class Faces(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("2.0.0")

    def _info(self):
        names = ("Bald", "Male", "Smiling")
        features = {
            "image": tfds.features.Image(shape=(8, 8, 3), encoding_format="jpeg"),
            "landmarks": {"nose_x": np.int64},
            "attributes": dict.fromkeys(names, np.bool_),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(16):
            told = {"Bald": i % 8 > 3, "Male": i % 2 == 0, "Smiling": i % 4 > 1}
            yield i, {"image": image(10 * i), "landmarks": {"nose_x": i}, "attributes": told}


class Texts(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"text": tfds.features.Text()}))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"text": "x"}


if __name__ == "__main__":
    folder = sys.argv[1]
    for builder in (Pets(data_dir=folder, config="plain"), Faces(data_dir=folder), Texts(data_dir=folder)):
        builder.download_and_prepare()
