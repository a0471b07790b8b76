"""Event files of other trainings as runs to compare with: their scalars as an epoch's metrics, under Keras's names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnviz.errors import CnnvizError
from cnnviz.runs.metrics import round_metric
from cnnviz.tracking.event_file import events_in, is_event_file, require_tensorboard

__all__ = ["Imported", "imported_of", "metric_name"]

MOST_FILES, MOST_RUNS, MOST_VALUES = 2_000, 50, 2_000_000
_HELD_OUT = {"val", "validation", "valid", "eval", "evaluation", "dev"}
_PARTS = {"train", "training", "epoch", "test", *_HELD_OUT}
_SYNONYMS = {"acc": "accuracy", "lr": "learning_rate", "categorical_accuracy": "accuracy"}
_SYNONYMS |= {"sparse_categorical_accuracy": "accuracy", "binary_accuracy": "accuracy"}
_SOUND = re.compile(r"[a-z0-9][a-z0-9_]{0,60}")
_LONGEST_TAG = 200


@dataclass(frozen=True)
class Imported:
    """A training as its event files tell it.

    Attributes:
        name: where its files lie below the folder that was read; "" for the folder itself.
        epochs: a record for each epoch, with `epoch` from 1, `seconds` since the first event, and the metrics.
        test: the test metrics, where there are any beside those of validation.
        began: when its first event was, in seconds since 1970.
    """

    name: str
    epochs: tuple[dict[str, Any], ...]
    test: dict[str, float]
    began: float


@dataclass
class _Scalars:
    """Of one training: for each part ("", "val_", "test_") and metric its values by step, each with its time."""

    series: dict[tuple[str, str], dict[int, tuple[float, float]]] = field(default_factory=dict)
    by_epoch: bool = False


def imported_of(folder: Path) -> list[Imported]:
    """Returns the trainings whose event files lie in a folder, or the one of a single file.

    `train` and `validation` below a folder are one training, as Keras's callback lays them; files that lie alone tell
    both by their tags. Where there are metrics by epoch (`epoch_loss`), those by batch are left out; else every step
    counts as an epoch. Steps that are counted from 0 are epochs from 1.

    Raises:
        CnnvizError: TensorBoard isn't installed, there are no event files or no metrics in them, too many of them, or
            one is damaged.
    """
    require_tensorboard()
    found: dict[str, _Scalars] = {}
    count = 0
    for path in _files(folder):
        place = path.parent.relative_to(folder) if folder.is_dir() else Path()
        last = place.name.lower()
        part = "val_" if last in _HELD_OUT else "test_" if last == "test" else ""
        name = (place.parent if last in _PARTS else place).as_posix()
        scalars = found.setdefault("" if name == "." else name, _Scalars())
        count += _read(path, part, scalars)
        if count > MOST_VALUES:
            raise CnnvizError(f"{folder.name} has more than {MOST_VALUES:,} values: name the folder of one training.")
    made = [one for one in (_imported(name, scalars) for name, scalars in sorted(found.items())) if one is not None]
    if not made:
        raise CnnvizError(f"The event files in {folder.name} hold no metrics: expected scalars such as epoch_loss.")
    if len(made) > MOST_RUNS:
        raise CnnvizError(f"{folder.name} has {len(made)} trainings; at most {MOST_RUNS} are taken at once.")
    return made


def metric_name(tag: str) -> tuple[str, str] | None:
    """Returns a tag's part ("", "val_" or "test_") and its metric by Keras's name; `None` for what is no metric.

    Example:
        >>> metric_name("epoch_val_acc"), metric_name("Loss/train"), metric_name("validation/loss")
        (('val_', 'accuracy'), ('', 'loss'), ('val_', 'loss'))
        >>> metric_name("evaluation_loss_vs_iterations")
    """
    if len(tag) > _LONGEST_TAG or tag.endswith("_vs_iterations") or tag.startswith("batch_"):
        return None
    words = [word for word in re.split(r"[/_ .-]+", tag.lower()) if word]
    part = "val_" if _HELD_OUT & set(words) else "test_" if "test" in words else ""
    name = "_".join(word for word in words if word not in _PARTS)
    name = _SYNONYMS.get(name, name)
    return (part, name) if _SOUND.fullmatch(name) else None


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise CnnvizError(f"There is no folder {str(folder)!r}: expected one with TensorBoard's event files.")
    found = []
    for path in folder.rglob("*"):
        if is_event_file(path) and path.is_file() and not path.is_symlink():
            found.append(path)
        if len(found) > MOST_FILES:
            raise CnnvizError(
                f"{folder.name} has more than {MOST_FILES:,} event files: name the folder of one training."
            )
    if not found:
        raise CnnvizError(f"{folder.name} has no event files: expected TensorBoard's, called …tfevents….")
    return sorted(found)


def _read(path: Path, part: str, scalars: _Scalars) -> int:
    """Adds a file's scalars to those of its training; returns how many there were."""
    from tensorboard.compat.proto.event_pb2 import SessionLog

    count = 0
    for event in events_in(path):
        if event.HasField("session_log") and event.session_log.status == SessionLog.START:
            for of_part, series in scalars.series.items():
                if of_part[0] == part:
                    for step in [step for step in series if step >= event.step]:
                        del series[step]
        for value in event.summary.value:
            named, number = metric_name(value.tag), _number(value)
            if named is None or number is None or not 0 <= event.step < 2**31 - 1:
                continue
            if value.tag.startswith("epoch_") and not scalars.by_epoch:
                scalars.by_epoch = True
                scalars.series = {key: kept for key, kept in scalars.series.items() if key[0] == "test_"}
            if scalars.by_epoch and not value.tag.startswith(("epoch_", "test_")):
                continue
            key = (named[0] or part, named[1])
            scalars.series.setdefault(key, {})[event.step] = (number, event.wall_time)
            count += 1
    return count


def _number(value: Any) -> float | None:
    """A summary's value, where it is one finite number."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        found = float(value.simple_value)
    elif kind == "tensor" and math.prod(one.size for one in value.tensor.tensor_shape.dim) == 1:
        from tensorboard.util.tensor_util import make_ndarray

        try:
            found = float(make_ndarray(value.tensor).reshape(()))
        except (ValueError, TypeError):
            return None
    else:
        return None
    return found if math.isfinite(found) else None


def _imported(name: str, scalars: _Scalars) -> Imported | None:
    series = {key: values for key, values in scalars.series.items() if values}
    test: dict[str, float] = {}
    parts = {part for part, _ in series}
    if "test_" in parts and "val_" in parts:
        test = {metric: values[max(values)][0] for (part, metric), values in series.items() if part == "test_"}
        series = {key: values for key, values in series.items() if key[0] != "test_"}
    elif "test_" in parts:
        series = {("val_" if part == "test_" else part, metric): v for (part, metric), v in series.items()}
    if not series:
        return None
    first = min(min(values) for values in series.values())
    times = [when for values in series.values() for _, when in values.values() if math.isfinite(when)]
    began = min(times, default=0.0)
    return Imported(name, tuple(_epochs(series, first == 0, began)), test, min(max(began, 0.0), 1e11))


def _epochs(
    series: Mapping[tuple[str, str], Mapping[int, tuple[float, float]]], from_0: bool, began: float
) -> Iterable[dict[str, Any]]:
    for step in sorted({step for values in series.values() for step in values}):
        here = {f"{part}{metric}": values[step] for (part, metric), values in series.items() if step in values}
        seconds = max((when - began for _, when in here.values() if math.isfinite(when)), default=0.0)
        figures = {metric: round_metric(metric, value) for metric, (value, _) in sorted(here.items())}
        yield {"epoch": step + from_0, "seconds": round(max(0.0, seconds), 3), **figures}
