"""On what a run is fitted: on one device, or on all graphics cards of the machine at once."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["strategy"]


def strategy() -> tf.distribute.Strategy:
    """Returns how a fit is spread over devices: each batch is dealt to all graphics cards where there are several
    (synchronous data parallelism, `tf.distribute.MirroredStrategy`), else nothing is spread.

    Models have to be built and compiled within its scope. What a layer reckons of a batch, such as batch
    normalization, it reckons of each card's part.
    """
    cards = [device.name for device in tf.config.list_logical_devices("GPU")]
    return tf.distribute.MirroredStrategy(cards) if len(cards) > 1 else tf.distribute.get_strategy()
