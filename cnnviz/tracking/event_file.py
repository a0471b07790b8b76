"""TensorBoard's event files: records of protocol buffers, each with its checksums, by TensorBoard's own modules."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from cnnviz.errors import CnnvizError

__all__ = ["MOST_BYTES", "EventFile", "events_in", "is_event_file", "require_tensorboard"]

MOST_BYTES = 2**30
"""Of an event file that is read."""
_MOST_RECORD = 2**28
_count = itertools.count()


def require_tensorboard() -> None:
    """Raises `CnnvizError` where TensorBoard isn't installed."""
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        raise CnnvizError("Event files need TensorBoard: pip install -r requirements-export.txt.") from None


def is_event_file(path: Path) -> bool:
    """Returns whether a file is called as TensorBoard calls its files."""
    return ".tfevents." in path.name


class EventFile:
    """A new event file, to which events are appended, each whole in one write.

    Args:
        folder: where it is made.
        first_step: from which step on it replaces what earlier files of the folder hold; `None` for none.

    Raises:
        OSError: it can't be made.

    Example:
        >>> with EventFile(Path("logs/train")) as file:  # doctest: +SKIP
        ...     file.scalar("epoch_loss", 0.5, step=0, wall_time=time.time())
    """

    def __init__(self, folder: Path, first_step: int | None = None) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog

        folder.mkdir(parents=True, exist_ok=True)
        host = "".join(c if c.isalnum() or c in "-." else "-" for c in socket.gethostname())
        name = f"events.out.tfevents.{int(time.time()):010d}.{host}.{os.getpid()}.{next(_count)}"
        self._file = open(folder / name, "xb", buffering=0)  # noqa: SIM115 - held open as long as the run goes on
        self._add(wall_time=time.time(), file_version="brain.Event:2")
        if first_step is not None:
            self._add(wall_time=time.time(), step=first_step, session_log=SessionLog(status=SessionLog.START))

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def scalar(self, tag: str, value: float, step: int, wall_time: float) -> None:
        """Adds a number."""
        self._value(step, wall_time, tag=tag, simple_value=value)

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int, wall_time: float) -> None:
        """Adds an RGB image, a PNG of this height and width."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        image = Summary.Image(height=size[0], width=size[1], colorspace=3, encoded_image_string=png)
        self._value(step, wall_time, tag=tag, image=image)

    def graph(self, graph: bytes, wall_time: float) -> None:
        """Adds a graph, a serialized `GraphDef`."""
        self._add(wall_time=wall_time, graph_def=graph)

    def hparams(self, tag: str, data: Any, wall_time: float) -> None:
        """Adds what the HParams plugin reads, a `HParamsPluginData`."""
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
        from tensorboard.plugins.hparams import metadata

        about = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString())
        )
        self._value(0, wall_time, tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)

    def _value(self, step: int, wall_time: float, **fields: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(step=step, wall_time=wall_time, summary=Summary(value=[Summary.Value(**fields)]))

    def _add(self, **fields: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        data = Event(**fields).SerializeToString()
        head = struct.pack("<Q", len(data))
        self._file.write(head + _checksum(head) + data + _checksum(data))


def events_in(path: Path) -> Iterator[Any]:
    """Yields the whole events of a file; a torn last one, as a program that was killed leaves it, is left out.

    Raises:
        CnnvizError: it isn't an event file, is damaged or too large, or can't be read.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        if not path.is_file():
            raise CnnvizError(f"{path.name} is no regular file: expected an event file.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise CnnvizError(f"{path.name} has {size / 2**30:.1f} GB; at most {MOST_BYTES // 2**30} GB are read.")
        with open(path, "rb") as file:
            while len(head := file.read(12)) == 12:
                length = struct.unpack("<Q", head[:8])[0]
                if _checksum(head[:8]) != head[8:] or length > _MOST_RECORD:
                    raise _damaged(path)
                data, check = file.read(length), file.read(4)
                if len(data) < length or len(check) < 4:
                    return
                if _checksum(data) != check:
                    raise _damaged(path)
                yield Event.FromString(data)
    except OSError as error:
        raise CnnvizError(f"{path.name} can't be read: {error.strerror or error}.") from None
    except DecodeError:
        raise _damaged(path) from None


def _checksum(data: bytes) -> bytes:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return struct.pack("<I", masked_crc32c(data))


def _damaged(path: Path) -> CnnvizError:
    return CnnvizError(f"{path.name} is damaged, or no event file of TensorBoard: copy it anew.")
