"""What a resource or a prompt gives, held to the budget of its server: contents and messages are shortened like the
content of a tool's result. A text that is JSON stays JSON."""

from typing import Any

import orjson

from tradepost.hub.gateway.shortening.cutting import cut, cut_blocks, text_of, with_text
from tradepost.hub.gateway.shortening.shorten import WORDS_BYTES, Shortened, with_pieces
from tradepost.hub.gateway.sizes import Json, fair_share, size_of_block

LISTS = ("contents", "messages")


def list_in(result: Json) -> str | None:
    """The name of the list that a resource ("contents") or a prompt ("messages") has given; None for anything else."""
    return next((name for name in LISTS if isinstance(result.get(name), list)), None)


def size_of_contents(result: Json) -> int:
    """Bytes of all that a model may be shown of it."""
    name = list_in(result)
    return 0 if name is None else sum(size_of_block(_block(one)) for one in result[name])


def shorten_contents(result: Json, room: int) -> Shortened:
    """The same in about `room` bytes."""
    name = list_in(result) or LISTS[0]
    blocks = [_block(one) for one in result[name]]
    sizes = [size_of_block(block) for block in blocks]
    share = fair_share(sizes, room - WORDS_BYTES)
    parts: list[Json] = []
    kept: list[Any] = []
    for place, (one, block, size) in enumerate(zip(result[name], blocks, sizes, strict=True)):
        shown = block if size <= share else _cut(block, share, f"/{name}/{place}", parts)
        if shown is not None:
            kept.append(one if shown is block else _as_it_was(one, shown))
    return with_pieces({**result, name: kept}, parts, room)


def with_words(result: Json, words: str) -> Json:
    """The result with a last entry that says what is left out."""
    name = list_in(result) or LISTS[0]
    said: Json = {"role": "user", "content": {"type": "text", "text": words}}
    if name == "contents":
        uri = next((one["uri"] for one in result[name] if isinstance(one, dict) and "uri" in one), "rest:")
        said = {"uri": uri, "mimeType": "text/plain", "text": words}
    return {**result, name: [*result[name], said]}


def _cut(block: Json, room: int, path: str, parts: list[Json]) -> Json | None:
    """The beginning of a block, None where nothing of it fits; the rest goes to the parts."""
    text = text_of(block)
    value = _json(text)
    if text is not None and value is not None:
        around = size_of_block(with_text(block, ""))
        return with_text(block, orjson.dumps(cut(value, max(room - around, 0), f"{path}/text", parts)).decode())
    own: list[Json] = []
    shown = cut_blocks([block], room, own)
    parts.extend({**part, "path": path} for part in own)
    return shown[0] if shown else None


def _json(text: str | None) -> Any:
    if text is None or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _block(one: Any) -> Json:
    """A content or a message as a content block."""
    if not isinstance(one, dict):
        return {"type": "text", "text": str(one)}
    if isinstance(one.get("content"), dict):
        return dict(one["content"])
    return {"type": "resource", "resource": one}


def _as_it_was(one: Any, block: Json) -> Any:
    if not isinstance(one, dict):
        return block["text"]
    return {**one, "content": block} if isinstance(one.get("content"), dict) else dict(block["resource"])
