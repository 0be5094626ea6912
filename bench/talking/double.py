"""A language model's stand-in, a process of its own: chat completions, streamed at once.

`python -m bench.talking.double PORT` serves. A model's name says what it does: `tools-N` asks for `now` N times,
once per answer, then answers in words; `hold-N` waits with its answer until N requests are there at the same moment.
`GET /figures` says how many answers there were, the most that were held at once, and what was asked last.
"""

import asyncio
import sys
from typing import Any

import orjson

WORDS = 40  # pieces that an answer in words is streamed in
PATIENCE_SECONDS = 120.0
_USAGE = {"prompt_tokens": 1_000, "completion_tokens": WORDS, "total_tokens": 1_000 + WORDS}

Json = dict[str, Any]


class Double:
    """Answers any number of connections, one request after the other on each."""

    def __init__(self) -> None:
        self._answers = self._held = self._most_held = 0
        self._last: Json = {}
        self._all_are_there = asyncio.Event()

    async def serve(self, port: int) -> None:
        """Until the process ends."""
        async with await asyncio.start_server(self._client, "127.0.0.1", port, backlog=1_000) as server:
            await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    figures = {"answers": self._answers, "most_held": self._most_held, "last": self._last}
                    writer.write(_answer(orjson.dumps(figures), b"application/json"))
                    continue
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                asked = self._last = orjson.loads(await reader.readexactly(length))
                await self._wait(asked["model"])
                writer.write(_answer(_stream(asked), b"text/event-stream"))
                self._answers += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _wait(self, model: str) -> None:
        kind, _, count = model.partition("-")
        if kind != "hold":
            return
        self._held += 1
        self._most_held = max(self._most_held, self._held)
        if self._held >= int(count):
            self._all_are_there.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._all_are_there.wait()
        self._held -= 1


def _answer(body: bytes, kind: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


def _stream(asked: Json) -> bytes:
    kind, _, count = asked["model"].partition("-")
    made = _made_since(asked["messages"])
    if kind == "tools" and made < int(count):
        call = {"name": "now", "arguments": orjson.dumps({"zone": f"Etc/GMT+{made % 12}"}).decode()}
        deltas: list[Json] = [
            {"tool_calls": [{"index": 0, "id": f"call_{made}", "type": "function", "function": call}]}
        ]
        end = "tool_calls"
    else:
        deltas = [{"content": f"word{number} "} for number in range(WORDS)]
        end = "stop"
    choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": end})
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": asked["model"]}
    chunks: list[Json] = [{**head, "choices": [one]} for one in choices]
    chunks.append({**head, "choices": [], "usage": _USAGE})
    return b"".join(b"data: %s\n\n" % orjson.dumps(one) for one in chunks) + b"data: [DONE]\n\n"


def _made_since(messages: list[Json]) -> int:
    """The results of tools since the person said something."""
    made = 0
    for message in messages:
        made = 0 if message["role"] == "user" else made + (message["role"] == "tool")
    return made


if __name__ == "__main__":
    asyncio.run(Double().serve(int(sys.argv[1])))
