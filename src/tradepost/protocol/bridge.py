"""A stdio client to a running hub: lines of JSON-RPC in, HTTP out, answers back as lines.

For desktop clients that only start a command. The bridge adds the bearer and what HTTP needs (version, method and name
headers, the session of the older eras) and changes nothing else. Only MCP goes to stdout.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from tradepost.foundation.errors import SetupError

Json = dict[str, Any]

CONNECT_SECONDS = 3.0
CALL_SECONDS = 330.0
MAX_LINE = 8 * 1024 * 1024
_VERSION_META = "io.modelcontextprotocol/protocolVersion"
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
INTERNAL_ERROR = -32603
PARSE_ERROR = -32700


class Bridge:
    """One client on stdio, one hub behind `url`."""

    def __init__(self, url: str, bearer: str, client: httpx2.AsyncClient) -> None:
        self._url = url
        self._bearer = bearer
        self._client = client
        self._session: str | None = None
        self._version: str | None = None

    async def forward(self, line: bytes) -> list[bytes]:
        """The hub's answers to one line, each a line without its end."""
        try:
            message = json.loads(line)
        except ValueError:
            return [_error(None, PARSE_ERROR, "The line is not valid JSON.")]
        if not isinstance(message, dict):
            return [_error(None, PARSE_ERROR, "Send one JSON-RPC message per line.")]
        request_id = message.get("id")
        try:
            response = await self._client.post(self._url, content=line, headers=self._headers(message))
        except httpx2.TimeoutException:
            return _if_request(request_id, "The hub did not answer in time.")
        except httpx2.HTTPError as error:
            return _if_request(request_id, f"No hub answers at {self._url}: {error}. Start it with `tradepost serve`.")
        self._remember(message, response)
        return _answers(response, request_id)

    def _headers(self, message: Json) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._bearer}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        method, params = message.get("method"), message.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        modern = meta.get(_VERSION_META) if isinstance(meta, dict) else None
        if isinstance(modern, str):
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

    def _remember(self, message: Json, response: httpx2.Response) -> None:
        if message.get("method") != "initialize" or response.status_code != 200:
            return
        self._session = response.headers.get("mcp-session-id")
        for line in _answers(response, message.get("id")):
            result = json.loads(line).get("result")
            if isinstance(result, dict) and isinstance(result.get("protocolVersion"), str):
                self._version = result["protocolVersion"]


async def run_bridge(url: str, bearer: str) -> None:
    """Serve stdin and stdout until stdin closes. Raises SetupError when the hub is not there or refuses the key."""
    timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(timeout=timeout, trust_env=False) as client:
        await _check(client, url, bearer)
        bridge = Bridge(url, bearer, client)
        out = asyncio.Lock()
        running: set[asyncio.Task[None]] = set()

        async def answer(line: bytes) -> None:
            for text in await bridge.forward(line):
                async with out:
                    sys.stdout.buffer.write(text + b"\n")
                    sys.stdout.buffer.flush()

        async for line in _lines():
            if b'"initialize"' in line:
                await answer(line)  # its session must be known before anything else goes out
                continue
            task = asyncio.create_task(answer(line))
            running.add(task)
            task.add_done_callback(running.discard)
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


def _answers(response: httpx2.Response, request_id: Any) -> list[bytes]:
    if response.status_code == 202 or not response.content:
        if response.status_code >= 400:
            return _if_request(request_id, f"The hub answered HTTP {response.status_code}.")
        return []
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        events = [line[5:].strip() for line in response.text.splitlines() if line.startswith("data:")]
        return [event.encode() for event in events if event]
    try:
        answer = json.loads(response.content)
    except ValueError:
        return _if_request(request_id, f"The hub answered HTTP {response.status_code} without JSON.")
    if isinstance(answer, dict) and answer.get("id") is None and request_id is not None:
        answer["id"] = request_id  # refused before its id was read
    return [json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()]


def _if_request(request_id: Any, sentence: str) -> list[bytes]:
    return [] if request_id is None else [_error(request_id, INTERNAL_ERROR, sentence)]


def _error(request_id: Any, code: int, sentence: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": sentence}}).encode()


def _header_value(text: str) -> str:
    plain = text.isascii() and text.isprintable() and text == text.strip() and not text.startswith("=?base64?")
    return text if plain else "=?base64?" + base64.b64encode(text.encode()).decode() + "?="
