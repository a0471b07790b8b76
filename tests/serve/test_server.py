"""A server as a process: who may ask it, how often and how slowly, and how it is started and ended."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests
import uvicorn

from benchmarks.serve import started
from cnnviz import images
from cnnviz.data.samples import sample
from cnnviz.explain.uncertainty.judgement_of_run import Known
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.load import load_run
from cnnviz.runs import open_run
from cnnviz.serve import server as serving
from cnnviz.serve import upload
from cnnviz.serve.application import application

TOKEN = "a-token-of-this-test"
PNG = images.to_png(sample("chelsea"))


def test_a_token_a_rate_and_an_end_that_finishes_what_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_TOKEN", TOKEN)
    with started("mnist", "--rate", "5") as server:
        base = f"http://127.0.0.1:{server.port}"

        def model(header: str | None) -> requests.Response:
            headers = {} if header is None else {"Authorization": header}
            return requests.get(f"{base}/model", headers=headers, timeout=60)

        assert requests.get(f"{base}/health", timeout=60).status_code == 200
        for wrong in (None, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"):
            refused = model(wrong.encode() if wrong else None)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN not in refused.text
        assert model(f"Bearer {TOKEN}").status_code == 200
        answers = [model(f"Bearer {TOKEN}") for _ in range(60)]
        many = [one for one in answers if one.status_code == 429]
        assert many, "60 requests in a moment are more than 5 a second and 10 at once"
        assert {one.status_code for one in answers} == {200, 429}
        assert int(many[0].headers["retry-after"]) >= 1
        assert "Too many requests" in many[0].json()["detail"]
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            # Half a request is in its hands when it is asked to end.
            head = (
                f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(PNG)}\r\n"
            )
            threading.Event().wait(2)  # for a token
            connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert b"100" in connection.recv(100), "it has begun to read the body"
            server.process.send_signal(signal.SIGTERM)
            connection.sendall(PNG)
            assert b" 200 " in connection.recv(4096)
        assert server.process.wait(60) == 0


def test_a_web_page_cannot_lead_a_browser_here_under_its_own_name(server) -> None:
    base = f"http://127.0.0.1:{server.port}"
    assert requests.get(f"{base}/health", headers={"Host": "evil.example"}, timeout=60).status_code == 421
    for name in ("localhost", "127.0.0.1:9", "[::1]:9", "LOCALHOST:1"):
        assert requests.get(f"{base}/health", headers={"Host": name}, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mnist", "--port", "70000"], "--port is '70000': expected a whole number of 0 to 65,535."),
        (["mnist", "--port", "x"], "--port is 'x': expected a whole number"),
        (["mnist", "--rate", "0"], "--rate is '0': expected a number of requests a second, at least 0.1."),
        (["mnist", "--rate", "nan"], "--rate is 'nan'"),
        (["mnist", "--token", "short"], "The token must have at least 8 letters"),
        (["mnist", "--host", "192.0.2.1", "--port", "0"], "Nothing can listen on 192.0.2.1, port 0"),
        (["no-such-run", "--port", "0"], "There is no run 'no-such-run'"),
    ],
)
def test_what_cannot_be_served_is_one_line(command, arguments: list[str], sentence: str) -> None:
    done = command("serve", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_named(command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("serve", "mnist", "--port", str(port))
    assert done.returncode == 2
    assert f"Nothing can listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)]
)
def test_a_token_is_made_where_others_can_reach_it(monkeypatch, host: str, loopback: bool) -> None:
    from cnnviz.commands.serve import _token

    monkeypatch.delenv("CNNVIZ_TOKEN", raising=False)
    assert serving.is_loopback(host) is loopback
    made = _token(None, needed=not loopback)
    assert (made is None) is loopback
    assert loopback or (len(made) > 30 and made != _token(None, needed=True))
    assert _token(TOKEN, needed=True) == TOKEN


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_run(open_run("mnist"))


@contextmanager
def in_this_process(classifier: Classifier) -> Iterator[int]:
    """A server whose times can be changed; gives its port."""
    listening = serving.listening_socket("127.0.0.1", 0)
    found = uvicorn.Server(serving.configuration(application(classifier, Known())))
    thread = threading.Thread(target=found.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        found.should_exit = True
        thread.join()


HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"


@pytest.mark.parametrize("sent", [b"", b"PO", HEAD, HEAD + b"\r\nab"], ids=["nothing", "word", "head", "body"])
def test_who_sends_too_slowly_is_hung_up_on(classifier: Classifier, monkeypatch, sent: bytes) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.5)
    with in_this_process(classifier) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_who_is_slow_with_an_image_is_told_so(classifier: Classifier, monkeypatch) -> None:
    monkeypatch.setattr(upload, "BODY_SECONDS", 0.3)
    with in_this_process(classifier) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(HEAD + b"\r\nab")
        assert b" 408 " in connection.recv(4096)


def test_all_that_is_held_at_once_is_bounded(classifier: Classifier, monkeypatch) -> None:
    monkeypatch.setattr(upload, "MOST_HELD", 3)
    with in_this_process(classifier) as port:
        for _ in range(2):
            assert requests.post(f"http://127.0.0.1:{port}/predict", data=b"abcd", timeout=60).status_code == 503
        for _ in range(3):  # what was held is let go
            assert requests.post(f"http://127.0.0.1:{port}/predict", data=b"abc", timeout=60).status_code == 422


def test_a_heat_map_that_takes_too_long_is_ended(classifier: Classifier, monkeypatch) -> None:
    monkeypatch.setattr("cnnviz.serve.application.MAP_SECONDS", -1)
    with in_this_process(classifier) as port:
        slow = requests.post(f"http://127.0.0.1:{port}/heatmap?method=occlusion", data=PNG, timeout=60)
        assert slow.status_code == 503
        assert "Occlusion takes more than" in slow.json()["detail"]


def test_who_is_quick_is_answered_again_and_again(classifier: Classifier) -> None:
    with in_this_process(classifier) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(3):
            connection.request("POST", "/predict", b"abcd")
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:10]) == (422, b'{"detail":')
        connection.close()
