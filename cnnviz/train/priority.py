"""How a worker shares the processors: others go first, but not while somebody waits for its first figures.

Where Linux gives each session its share (sched(7), "The autogroup feature"), that share is all that counts between
programs, and it may be raised again; elsewhere only the process's own niceness counts, which may not.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["NICENESS", "give_way", "lower_process", "lower_session"]

NICENESS = 10


def lower_process() -> None:
    """Lets other programs go first wherever niceness counts; threads inherit it that begin later."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def lower_session(niceness: int = NICENESS) -> None:
    """Sets the niceness of the session, if it is this process's own and not, say, a terminal's."""
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))


@functools.cache
def give_way() -> None:
    """Lets other programs go first from now on, as nobody waits for a first figure any more; told again, it costs
    nothing."""
    lower_session()
