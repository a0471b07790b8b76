"""The end of a run, as far as there is time: what its model makes of its training images, see `explain.uncertainty`."""

from __future__ import annotations

import time

from cnnviz.errors import CnnvizError
from cnnviz.explain.uncertainty.training_features_of_run import MOST, measure_training_features
from cnnviz.models.load.load import load_run
from cnnviz.progress import Cancelled
from cnnviz.runs import open_run
from cnnviz.train.run_writer import RunWriter

__all__ = ["SHARE", "keep_training_features"]

SHARE = 0.05
"""So much of the run's time it may take."""
_SECONDS = 5.0
"""To open the model anew and to trace it."""


def keep_training_features(writer: RunWriter, samples: dict[str, int], seconds: float, per_image: float) -> None:
    """Keeps it where that takes at most `SHARE` of the run's time; of others it is measured when somebody asks.

    Args:
        writer: the run's.
        samples: how many images its splits have.
        seconds: how long the run took.
        per_image: the seconds that its evaluation took for an image.
    """
    budget = SHARE * seconds
    images = sum(min(MOST, samples.get(split, 0)) for split in ("train", "validation"))
    if _SECONDS + images * per_image > budget:
        return
    deadline = time.monotonic() + budget

    def tell(what: str, done: int, total: int) -> None:
        writer.note(what, done, total)

    try:
        run = open_run(writer.folder.name, writer.folder.parent)
        measure_training_features(
            run, load_run(run), progress=tell, cancelled=lambda: time.monotonic() > deadline or writer.stopping()
        )
    except (CnnvizError, Cancelled) as error:  # the run is whole without it
        writer.say(f"Its training images were not compared: {str(error) or 'there was no time left'}.")
