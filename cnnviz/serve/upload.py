"""The image in a request: its body as it is, or the one file of a form; read within limits of size and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnviz.data.dataset import printable
from cnnviz.errors import CnnvizError
from cnnviz.images import MAX_BYTES

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["MOST_BYTES", "Bodies", "RefusedBody", "image_in_form"]

MOST_BYTES = MAX_BYTES + 65_536
"""Of a body: an image of the greatest size, and a form round it."""
BODY_SECONDS = 30
"""Until a body is whole."""
MOST_HELD = 256 * 2**20
"""Bytes of all bodies that are being read or decoded at once."""
MOST_PARTS = 16
"""Of a form."""


class RefusedBody(CnnvizError):
    """A body that can't be taken, with HTTP's status for that."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Bodies:
    """All bodies that a server holds at once, so that their sum is bounded."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Returns a request's body; it counts as held until `release`.

        Raises:
            RefusedBody: it is larger than `MOST_BYTES`, not whole in `BODY_SECONDS`, or too much is held already.
            starlette.requests.ClientDisconnect: the client has gone.
        """
        data = bytearray()
        try:
            told = request.headers.get("content-length", "")
            if told.isdecimal() and len(told) < 20 and int(told) > MOST_BYTES:
                raise _too_large()
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    if len(data) + len(chunk) > MOST_BYTES:
                        raise _too_large()
                    if self._held + len(chunk) > MOST_HELD:
                        raise RefusedBody(503, "The server holds too many images at the moment: come again.")
                    data += chunk
                    self._held += len(chunk)
            return bytes(data)
        except BaseException as error:
            self._held -= len(data)
            if isinstance(error, TimeoutError):
                raise RefusedBody(408, f"The image was not whole after {BODY_SECONDS} s: send it anew.") from None
            raise

    def release(self, size: int) -> None:
        """Says that a body of so many bytes isn't held any longer."""
        self._held -= size


def _too_large() -> RefusedBody:
    return RefusedBody(413, f"The body is too large: an image of at most {MAX_BYTES // 2**20} MB is allowed.")


@dataclass
class _Part:
    """A part of a form, as far as it was read."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""
    data: bytearray = field(default_factory=bytearray)


def image_in_form(content_type: str, body: bytes) -> tuple[str, bytes]:
    """Returns the name and the bytes of the one file in a form (multipart/form-data).

    Raises:
        RefusedBody: the form is broken, or has no file or several.
    """
    from python_multipart import MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    parts: list[_Part] = []
    ended = False

    def part_begin() -> None:
        if len(parts) == MOST_PARTS:
            raise RefusedBody(413, f"The form has more than {MOST_PARTS} parts: send one image, as the file 'image'.")
        parts.append(_Part())

    def header_end() -> None:
        parts[-1].headers[parts[-1].name.lower()] = parts[-1].value
        parts[-1].name = parts[-1].value = b""

    def name(data: bytes, start: int, end: int) -> None:
        parts[-1].name += data[start:end]

    def value(data: bytes, start: int, end: int) -> None:
        parts[-1].value += data[start:end]

    def content(data: bytes, start: int, end: int) -> None:
        parts[-1].data += data[start:end]

    def end() -> None:
        nonlocal ended
        ended = True

    try:
        boundary = parse_options_header(content_type)[1][b"boundary"]
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": part_begin,
                "on_header_field": name,
                "on_header_value": value,
                "on_header_end": header_end,
                "on_part_data": content,
                "on_end": end,
            },
        )
        parser.write(body)
        parser.finalize()
    except RefusedBody:
        raise
    except (FormParserError, KeyError, ValueError):
        raise _broken() from None
    if not ended:
        raise _broken()
    files = []
    for part in parts:
        options = parse_options_header(part.headers.get(b"content-disposition", b""))[1]
        if b"filename" in options or options.get(b"name") == b"image":
            files.append((printable(options.get(b"filename", b"").decode(errors="replace"))[:200], bytes(part.data)))
    if len(files) != 1:
        raise RefusedBody(422, f"The form has {len(files)} files: send one image, as the file 'image'.")
    return files[0]


def _broken() -> RefusedBody:
    return RefusedBody(400, "The form is broken or cut off: send it as multipart/form-data, or the image alone.")
