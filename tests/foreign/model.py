"""What stands in for a language model: it speaks the two protocols that Codex and Claude Code speak to theirs
(Responses and Messages, streamed), asks for one tool, and then says that it is done. What it
was told the tool said is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Json = dict[str, Any]
ORDER = "get_order", {"order_id": "88213"}


class Model(ThreadingHTTPServer):
    """Listens on loopback. `told` has what tools said, as the programs passed it on, oldest first."""

    daemon_threads = True

    def __init__(self, tool: str, arguments: Json) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.tool = tool
        self.arguments = json.dumps(arguments)
        self.told: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def model(tool: str, arguments: Json) -> Iterator[Model]:
    """One that wants to call this tool, and answers until the end of the block."""
    server = Model(tool, arguments)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the programs say what they miss."""

    def do_GET(self) -> None:
        self._answer(b"{}", 404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        if path.endswith("/responses"):
            events = _responses(asked, self.server)
        elif path.endswith("/messages"):
            events = _messages(asked, self.server)
        else:
            return self._answer(b"{}", 404)
        said = [f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" for name, data in events]
        self._answer("".join(said).encode(), 200, "text/event-stream")

    def _answer(self, body: bytes, status: int, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _responses(asked: Json, model: Model) -> list[tuple[str, Json]]:
    """OpenAI's Responses: the tools of one MCP server stand in a namespace of its name."""
    results = [item for item in asked["input"] if item.get("type") == "function_call_output"]
    spaces = [
        tool["name"] for tool in asked["tools"] if tool.get("type") == "namespace" and "tradepost" in tool["name"]
    ]
    if results or not spaces:
        model.told += [json.dumps(item["output"]) for item in results]
        text = {"type": "output_text", "text": "Done."}
        item: Json = {"type": "message", "role": "assistant", "id": "m", "content": [text]}
    else:
        call = {"call_id": "c", "namespace": spaces[0], "name": model.tool, "arguments": model.arguments}
        item = {"type": "function_call", "id": "f", **call}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    return [
        ("response.created", {"response": {"id": "r", "status": "in_progress"}}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": {"id": "r", "status": "completed", "output": [item], "usage": usage}}),
    ]


def _messages(asked: Json, model: Model) -> list[tuple[str, Json]]:
    """Anthropic's Messages."""
    last = asked["messages"][-1]["content"]
    parts = last if isinstance(last, list) else []
    results = [part for part in parts if part.get("type") == "tool_result"]
    names = [tool["name"] for tool in asked.get("tools", ()) if tool["name"].endswith(f"__{model.tool}")]
    if results or not names:
        model.told += [json.dumps(part["content"]) for part in results]
        block: Json = {"type": "text", "text": ""}
        delta, stop = {"type": "text_delta", "text": "Done."}, "end_turn"
    else:
        block = {"type": "tool_use", "id": "toolu_1", "name": names[0], "input": {}}
        delta, stop = {"type": "input_json_delta", "partial_json": model.arguments}, "tool_use"
    usage = {"input_tokens": 1, "output_tokens": 1}
    begun = {"id": "m", "type": "message", "role": "assistant", "model": asked["model"], "content": []}
    return [
        ("message_start", {"message": {**begun, "stop_reason": None, "usage": usage}}),
        ("content_block_start", {"index": 0, "content_block": block}),
        ("content_block_delta", {"index": 0, "delta": delta}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": stop}, "usage": {"output_tokens": 1}}),
        ("message_stop", {}),
    ]
