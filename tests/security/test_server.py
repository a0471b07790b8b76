"""What a running server lets in: only this machine, only its own pages, only files that are asked for and small."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.e2e.conftest import end, wait_for_health

ROOT = Path(__file__).resolve().parents[2]
COOKIE = "_streamlit_xsrf"
MEGABYTES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"]
SECRET = "the-content-of-no-page"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Popen]]:
    """The server as the README starts it, but for its port: its address and its process."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "checkpoints").mkdir()
    (folder / "secret.txt").write_text(SECRET)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    with (folder / "server.log").open("wb") as output:
        running = psutil.Popen(
            [*command, "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT,
            env={**os.environ, "CNNVIZ_CHECKPOINTS": str(folder / "checkpoints"), "CNNVIZ_CACHE": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_health(url, running, folder / "server.log")
        yield url, running
    finally:
        end([running])


@pytest.fixture(scope="module")
def url(process: tuple[str, psutil.Popen]) -> str:
    return process[0]


def ask(
    url: str, method: str, path: str, headers: dict[str, str] | None = None, body: object = None, **more: object
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Sends a request as it is, with no path made tidy; returns status, headers and content."""
    connection = http.client.HTTPConnection(urlsplit(url).hostname, urlsplit(url).port, timeout=120)
    try:
        connection.request(method, path, body=body, headers=headers or {}, **more)
        response = connection.getresponse()
        return response.status, response.headers, b"" if response.status == 101 else response.read()
    finally:
        connection.close()


def test_it_listens_to_this_machine_only(process: tuple[str, psutil.Popen]) -> None:
    family = [process[1], *process[1].children(recursive=True)]
    sockets = [one for member in family for one in member.net_connections("inet")]
    listening = [one for one in sockets if one.status == psutil.CONN_LISTEN]
    assert listening
    assert {one.laddr.ip for one in sockets} <= {"127.0.0.1", "::1"}
    assert {one.raddr.ip for one in sockets if one.raddr} <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil@localhost"]
)
def test_a_page_that_rebinds_its_name_gets_no_session(url: str, host: str) -> None:
    assert ask(url, "GET", "/_stcore/stream", UPGRADE)[0] == 101
    assert ask(url, "GET", "/_stcore/stream", {**UPGRADE, "Host": host})[0] == 403
    same = f"http://{host}"
    assert ask(url, "GET", "/_stcore/stream", {**UPGRADE, "Host": host, "Origin": same})[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"])
def test_a_page_from_elsewhere_gets_no_session(url: str, origin: str) -> None:
    assert ask(url, "GET", "/_stcore/stream", {**UPGRADE, "Origin": url})[0] == 101
    assert ask(url, "GET", "/_stcore/stream", {**UPGRADE, "Origin": origin})[0] == 403


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/_stcore/upload_file/x/y"])
def test_a_page_from_elsewhere_may_read_no_answer(url: str, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        allowed = ask(url, method, path, {"Origin": "https://evil.example"})[1].get("Access-Control-Allow-Origin", "")
        assert "evil" not in allowed
        assert allowed != "*"


def test_no_program_drives_it_without_a_page(url: str) -> None:
    for path in ("interact", "mcp"):
        headers = {"Content-Type": "application/json"}
        status, _, content = ask(url, "POST", f"/_stcore/agent/{path}", headers, b"{}")
        assert status >= 400
        assert b"not_available" in content


def token(url: str) -> str:
    """What the server gives its own pages, which others can't read."""
    for path in ("/_stcore/host-config", "/_stcore/health"):
        for cookie in ask(url, "GET", path)[1].get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            if name == COOKIE:
                return value
    pytest.fail("The server sets no XSRF cookie.")


@pytest.fixture
def session(url: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A page that is open: the place for its uploads and the headers that it sends with them."""
    given = token(url)
    headers = {"Cookie": f"{COOKIE}={given}"}
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    with connect(
        address, subprotocols=["streamlit", given], origin=url, additional_headers=headers, max_size=None
    ) as page:
        page.send(BackMsg(rerun_script={}).SerializeToString())
        while True:
            message = ForwardMsg.FromString(page.recv(timeout=120))
            if message.WhichOneof("type") == "new_session":
                break
        name = message.new_session.initialize.session_id
        yield f"/_stcore/upload_file/{name}/1", {**headers, "X-Xsrftoken": given}


def file(size: int) -> tuple[bytes, dict[str, str]]:
    """A form with one file, and its headers."""
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="../../f.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + bytes(size) + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def test_uploads_need_the_token_of_an_open_page(url: str, session: tuple[str, dict[str, str]]) -> None:
    place, headers = session
    body, kind = file(1000)
    assert ask(url, "PUT", place, {**headers, **kind}, body)[0] == 204
    cookie = {"Cookie": headers["Cookie"]}
    for wrong in ({}, cookie, {**cookie, "X-Xsrftoken": "x"}, {"X-Xsrftoken": headers["X-Xsrftoken"]}):
        assert ask(url, "PUT", place, {**wrong, **kind}, body)[0] == 403
        assert ask(url, "DELETE", place, wrong)[0] == 403
    assert ask(url, "PUT", "/_stcore/upload_file/not-a-session/1", {**headers, **kind}, body)[0] == 400


def test_uploads_end_at_their_limit(url: str, session: tuple[str, dict[str, str]]) -> None:
    place, headers = session
    body, kind = file((MEGABYTES - 1) * 2**20)
    assert ask(url, "PUT", place, {**headers, **kind}, body)[0] == 204
    said = {**headers, **kind, "Content-Length": str(MEGABYTES * 2**20 + 1)}
    assert ask(url, "PUT", place, said)[0] == 413
    body, _ = file((MEGABYTES + 2) * 2**20)
    unsaid = {**headers, **kind, "Transfer-Encoding": "chunked"}
    parts = (body[at : at + 2**20] for at in range(0, len(body), 2**20))
    with suppress(BrokenPipeError, ConnectionResetError):  # where the server hangs up before the rest is sent
        assert ask(url, "PUT", place, unsaid, parts, encode_chunked=True)[0] == 413


TARGETS = ["etc/passwd", "streamlit_app.py", ".streamlit/config.toml", "pages/train.py", "secret.txt"]
LEAKS = [b"root:", b"set_page_config", b"allowedHosts", b"through_the_app", SECRET.encode(), b"Index of"]
STARTS = [
    "/",
    "//",
    "/media/",
    "/app/static/",
    "/static/",
    "/component/x/",
    "/_stcore/",
    "/~/+/",
    "/_stcore/bidi-components/x/",
    "/_stcore/upload_file/",
]
UPS = [
    "",
    "../",
    "../../../../../../",
    "..%2f..%2f..%2f..%2f",
    "%2e%2e/%2e%2e/%2e%2e/",
    "..%5c..%5c",
    "%252e%252e%252f",
    "..%c0%af..%c0%af",
    "....//....//",
    "%00/",
    "file:///",
]


@pytest.mark.parametrize("start", STARTS)
def test_no_address_leads_to_a_file(url: str, start: str) -> None:
    """Besides the app's own page, which the server gives for any name, nothing comes that lies on the disk."""
    for target in TARGETS:
        for up in UPS:
            for path in (start + up + target, start + up + str(ROOT).lstrip("/") + "/" + target):
                status, _, content = ask(url, "GET", path)
                assert not [leak for leak in LEAKS if leak in content], path
                assert status < 500, path
