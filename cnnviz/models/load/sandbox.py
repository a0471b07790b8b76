"""The process that tries models before the server opens them, `python -m cnnviz.models.load.sandbox`: see
`sandbox_client`.

It reads a request a line from stdin and answers with a line. Each model is tried in a child of its own, a fork that
has Keras ready, with limits on memory and time, and nothing it may write, start or connect to. Keras calculates with
NumPy here: what is tried is how the model is put together, for which TensorFlow with its 500 MB isn't needed.
"""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import sys
import types
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cnnviz.errors import short
from cnnviz.models.load.archive_check import CONFIG
from cnnviz.models.load.config_check import MOST_ELEMENTS, MOST_PARAMETERS, Refused
from cnnviz.models.load.weights_check import WeightsSize, check_weights

if TYPE_CHECKING:
    from cnnviz.models.load.cost import Effort

__all__ = ["IDLE_SECONDS", "LIGHT_BYTES", "MEMORY_BYTES", "SECONDS", "main"]

SECONDS = 8
"""Of a processor, for one model; the largest of Keras Applications take a third of it."""
PATIENCE_SECONDS = 16
"""By the clock, for a busy computer."""
MEMORY_BYTES = 800 << 20
"""What one child may have allocated, its share of what is ready before it included."""
IDLE_SECONDS = 120
LIGHT_BYTES = 8 << 20
"""Up to this, weights are read into the model, too; of larger ones only the headers are."""
MOST_TOGETHER = 1 << 30
"""Values of all layers for one image: EfficientNetB7's just fit."""
MOST_MULTIPLICATIONS = 100_000_000_000
"""For one image: some seconds; ConvNeXtXLarge takes 61 thousand million."""
MOST_WINDOWS = 3_000_000_000
"""Of them in depthwise kernels and pooling windows, which are some ten times as slow: 23 thousand million took 43 s."""
MOST_STEPS = 600
"""Of recurrent layers, one after another, for one image: each takes some milliseconds, for each image looked at."""
MOST_CALLS = 5_000
_SIDE = 224
_ATTACK = "it may be an attack, so don't use it"
_SMALLER = "smaller models are opened"
_FORBIDDEN = ("os.", "subprocess.", "socket.", "ctypes.", "pickle.", "shutil.", "tempfile.", "urllib.", "webbrowser.")
_HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")
_WITHOUT = ("tensorflow", "torch", "sklearn", "pandas", "requests", "PIL", "matplotlib", "orbax", "grain")
_EMPTY = {
    "jax": ["lax"],
    "keras.src.backend.jax": [],
    "keras.src.backend.jax.math": ["fft", "fft2"],
    "scipy": [],
    "scipy.linalg": [],
}


def main() -> int:
    """Answers until stdin ends or nothing is asked for a while."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.dont_write_bytecode = True
    _bring_keras()
    replies.write(b'{"ready": true}\n')
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            break
        replies.write(json.dumps(_apart(Path(json.loads(line)["path"]))).encode() + b"\n")
    return 0


def _bring_keras() -> None:
    """Imports Keras on NumPy, without all that it takes along but doesn't need to put a model together.

    Of what it can't do without there, JAX and SciPy, nothing is ever called, so empty modules stand in for them.
    """
    for name in _WITHOUT:
        sys.modules[name] = None  # type: ignore[assignment]  # makes importing it fail
    for name, parts in _EMPTY.items():
        sys.modules[name] = module = types.ModuleType(name)
        vars(module).update(dict.fromkeys(parts), __getattr__=_missing)
    vars(sys.modules["scipy"])["linalg"] = sys.modules["scipy.linalg"]
    import h5py  # noqa: F401
    import keras

    import cnnviz.models.load.cost  # noqa: F401

    if keras.config.backend() != "numpy":
        raise SystemExit("Keras must run on NumPy here.")
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))  # loads what it loads late


def _missing(name: str) -> NoReturn:
    raise (AttributeError if name.startswith("__") else ImportError)(name)


def _apart(path: Path) -> dict[str, Any]:
    """The reply of a child, or what became of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(path, writing)
    os.close(writing)
    data, late = b"", False
    while not late:
        late = not select.select([reading], [], [], PATIENCE_SECONDS)[0]
        part = b"" if late else os.read(reading, 1 << 16)
        if not part:
            break
        data += part
    os.close(reading)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    peak = used.ru_maxrss >> (20 if sys.platform == "darwin" else 10)  # there it is told in bytes
    if late:
        reply = {
            "reason": f"it could not be put together within {PATIENCE_SECONDS} seconds",
            "remedy": f"{_SMALLER}, or this one when the computer is less busy",
        }
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        reply = {"reason": f"it takes more than {SECONDS} seconds to be put together", "remedy": _SMALLER}
    else:
        try:
            reply = json.loads(data)
        except ValueError:
            reply = {
                "reason": "it makes the process crash that tries it",
                "remedy": "it may be an attack, so don't use it",
            }
    return reply | {"peak_mb": peak}


def _child(path: Path, writing: int) -> NoReturn:
    """Ends with a reply in the pipe; whatever happens, never returns into the loop."""
    touched: list[str] = []
    try:
        _limit()
        sys.addaudithook(partial(_forbid, touched))
        reply = _tried(path)
    except Refused as error:
        reply = {"reason": error.reason, "remedy": error.remedy}
    except MemoryError:
        reply = {"reason": f"it needs more than {MEMORY_BYTES >> 20} MB to be put together", "remedy": _SMALLER}
    except BaseException as error:  # Keras raises nearly anything
        reply = {"reason": f"Keras can't put it together ({short(error, 160).rstrip('.')})", "remedy": ""}
    if touched:  # even where Keras went on without it
        reply = {"reason": f"it does what a model has no need to ({touched[0]})", "remedy": _ATTACK}
    try:
        os.write(writing, json.dumps(reply).encode())
    finally:
        os._exit(0)


def _limit() -> None:
    for what, most in (("DATA", MEMORY_BYTES), ("FSIZE", 0), ("CORE", 0), ("NOFILE", 64)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 2))  # the first is a signal that tells why


def _tried(path: Path) -> dict[str, Any]:
    found = check_weights(path)
    effort = _put_together(path, found)
    if found.bytes <= LIGHT_BYTES:
        import keras

        keras.utils.clear_session()
        keras.models.load_model(path, compile=False, safe_mode=True)
    return {"largest": effort.largest}


def _forbid(touched: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    """Keeps a trial from touching anything; Keras's own layers only calculate."""
    writes = event == "open" and (
        set(arguments[1] or "") & set("wax+") or (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    )
    if writes or (event.startswith(_FORBIDDEN) and event not in _HARMLESS):
        touched.append(event)
        raise PermissionError(event)


def _put_together(path: Path, found: WeightsSize) -> Effort:
    """Builds the model without its weights' memory and counts what it would take."""
    import keras
    from keras.src.saving.serialization_lib import ObjectSharingScope

    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read(CONFIG))
    with keras.StatelessScope(initialize_variables=False), ObjectSharingScope():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    weights = sum(math.prod(one.shape) for one in model.weights)
    if weights > MOST_PARAMETERS:
        raise Refused(f"it has {weights:,} weights", f"models of up to {MOST_PARAMETERS:,} are opened")
    if weights > found.values:
        raise Refused(f"it has {weights:,} weights, but its file holds {found.values:,}")
    return _bounded(model)


def _bounded(model: Any) -> Effort:
    """What one image costs, of the size that will be predicted."""
    from cnnviz.models.load.cost import effort_of  # which brings Keras

    shapes = [(1, *(side or _SIDE for side in one.shape[1:])) for one in model.inputs]
    outputs, effort = effort_of(model, shapes)
    for what, found, most in (
        ("calls {:,} layers for one image", effort.calls, MOST_CALLS),
        ("makes {:,} values of one image in one layer", effort.largest, MOST_ELEMENTS),
        ("makes {:,} values of one image", effort.values, MOST_TOGETHER),
        ("takes {:,} multiplications for one image", effort.multiplications, MOST_MULTIPLICATIONS),
        ("takes {:,} multiplications in depthwise and pooling windows", effort.windows, MOST_WINDOWS),
        ("takes {:,} steps of recurrent layers for one image", effort.steps, MOST_STEPS),
    ):
        if found > most:
            raise Refused(f"it {what.format(found)}", f"up to {most:,} are allowed")
    for shape in outputs:
        if shape[:1] != (1,):
            raise Refused(f"its output for one image has the shape {short(shape)}", "expected one row")
    return effort


if __name__ == "__main__":
    raise SystemExit(main())
