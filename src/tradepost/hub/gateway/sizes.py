"""How much a result is for the model that reads it, in bytes of JSON; four of them are about one token."""

import json
from collections.abc import Iterable
from typing import Any

import orjson

from tradepost.hub.audit.keeping import BYTES_PER_TOKEN

Json = dict[str, Any]

# What a model makes of a picture does not grow with its bytes: about as much as a page of text, whatever its size. What
# it cannot look at (sound, other files) is never written out for it either.
ATTACHMENT_BYTES = 1_600 * BYTES_PER_TOKEN


def size_of(value: Any) -> int:
    """Bytes of a value as JSON."""
    try:
        return len(orjson.dumps(value))
    except TypeError:  # an integer that only Python writes, or half a character
        return len(json.dumps(value))


def size_of_block(block: Json) -> int:
    """The same of a content block; encoded bytes count as an attachment at most."""
    encoded = _encoded(block)
    if len(encoded) <= ATTACHMENT_BYTES:
        return size_of(block)
    return size_of(_without_bytes(block)) + ATTACHMENT_BYTES


def size_of_result(result: Json) -> int:
    """The same of all that a model may be shown of a result; its `_meta` is for programs."""
    structured = result.get("structuredContent")
    return sum(map(size_of_block, result.get("content", ()))) + (0 if structured is None else size_of(structured))


def tokens(size: int) -> int:
    """About how many tokens so many bytes are."""
    return -(-size // BYTES_PER_TOKEN)


def fair_share(sizes: Iterable[int], room: int) -> int:
    """The most that each of several may take so that all fit, if those that need less take no more than they need."""
    ordered = sorted(sizes)
    for place, size in enumerate(ordered):
        share = room // (len(ordered) - place)
        if size > share:
            return max(share, 0)
        room -= size
    return ordered[-1] if ordered else room


def _encoded(block: Json) -> str:
    resource = block.get("resource")
    found = resource.get("blob") if isinstance(resource, dict) else block.get("data")
    return found if isinstance(found, str) else ""


def _without_bytes(block: Json) -> Json:
    if isinstance(block.get("resource"), dict):
        return {**block, "resource": {**block["resource"], "blob": ""}}
    return {**block, "data": ""}
