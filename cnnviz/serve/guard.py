"""Who may ask a server: looked at before anything of the request is read."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import TYPE_CHECKING

from cnnviz.serve.rate_limit import RateLimit

if TYPE_CHECKING:
    from starlette.responses import JSONResponse
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OPEN", "Guard"]

OPEN = frozenset({"/health", "/docs", "/openapi.json"})
"""What says nothing of the model, and takes no token."""


class Guard:
    """Lets through to `app` what comes not too often, for a name of this machine, and with the token.

    Args:
        app: what answers.
        limit: how often each client may ask.
        token: what a client must send as `Authorization: Bearer TOKEN`; `None` for nothing.
        hosts: the names under which it may be asked, so that no web page can lead a browser here under a name of its
            own (DNS rebinding); `None` for any.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit, token: str | None, hosts: Collection[str] | None) -> None:
        self._app, self._limit, self._hosts = app, limit, hosts
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or hands it on."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        from starlette.datastructures import Headers

        headers = Headers(scope=scope)
        if wait := self._limit.seconds_to_wait((scope.get("client") or ("", 0))[0]):
            return _refused(429, f"Too many requests: come again in {wait} s.", {"Retry-After": str(wait)})
        if self._hosts is not None and _host(headers.get("host", "")) not in self._hosts:
            return _refused(421, f"This server answers as {' or '.join(sorted(self._hosts))} only.")
        if self._token is not None and scope["path"] not in OPEN:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
                return _refused(
                    401,
                    "This server wants its token: send the header 'Authorization: Bearer TOKEN'.",
                    {"WWW-Authenticate": "Bearer"},
                )
        return None


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].lower()


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    from starlette.responses import JSONResponse

    return JSONResponse({"detail": sentence}, status, headers)
