"""`serve`: a model over HTTP, for other programs."""

from __future__ import annotations

import argparse
import json
import math
import os
import secrets
import sys

from cnnviz.commands.model_argument import add_model_argument, model_of, tell_taken, tensorflow_quiet
from cnnviz.commands.subcommand import add_verb
from cnnviz.errors import CnnvizError

__all__ = ["add_serve"]

PORT, LARGEST_PORT = 8000, 65_535
RATE = 50.0
"""Requests a second that a client may make, and twice as many at once."""
_SHORTEST_TOKEN = 8


def add_serve(verbs: argparse._SubParsersAction) -> None:
    """Adds `serve`."""
    verb = add_verb(
        verbs,
        "serve",
        "answer other programs over HTTP: predictions and heat maps of images that they send",
        _serve,
        "print the address, and the token if one is made, as JSON",
    )
    add_model_argument(verb)
    verb.add_argument("--host", metavar="H", default="127.0.0.1", help="where it listens (default: this machine only)")
    verb.add_argument("--port", metavar="N", default=str(PORT), help=f"0 takes a free one (default: {PORT})")
    verb.add_argument(
        "--token",
        metavar="T",
        help="what clients must send as 'Authorization: Bearer T'; better said as CNNVIZ_TOKEN, as other users of "
        "this machine see a command's options. Made where --host is reached from elsewhere and none is given",
    )
    verb.add_argument(
        "--rate", metavar="R", default=str(RATE), help=f"requests a second that each client may make (default {RATE:g})"
    )


def _serve(chosen: argparse.Namespace) -> int:
    port, rate = _port(chosen.port), _rate(chosen.rate)
    try:
        import uvicorn  # noqa: F401

        from cnnviz.serve.server import LOOPBACK, is_loopback, listening_socket, serve, url_of
    except ImportError as error:
        raise CnnvizError(f"serve needs {error.name}: pip install -r requirements.txt.") from None
    token = _token(chosen.token, needed=not is_loopback(chosen.host))
    with listening_socket(chosen.host, port) as listening:
        with tensorflow_quiet():
            classifier, run = model_of(chosen)
            import numpy as np

            from cnnviz.explain.uncertainty.judgement_of_run import kept_of
            from cnnviz.models.compiled import compiled
            from cnnviz.models.load.load import keep_state
            from cnnviz.serve.application import application
            from cnnviz.serve.guard import Guard
            from cnnviz.serve.rate_limit import RateLimit

            predict = compiled(classifier)
            predict(np.zeros((1, *classifier.image_size, classifier.channels), np.uint8))  # what fails, fails now
            keep_state()
            app = application(classifier, kept_of(run), predict)
        tell_taken(classifier)
        _tell(chosen, url_of(listening), classifier.name, token)
        serve(Guard(app, RateLimit(rate, 2 * rate), token, LOOPBACK if token is None else None), listening)
    return 0


def _port(text: str) -> int:
    if not (text.isdecimal() and len(text) < 6 and int(text) <= LARGEST_PORT):
        raise CnnvizError(f"--port is {text!r}: expected a whole number of 0 to {LARGEST_PORT:,}.")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not (math.isfinite(rate) and rate >= 0.1):
        raise CnnvizError(f"--rate is {text!r}: expected a number of requests a second, at least 0.1.")
    return rate


def _token(given: str | None, *, needed: bool) -> str | None:
    """The token that clients must send, made where one is needed and none given; `None` for none."""
    token = os.environ.get("CNNVIZ_TOKEN") or None if given is None else given
    if token is None:
        return secrets.token_urlsafe(32) if needed else None
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise CnnvizError(
            f"The token must have at least {_SHORTEST_TOKEN} letters, digits or signs of ASCII, and no space."
        )
    return token


def _tell(chosen: argparse.Namespace, url: str, name: str, token: str | None) -> None:
    made = token is not None and token not in (chosen.token, os.environ.get("CNNVIZ_TOKEN"))
    if chosen.json:
        print(json.dumps({"address": url, **({"token": token} if made else {})}), flush=True)
        return
    print(f"{name} answers at {url}; {url}/docs tells how to ask it. Ctrl+C ends it.", flush=True)
    if made:
        print(f"Clients must send 'Authorization: Bearer {token}'.", flush=True)
    if token is not None:
        print("cnnviz: what is sent isn't encrypted: put it behind a proxy with TLS.", file=sys.stderr, flush=True)
