"""The process that `audit_elsewhere` starts.

It reads a recipe's data as JSON from standard input and writes lines of JSON: how far it is, and at last how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import time

from cnnviz.audit.audit import audit
from cnnviz.data import open_dataset
from cnnviz.errors import CnnvizError
from cnnviz.recipe import Data, parse
from cnnviz.train.priority import lower_process

_SECONDS = 0.2


def _main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    lower_process()
    said = 0.0

    def progress(what: str, done: int, whole: int) -> None:
        nonlocal said
        if (now := time.monotonic()) - said >= _SECONDS or not done:
            said = now
            _say({"progress": [what, done, whole]})

    try:
        audit(open_dataset(parse(sys.stdin.read(), Data), progress=progress), progress=progress)
    except CnnvizError as error:
        _say({"error": str(error)})
    else:
        _say({"done": True})


def _say(words: dict[str, object]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    _main()
