"""Loading TensorFlow and Keras as quickly and as quietly as it goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["quick_and_quiet"]

_OPTIONAL = ("sklearn", "matplotlib")
"""What Keras loads, where it is installed, for wrappers and galleries that no run uses: a third of its loading time."""


@contextmanager
def quick_and_quiet() -> Iterator[None]:
    """Lets what is imported within do without what fitting doesn't need, and say nothing of the machine."""
    with _quiet_stderr(), _hidden(_OPTIONAL):
        yield


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keeps what TensorFlow's C++ says about the machine while it loads out of the log; exceptions still come out."""
    kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(void)


@contextmanager
def _hidden(packages: Collection[str]) -> Iterator[None]:
    """Lets what is imported within take these packages for not installed; afterwards they can be imported again."""
    hidden: dict[str, Any] = {name: None for name in packages if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
