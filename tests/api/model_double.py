"""What stands in for language models on a real socket: OpenAI's chat completions and Anthropic's messages, streamed.

A test says what is answered to what: the `moves` of a model are taken in turn, one per request. What was asked is kept.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """One answer: words, calls of tools (name, arguments as an object or as raw text), or an error of this status. The
    calls have `ids` where a test minds them. All that share `after` are answered together; `until` is waited for; `cut`
    breaks off after the first words, and `breaks` says in the middle of the stream that something went wrong."""

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    ids: Sequence[str] = ()
    status: int = 200
    error: str = "server_error"
    message: str = "no"
    after: asyncio.Barrier | None = None
    until: asyncio.Event | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    breaks: bool = False


@dataclass
class Models:
    """`moves[name]` are the answers of the model `name`; the last one is repeated. `asked[name]` are the requests."""

    moves: dict[str, list[Move]] = field(default_factory=dict)
    asked: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/messages", self._messages, methods=["POST"]),
            ]
        )

    async def _next(self, request: Request) -> tuple[Json, Move]:
        asked = await request.json()
        name = asked["model"]
        self.asked[name].append(asked)
        moves = self.moves[name]
        move = moves.pop(0) if len(moves) > 1 else moves[0]
        if move.after is not None:
            await move.after.wait()
        if move.until is not None:
            await move.until.wait()
        return asked, move

    async def _chat(self, request: Request) -> Response:
        asked, move = await self._next(request)
        if move.status != 200:
            error = {"message": move.message, "type": move.error, "code": move.error}
            where = {"location": "/v1/messages"} if move.status < 400 else {}
            return JSONResponse({"error": error}, move.status, {**where, **move.headers})
        if asked.get("stream"):
            return _streamed(_chat_stream(asked["model"], move), move)
        message = {"role": "assistant", "content": move.text or None, "tool_calls": _chat_calls(move) or None}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if move.calls else "stop"}
        return JSONResponse(
            {**_chat_head(asked["model"]), "object": "chat.completion", "choices": [choice], "usage": USAGE}
        )

    async def _messages(self, request: Request) -> Response:
        asked, move = await self._next(request)
        if move.status != 200:
            said = {"type": "error", "error": {"type": move.error, "message": move.message}}
            return JSONResponse(said, move.status, dict(move.headers))
        if asked.get("stream"):
            return _streamed(_messages_stream(asked["model"], move), move)
        return JSONResponse({**_message_head(asked["model"]), "content": _blocks(move), "stop_reason": _stop(move)})


USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


BROKEN_CHAT = 'data: {"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}}\n\n'
BROKEN_MESSAGES = (
    'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n'
)


def _streamed(pieces: AsyncIterator[str], move: Move) -> Response:
    async def written() -> AsyncIterator[str]:
        number = 0
        async for piece in pieces:
            number += 1
            if number == 4 and move.breaks:
                yield BROKEN_MESSAGES if piece.startswith("event:") else BROKEN_CHAT
                return
            if number == 4 and move.cut:
                await asyncio.sleep(0)  # what was written is on its way
                raise ConnectionResetError("the model's server went away")
            yield piece

    return StreamingResponse(written(), media_type="text/event-stream")


def _chat_head(model: str) -> Json:
    return {"id": "chatcmpl-1", "created": 1_790_000_000, "model": model}


def _chat_calls(move: Move) -> list[Json]:
    return [
        {
            "index": at,
            "id": move.ids[at] if move.ids else f"call_{at}_{name}",
            "type": "function",
            "function": {"name": name, "arguments": _raw(given)},
        }
        for at, (name, given) in enumerate(move.calls)
    ]


def _raw(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


async def _chat_stream(model: str, move: Move) -> AsyncIterator[str]:
    head = {**_chat_head(model), "object": "chat.completion.chunk"}
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in move.text.split(" ") if move.text]
    deltas += [{"tool_calls": [call]} for call in _chat_calls(move)]
    for delta in deltas:
        yield f"data: {json.dumps({**head, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"
    end = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if move.calls else "stop"}
    yield f"data: {json.dumps({**head, 'choices': [end], 'usage': USAGE})}\n\n"
    yield "data: [DONE]\n\n"


def _message_head(model: str) -> Json:
    usage = {"input_tokens": 100, "output_tokens": 20}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_sequence": None,
        "usage": usage,
    }


def _blocks(move: Move) -> list[Json]:
    blocks: list[Json] = [{"type": "text", "text": move.text}] if move.text else []
    return blocks + [
        {"type": "tool_use", "id": move.ids[at] if move.ids else f"toolu_{at}_{name}", "name": name, "input": given}
        for at, (name, given) in enumerate(move.calls)
    ]


def _stop(move: Move) -> str:
    return "tool_use" if move.calls else "end_turn"


async def _messages_stream(model: str, move: Move) -> AsyncIterator[str]:
    def event(kind: str, **data: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"

    yield event("message_start", message={**_message_head(model), "content": [], "stop_reason": None})
    for at, block in enumerate(_blocks(move)):
        if block["type"] == "text":
            yield event("content_block_start", index=at, content_block={"type": "text", "text": ""})
            yield event("content_block_delta", index=at, delta={"type": "text_delta", "text": block["text"]})
        else:
            yield event("content_block_start", index=at, content_block={**block, "input": {}})
            piece = {"type": "input_json_delta", "partial_json": _raw(block["input"])}
            yield event("content_block_delta", index=at, delta=piece)
        yield event("content_block_stop", index=at)
    yield event("message_delta", delta={"stop_reason": _stop(move), "stop_sequence": None}, usage={"output_tokens": 20})
    yield event("message_stop")
