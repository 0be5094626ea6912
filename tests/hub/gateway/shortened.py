"""Putting a shortened result together again from its pieces, as a client would."""

import re
from typing import Any

import orjson

from tradepost.protocol.builtin import Json

_MARK = re.compile(r"… \[\d+ more characters: see get_rest\]\Z")


def put_together(first: Json, pieces: list[Json]) -> Json:
    """The structured result and the content as their server gave them. The last block of each says that there is more;
    texts that repeat what is structured are left out."""
    structured = orjson.loads(orjson.dumps(first.get("structuredContent")))
    content = [block for block in first["content"][:-1] if not _repeats(block, structured)]
    for piece in pieces:
        given = piece["structuredContent"]
        for part in given["parts"]:
            structured = _with_part(structured, part)
        places = given["blocks"]
        for place, block in zip(places, piece["content"][:-1][len(given["parts"]) :], strict=True):
            if place["from"] == 0:
                content.append(block)
            else:
                content[-1] = _with_text(block, _longer(_text(content[-1]), _text(block), place["from"]))
    return {"structuredContent": structured, "content": content}


def _with_part(root: Any, part: Json) -> Any:
    holder: Any = {"": root}
    name: Any = ""
    for step in part["path"].split("/")[1:]:
        holder = holder[name]
        name = int(step) if isinstance(holder, list) else step.replace("~1", "/").replace("~0", "~")
    if "items" in part:
        assert len(holder[name]) == part["from"]
        holder[name].extend(part["items"])
    elif "members" in part:
        holder[name].update(part["members"])
    elif "untrusted" in part:
        holder[name]["untrusted"] = _longer(holder[name]["untrusted"], part["untrusted"], part["from"])
    else:
        holder[name] = _longer(holder[name], part["text"], part["from"])
    return root if part["path"] else holder[""]


def _longer(begun: str, more: str, at: int) -> str:
    begun = _MARK.sub("", begun)
    assert len(begun) == at
    return begun + more


def _text(block: Json) -> str:
    text: str = (block.get("resource") or block)["text"]
    return text


def _with_text(block: Json, text: str) -> Json:
    if "resource" in block:
        return {**block, "resource": {**block["resource"], "text": text}}
    return {**block, "text": text}


def _repeats(block: Json, value: Any) -> bool:
    try:
        return bool(orjson.loads(block.get("text", "")) == value)
    except orjson.JSONDecodeError:
        return False
