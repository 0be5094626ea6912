"""A stdio client to a running hub: lines of JSON-RPC in, HTTP out, answers back as lines.

For desktop clients that only start a command. The bridge adds the bearer and what HTTP needs (version, method and name
headers, the session of the older eras) and changes nothing else. What the hub streams goes on as it comes; a request of
the newer era ends when the client cancels it, and a session that subscribes gets its stream. Only MCP goes to stdout.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx2

from tradepost.foundation.errors import SetupError
from tradepost.protocol.tasks import TASK_METHODS

Json = dict[str, Any]

CONNECT_SECONDS = 3.0
CALL_SECONDS = 330.0
REOPEN_SECONDS = 1.0
MAX_LINE = 8 * 1024 * 1024
_LISTEN = "subscriptions/listen"
_SUBSCRIBE = "resources/subscribe"
_VERSION_META = "io.modelcontextprotocol/protocolVersion"
_NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(TASK_METHODS, "taskId"),
}
INTERNAL_ERROR = -32603
PARSE_ERROR = -32700


class Bridge:
    """One client on stdio, one hub behind `url`. `write` takes the hub's messages, each a line without its end."""

    def __init__(self, url: str, bearer: str, client: httpx2.AsyncClient, write: Callable[[bytes], Awaitable[None]]):
        self._url = url
        self._bearer = bearer
        self._client = client
        self._write = write
        self._session: str | None = None
        self._version: str | None = None
        self._under_way: dict[str, asyncio.Task[Any]] = {}  # requests of the newer era
        self._listening: set[asyncio.Task[Any]] = set()
        self._stream: asyncio.Task[None] | None = None

    async def forward(self, line: bytes) -> None:
        """Send one line of the client to the hub, and write all that the hub answers."""
        try:
            message = json.loads(line)
        except ValueError:
            await self._write(_error(None, PARSE_ERROR, "The line is not valid JSON."))
            return
        if not isinstance(message, dict):
            await self._write(_error(None, PARSE_ERROR, "Send one JSON-RPC message per line."))
            return
        method, request_id = message.get("method"), message.get("id")
        if method == "notifications/cancelled" and self._cancel(message.get("params")):
            return  # over HTTP, closing the stream is the cancelation
        task = asyncio.current_task()
        if request_id is not None and _version_of(message) is not None and task is not None:
            named = json.dumps(request_id)
            self._under_way[named] = task
            task.add_done_callback(lambda _: self._under_way.pop(named, None))
            if method == _LISTEN:
                self._listening.add(task)
                task.add_done_callback(self._listening.discard)
        async for answer in self._answers(message, line):
            await self._write(answer)
        if method == _SUBSCRIBE and self._session is not None and self._stream is None:
            self._stream = asyncio.create_task(self._follow_session())

    def stop_listening(self) -> None:
        """Close what would stay open: the client is gone."""
        for task in [*self._listening, self._stream]:
            if task is not None:
                task.cancel()

    async def _answers(self, message: Json, line: bytes) -> AsyncIterator[bytes]:
        request_id = message.get("id")
        try:
            async with self._client.stream("POST", self._url, content=line, headers=self._headers(message)) as response:
                async for answer in _messages(response, request_id):
                    if message.get("method") == "initialize":
                        self._remember(response, answer)
                    yield answer
            return
        except httpx2.TimeoutException:
            sentence = "The hub did not answer in time."
        except httpx2.HTTPError as error:
            sentence = f"No hub answers at {self._url}: {error}. Start it with `tradepost serve`."
        for answer in _if_request(request_id, sentence):
            yield answer

    async def _follow_session(self) -> None:
        """Write what comes on the session's own stream, opened again when it breaks, as long as there is a session."""
        while True:
            headers = {**self._headers({}), "Accept": "text/event-stream"}
            with suppress(httpx2.HTTPError):
                async with self._client.stream("GET", self._url, headers=headers) as response:
                    if response.status_code != 200:
                        self._stream = None
                        return
                    async for said in _events(response):
                        await self._write(said)
            await asyncio.sleep(REOPEN_SECONDS)

    def _cancel(self, params: Any) -> bool:
        named = json.dumps(params.get("requestId")) if isinstance(params, dict) else ""
        task = self._under_way.get(named)
        return task is not None and task.cancel()

    def _headers(self, message: Json) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._bearer}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        method, params = message.get("method"), message.get("params")
        modern = _version_of(message)
        if modern is not None:
            headers["MCP-Protocol-Version"] = modern
            headers["Mcp-Method"] = _header_value(str(method))
            name = params.get(_NAMED.get(str(method), "")) if isinstance(params, dict) else None
            if isinstance(name, str):
                headers["Mcp-Name"] = _header_value(name)
            return headers
        if method != "initialize":
            if self._session:
                headers["Mcp-Session-Id"] = self._session
            if self._version:
                headers["MCP-Protocol-Version"] = self._version
        return headers

    def _remember(self, response: httpx2.Response, answer: bytes) -> None:
        result = json.loads(answer).get("result")
        if response.status_code == 200 and isinstance(result, dict):
            self._session = response.headers.get("mcp-session-id")
            version = result.get("protocolVersion")
            self._version = version if isinstance(version, str) else None


async def run_bridge(url: str, bearer: str) -> None:
    """Serve stdin and stdout until stdin closes. Raises SetupError when the hub is not there or refuses the key."""
    timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(timeout=timeout, trust_env=False) as client:
        await _check(client, url, bearer)
        running: set[asyncio.Task[None]] = set()
        bridge = Bridge(url, bearer, client, _write)
        async for line in _lines():
            if b'"initialize"' in line:
                await bridge.forward(line)  # its session must be known before anything else goes out
                continue
            task = asyncio.create_task(bridge.forward(line))
            running.add(task)
            task.add_done_callback(running.discard)
        bridge.stop_listening()
        if running:
            await asyncio.wait(running)


async def _check(client: httpx2.AsyncClient, url: str, bearer: str) -> None:
    body = b'{"jsonrpc":"2.0","id":0,"method":"tools/list"}'
    headers = {
        "Authorization": f"Bearer {bearer}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    try:
        response = await client.post(url, content=body, headers=headers)
    except httpx2.HTTPError as error:
        raise SetupError(
            f"No hub answers at {url} ({error or type(error).__name__}).",
            hint="Start it with `tradepost demo` or `tradepost serve`.",
        ) from error
    if response.status_code == 401:
        raise SetupError("The hub refuses this key.", hint="Mint a new one: `tradepost key mint --agent NAME`.")


async def _lines() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line.strip():
            yield line.strip()


async def _write(message: bytes) -> None:
    sys.stdout.buffer.write(message + b"\n")
    sys.stdout.buffer.flush()


async def _messages(response: httpx2.Response, request_id: Any) -> AsyncIterator[bytes]:
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        async for event in _events(response):
            yield event
        return
    body = await response.aread()
    if response.status_code == 202 or not body:
        if response.status_code >= 400:
            for answer in _if_request(request_id, f"The hub answered HTTP {response.status_code}."):
                yield answer
        return
    yield _whole(response.status_code, body, request_id)


async def _events(response: httpx2.Response) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")  # by newlines alone: JSON may hold the other ends of lines
        for line in lines:
            if line.startswith(b"data:") and line[5:].strip():
                yield line[5:].strip()


def _whole(status: int, body: bytes, request_id: Any) -> bytes:
    """An answer that is one JSON document, on one line."""
    try:
        answer = json.loads(body)
    except ValueError:
        return _error(request_id, INTERNAL_ERROR, f"The hub answered HTTP {status} without JSON.")
    if isinstance(answer, dict) and answer.get("id") is None and request_id is not None:
        answer["id"] = request_id  # refused before its id was read
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _version_of(message: Json) -> str | None:
    """The version that a message of the newer era names."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    version = meta.get(_VERSION_META) if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None


def _if_request(request_id: Any, sentence: str) -> list[bytes]:
    return [] if request_id is None else [_error(request_id, INTERNAL_ERROR, sentence)]


def _error(request_id: Any, code: int, sentence: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": sentence}}).encode()


def _header_value(text: str) -> str:
    plain = text.isascii() and text.isprintable() and text == text.strip() and not text.startswith("=?base64?")
    return text if plain else "=?base64?" + base64.b64encode(text.encode()).decode() + "?="
