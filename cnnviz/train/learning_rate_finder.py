"""The process that `find_learning_rate` starts; somebody waits for it, so that it gives no way to others.

It reads a recipe as JSON from standard input and writes lines of JSON: `{"progress": [what, done, total]}` while it
prepares, `{"steps": n}` once it knows how many are to come, `{"rate", "loss"}` for each of them, and at last
`{"done": true}` or `{"error": sentence}`. It leaves no run; a backbone's features are kept where runs look for them.
"""

from __future__ import annotations

import json
import os
import sys
import time

from cnnviz.errors import NOT_ENOUGH_MEMORY, CnnvizError, first_line, out_of_memory
from cnnviz.recipe import parse
from cnnviz.train.tensorflow_loading import quick_and_quiet

_TOLD_SECONDS = 0.1


def _main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    said = 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal said
        if (now := time.monotonic()) - said >= _TOLD_SECONDS or not done:
            said = now
            _say({"progress": [what, done, total]})

    try:
        with quick_and_quiet():
            from cnnviz.train.learning_rate_ramp import range_test
        range_test(parse(sys.stdin.read()), _say, progress)
    except CnnvizError as error:
        _say({"error": str(error)})
    except Exception as error:
        _say({"error": _sentence(error)})
    else:
        _say({"done": True})


def _sentence(error: Exception) -> str:
    if out_of_memory(error):
        return NOT_ENOUGH_MEMORY
    return f"Fitting failed with {type(error).__name__}: {first_line(error)}."


def _say(words: dict) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    _main()
