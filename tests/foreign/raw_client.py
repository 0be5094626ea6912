"""A client that keeps all it is told as it was written: for comparing a server with the same server behind the hub.

It answers every question in the same way, and asks for progress and for all log messages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import Any, Self

import httpx2

Json = dict[str, Any]
Era = str  # "legacy" or "modern"
ERAS = ("legacy", "modern")
TOKEN = "progress-1"
MOST_ROUNDS = 4
_MODERN = "2026-07-28"
_LEGACY = "2025-11-25"
_META = "io.modelcontextprotocol/"
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_CAPABILITIES: Json = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}


class RawClient:
    """One client of one URL in one era, with a bearer or without one."""

    def __init__(self, url: str, era: Era, key: str | None = None) -> None:
        self._url = url
        self._era = era
        bearer = {"authorization": f"Bearer {key}"} if key else {}
        accept = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        self._http = httpx2.Client(headers={**accept, **bearer}, timeout=60, trust_env=False)
        self._ids = count(1)
        self._session: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._era == "legacy":
            params = {"protocolVersion": _LEGACY, "capabilities": _CAPABILITIES, "clientInfo": _INFO}
            answer, head = self._once("initialize", params, [])
            assert "result" in answer, answer
            self._session = {"mcp-protocol-version": answer["result"]["protocolVersion"]}
            if "mcp-session-id" in head:
                self._session["mcp-session-id"] = head["mcp-session-id"]
            self._notify("notifications/initialized")
            self._once("logging/setLevel", {"level": "debug"}, [])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if "mcp-session-id" in self._session:
            self._http.delete(self._url, headers=self._session)
        self._http.close()

    def told(self, method: str, **params: Any) -> list[Json]:
        """All messages that a request leads to: what is said and asked meanwhile, and the response. Questions of the
        newer era are answered by further requests, whose messages follow; a few times, for who asks without end."""
        heard: list[Json] = []
        for _ in range(MOST_ROUNDS):
            answer, _head = self._once(method, params, heard)
            heard.append(answer)
            result = answer.get("result", {})
            if result.get("resultType") != "input_required":
                return heard
            asked = result.get("inputRequests", {})
            params["inputResponses"] = {name: answer_to(question) for name, question in asked.items()}
            if "requestState" in result:
                params["requestState"] = result["requestState"]
        return heard

    def result(self, method: str, **params: Any) -> Json:
        """The result of a request. Fails the test on an error."""
        answer = self.told(method, **params)[-1]
        assert "result" in answer, answer
        return dict(answer["result"])

    def _once(self, method: str, params: Json, heard: list[Json]) -> tuple[Json, httpx2.Headers]:
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": self._params(method, params)}
        headers = self._headers(method, params)
        with self._http.stream("POST", self._url, json=message, headers=headers) as response:
            for said in _messages(response):
                if said.get("id") == message["id"] and "method" not in said:
                    return said, response.headers
                heard.append(said)
                if "id" in said:
                    reply = {"jsonrpc": "2.0", "id": said["id"], "result": answer_to(said)}
                    assert self._http.post(self._url, json=reply, headers=self._session).status_code == 202
        raise AssertionError(f"{method} was not answered: HTTP {response.status_code}, {heard}")

    def _notify(self, method: str) -> None:
        sent = self._http.post(self._url, json={"jsonrpc": "2.0", "method": method}, headers=self._session)
        assert sent.status_code == 202, sent.text

    def _params(self, method: str, params: Json) -> Json:
        meta: Json = {"progressToken": TOKEN} if method == "tools/call" else {}
        if self._era == "modern":
            meta[f"{_META}protocolVersion"] = _MODERN
            meta[f"{_META}clientCapabilities"] = _CAPABILITIES
            meta[f"{_META}clientInfo"] = _INFO
            meta[f"{_META}logLevel"] = "debug"
        return {**params, "_meta": meta} if meta else params

    def _headers(self, method: str, params: Json) -> dict[str, str]:
        if self._era == "legacy":
            return self._session
        headers = {"mcp-protocol-version": _MODERN, "mcp-method": method}
        if method in _NAMED:
            name = str(params[_NAMED[method]])
            plain = name.isascii() and name.isprintable()
            headers["mcp-name"] = name if plain else f"=?base64?{base64.b64encode(name.encode()).decode()}?="
        return headers


_INFO = {"name": "comparing", "version": "1"}


@contextmanager
def both(direct: str, through: str, key: str, era: Era) -> Iterator[tuple[RawClient, RawClient]]:
    """A client of the server itself, and one of the same server behind the hub."""
    with RawClient(direct, era) as first, RawClient(through, era, key) as second:
        yield first, second


def answer_to(question: Json) -> Json:
    """What a client always answers."""
    params = question.get("params") or {}
    if question["method"] == "roots/list":
        return {"roots": [{"uri": "file:///shop", "name": "shop"}]}
    if question["method"] == "sampling/createMessage":
        content = {"type": "text", "text": "Paris"}
        return {"role": "assistant", "content": content, "model": "model-1", "stopReason": "endTurn"}
    if question["method"] == "ping":
        return {}
    if params.get("mode") == "url":
        return {"action": "accept"}
    fields = params.get("requestedSchema", {}).get("properties", {})
    filled = {name: field.get("default", _VALUES.get(field.get("type"), "Ada")) for name, field in fields.items()}
    return {"action": "accept", "content": filled}


_VALUES: Json = {"boolean": True, "integer": 7, "number": 1.5, "array": []}


def _messages(response: httpx2.Response) -> Iterator[Json]:
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        body = response.read()
        if body:
            yield json.loads(body)
        return
    data: list[str] = []
    for line in response.iter_lines():
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            text, data = "\n".join(data), []
            if text.strip():
                yield json.loads(text)
