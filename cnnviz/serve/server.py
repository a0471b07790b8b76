"""The server: a socket, limits on slow clients, and an end that lets what has begun be finished."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import warnings
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cnnviz.errors import CnnvizError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["LOOPBACK", "configuration", "is_loopback", "listening_socket", "serve", "url_of"]

LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
"""The names under which this machine calls itself."""
REQUEST_SECONDS, WRITE_SECONDS, END_SECONDS = 40.0, 30.0, 15
"""Until a request is whole, until a client has taken what it is sent, and for what has begun when the server ends."""
MOST_CONNECTIONS = 512
_BACKLOG = 1024


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches what listens on an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening_socket(host: str, port: int) -> socket.socket:
    """Returns a socket that listens; for port 0 on a free one.

    Raises:
        CnnvizError: the address isn't this machine's, or the port is taken or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CnnvizError(
            f"Nothing can listen on {host}, port {port}: {reason}; choose another with --host or --port."
        ) from None


def url_of(listening: socket.socket) -> str:
    """Returns the address of a socket for a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configuration(app: ASGIApp) -> uvicorn.Config:
    """Returns how a server answers: over plain HTTP/1.1, with a limit on connections and on slow clients."""
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level="error",  # else whoever sends nonsense fills the log
        access_log=False,
        proxy_headers=False,  # who a client is can't be said by the client
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=END_SECONDS,
    )


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answers on a socket until the process gets SIGINT or SIGTERM; what has begun by then is finished first."""
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="PIL")
    server = uvicorn.Server(configuration(app))

    def end(*_: object) -> None:
        server.should_exit = True

    for one in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises what it got anew after its end, which is no error here
        signal.signal(one, end)
    server.run(sockets=[listening])


class _Protocol(H11Protocol):
    """HTTP for clients that may be slow on purpose: a request must be whole in time, and what is sent be taken."""

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._reading = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._forget()
        elif self._reading is None:
            self._reading = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        if self._writing is not None:
            self._writing.cancel()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
