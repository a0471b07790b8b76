"""A session as a browser would have it, without the browser: Streamlit's own messages over its own websocket.

It runs a page's script, keeps its widgets' values, repeats what the page asks to have repeated, fetches images and
uploads files. Whatever a person would see as an error is noted in `errors`.
"""

from __future__ import annotations

import asyncio
import urllib.request
import uuid
from collections.abc import Callable
from types import TracebackType

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

__all__ = ["Visitor"]

PATIENCE = 300.0
"""How long anything may take before it counts as an error, seconds."""
_LARGEST = 1 << 28
_WHOLE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Visitor:
    """One open page; `async with Visitor("http://127.0.0.1:8501", "predict", "run=…") as visitor: …`."""

    def __init__(self, url: str, page: str, query: str = ""):
        self._url, self._page, self._query = url, page, query
        self._repeated: dict[str, asyncio.Task] = {}
        self._fetched: set[str] = set()
        self._uploads: dict[str, asyncio.Future] = {}
        self._waiting: list[tuple[Callable[[ForwardMsg], bool], asyncio.Future]] = []
        self._background: set[asyncio.Task] = set()
        self._session, self._hash = "", ""
        self.ids: dict[str, str] = {}
        """The widgets' ids by their keys."""
        self.uploader = ""  # the id of the page's first place to drop files
        self.widgets: dict[str, WidgetState] = {}
        self.runs = self.elements = 0
        self.errors: list[str] = []

    async def __aenter__(self) -> Visitor:
        self._token = await asyncio.to_thread(self._cookie)
        address = self._url.replace("http", "ws", 1) + "/_stcore/stream"
        cookie = {"Cookie": f"_streamlit_xsrf={self._token}"}
        self._socket = await connect(
            address,
            additional_headers=cookie,
            origin=self._url,
            subprotocols=["streamlit", self._token],
            max_size=_LARGEST,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read())
        await self.run()
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for task in (*self._repeated.values(), *self._background, self._reader):
            task.cancel()
        await self._socket.close()

    def _cookie(self) -> str:
        with urllib.request.urlopen(f"{self._url}/_stcore/health", timeout=PATIENCE) as prediction:
            return prediction.headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    async def run(self) -> None:
        """Has the whole page run, and waits until it has."""
        await self.until(_finished, self._rerun())

    async def until(self, seen: Callable[[ForwardMsg], bool], doing=None) -> None:
        """Waits for a message, after doing something that brings it about.

        Raises:
            TimeoutError: it doesn't come, or nothing comes any more.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((seen, future))
        if doing is not None:
            await doing
        await asyncio.wait({future, self._reader}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            raise TimeoutError(f"what was to come didn't; errors so far: {self.errors}")

    async def open(self, key: str) -> None:
        """Opens a popover that has a key, and waits for the page's run."""
        self.widgets[key] = WidgetState(id=self.ids[key], bool_value=True)
        await self.run()

    async def press(self, key: str) -> None:
        """Presses a button that has a key, and waits for the page's run."""
        await self.until(_finished, self._rerun(pressed=WidgetState(id=self.ids[key], trigger_value=True)))

    async def settle(self) -> None:
        """Waits until the page repeats nothing any more, as it does while work goes on in the background.

        Raises:
            TimeoutError: it goes on and on.
        """
        quiet = 0
        async with asyncio.timeout(PATIENCE):
            while quiet < 10:  # a page is drawn anew a moment after its work has ended
                await asyncio.sleep(0.1)
                quiet = 0 if self._repeated else quiet + 1

    async def upload(self, name: str, data: bytes, key: str = "") -> None:
        """Drops a file on the place for files that has this key, without one on the page's first; the page's run that
        follows isn't waited for."""
        place = self.ids[key] if key else self.uploader
        request, message = uuid.uuid4().hex, BackMsg()
        message.file_urls_request.request_id = request
        message.file_urls_request.session_id = self._session
        message.file_urls_request.file_names.append(name)
        self._uploads[request] = asyncio.get_running_loop().create_future()
        await self._socket.send(message.SerializeToString())
        urls = await asyncio.wait_for(self._uploads[request], PATIENCE)
        del self._uploads[request]
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        state = WidgetState(id=place)
        file = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(data), file_id=urls.file_id)
        file.file_urls.CopyFrom(urls)
        self.widgets[place] = state
        await self._rerun()

    def _put(self, path: str, name: str, data: bytes) -> None:
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "X-Xsrftoken": self._token,
            "Cookie": f"_streamlit_xsrf={self._token}",
            "Origin": self._url,
        }
        body = head + data + f"\r\n--{mark}--\r\n".encode()
        request = urllib.request.Request(self._url + path, body, headers, method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    async def _rerun(self, fragment: str = "", pressed: WidgetState | None = None) -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = "" if self._hash else self._page
        message.rerun_script.page_script_hash = self._hash
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        states = [*self.widgets.values(), *filter(None, [pressed])]
        message.rerun_script.widget_states.widgets.extend(states)
        message.rerun_script.context_info.url = f"{self._url}/{self._page}"
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data)
            self._take(message)
            for one in [one for one in self._waiting if one[0](message)]:
                self._waiting.remove(one)
                if not one[1].done():
                    one[1].set_result(None)
        self.errors.append("The server closed the connection.")

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            start = message.new_session
            self._session = start.initialize.session_id or self._session
            self._hash = start.page_script_hash
            if not message.metadata.run.fragment_ids:  # the whole page begins anew
                self._stop_repeating(list(self._repeated))
        elif kind == "navigation":
            self._hash = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            fragment = message.auto_rerun.fragment_id
            self._stop_repeating([fragment])
            self._repeated[fragment] = asyncio.create_task(self._repeat(fragment, message.auto_rerun.interval))
        elif kind == "stop_auto_rerun":
            self._stop_repeating(message.stop_auto_rerun.fragment_ids)
        elif kind == "file_urls_response":
            self._uploads[message.file_urls_response.response_id].set_result(message.file_urls_response.file_urls[0])
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            self.errors.append("There is no such page.")
        elif kind == "script_finished":
            self.runs += message.script_finished in _WHOLE
        elif kind == "delta":
            if message.delta.WhichOneof("type") == "new_element":
                self._see(message.delta.new_element)
            elif message.delta.add_block.HasField("popover"):
                self._note(message.delta.add_block.popover)

    def _note(self, widget) -> None:
        if key := widget.id.partition("$$ID-")[2].partition("-")[2]:
            self.ids[key] = widget.id

    def _see(self, element) -> None:
        self.elements += 1
        kind = element.WhichOneof("type")
        if kind in ("file_uploader", "button"):
            self._note(getattr(element, kind))
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind == "file_uploader" and not self.uploader:
            self.uploader = element.file_uploader.id
        elif kind == "imgs":
            for image in element.imgs.imgs:
                if image.url.startswith("/") and image.url not in self._fetched:
                    self._fetched.add(image.url)
                    task = asyncio.create_task(asyncio.to_thread(self._fetch, image.url))
                    self._background.add(task)
                    task.add_done_callback(self._background.discard)

    def _fetch(self, path: str) -> None:
        try:
            with urllib.request.urlopen(self._url + path, timeout=PATIENCE) as prediction:
                prediction.read()
        except OSError as error:
            self.errors.append(f"{path}: {error}")

    async def _repeat(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(fragment)

    def _stop_repeating(self, fragments) -> None:
        for fragment in fragments:
            if (task := self._repeated.pop(fragment, None)) is not None:
                task.cancel()


def _finished(message: ForwardMsg) -> bool:
    """Whether a whole page has run to its end."""
    return message.WhichOneof("type") == "script_finished" and (
        message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )
