"""Cutting JSON values so that they fit: whole items of lists, texts at the ends of lines, the heaviest parts first.

What is cut off is given back in parts that say where each belongs, so that whoever reads them all has the value whole:
`path` is a JSON pointer, `from` the number of the first item or character, beside it the `items` of a list, the `text`
of a string (`untrusted`, where outsiders wrote it), the `members` of an object or the `block` of a result's content.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from tradepost.hub.gateway.sizes import Json, fair_share, size_of, size_of_block

UNTRUSTED = "untrusted"
MARK_BYTES = 80  # at most, of the words that stand where a text goes on elsewhere
LEAST_TEXT = 40  # characters: less is no use to anybody


def cut(value: Any, room: int, path: str, parts: list[Json]) -> Any:
    """The value in about `room` bytes, with what does not fit added to `parts`. What can be no smaller stays."""
    if size_of(value) <= room:
        return value
    if isinstance(value, str):
        return _cut_string(value, room, {"path": path}, "text", parts)
    if isinstance(value, list):
        return _cut_list(value, room, path, parts)
    if isinstance(value, dict):
        inner = value.get(UNTRUSTED)
        if len(value) == 1 and isinstance(inner, str):
            return {UNTRUSTED: _cut_string(inner, room - 20, {"path": path}, UNTRUSTED, parts)}
        return _cut_object(value, room, path, parts)
    return value


def cut_blocks(blocks: Sequence[Json], room: int, parts: list[Json], first: int = 0) -> list[Json]:
    """The content blocks that fit, in their order; the text of the first that does not is cut."""
    kept: list[Json] = []
    for place, block in enumerate(blocks):
        size = size_of_block(block)
        if size <= room:
            kept.append(block)
            room -= size
            continue
        text = text_of(block)
        if text is not None and room - size + size_of(text) > MARK_BYTES + LEAST_TEXT:
            shown, start = _beginning(text, room - size + size_of(text) - MARK_BYTES)
            kept.append(with_text(block, _marked(shown, len(text) - start)))
            parts.append({"path": f"/content/{first + place}", "from": start, "block": with_text(block, text[start:])})
            place += 1
        parts.extend(
            {"path": f"/content/{first + place + more}", "from": 0, "block": one}
            for more, one in enumerate(blocks[place:])
        )
        break
    return kept


def text_of(block: Json) -> str | None:
    """The text of a content block, itself or embedded."""
    resource = block.get("resource")
    found = resource.get("text") if isinstance(resource, dict) else block.get("text")
    return found if isinstance(found, str) else None


def with_text(block: Json, text: str) -> Json:
    """The block with another text."""
    if isinstance(block.get("resource"), dict):
        return {**block, "resource": {**block["resource"], "text": text}}
    return {**block, "text": text}


def in_small(part: Json, room: int) -> Iterator[Json]:
    """A part as parts of about `room` bytes each: some items or members, some lines of a text; an attachment stays
    whole."""
    path, start = part["path"], part.get("from", 0)
    if "items" in part:
        yield from _some_items(path, start, part["items"], room)
    elif "members" in part:
        yield from _some_members(path, list(part["members"].items()), room)
    elif "block" in part:
        text = text_of(part["block"])
        if text is None:
            yield part
            return
        for at, piece in _lines(text, room):
            yield {"path": path, "from": start + at, "block": with_text(part["block"], piece)}
    else:
        kind = UNTRUSTED if UNTRUSTED in part else "text"
        for at, piece in _lines(part[kind], room):
            yield {"path": path, "from": start + at, kind: piece}


def joined(first: Json, second: Json) -> Json | None:
    """Two parts as one, where the second goes on where the first ends; None where it does not."""
    if first["path"] != second["path"]:
        return None
    if "members" in first and "members" in second:
        return {**first, "members": {**first["members"], **second["members"]}}
    for kind in ("items", "text", UNTRUSTED):
        if kind in first and kind in second and first["from"] + len(first[kind]) == second["from"]:
            return {**first, kind: first[kind] + second[kind]}
    if "block" in first and "block" in second:
        text, more = text_of(first["block"]), text_of(second["block"])
        if text is not None and more is not None and first["from"] + len(text) == second["from"]:
            return {**first, "block": with_text(first["block"], text + more)}
    return None


def _some_items(path: str, start: int, items: list[Any], room: int) -> Iterator[Json]:
    """By halves, not one by one: there may be millions."""
    if size_of(items) <= room:
        yield {"path": path, "from": start, "items": items}
    elif len(items) > 1:
        half = len(items) // 2
        yield from _some_items(path, start, items[:half], room)
        yield from _some_items(path, start + half, items[half:], room)
    elif items:
        parts: list[Json] = []
        yield {"path": path, "from": start, "items": [cut(items[0], room, f"{path}/{start}", parts)]}
        for part in parts:
            yield from in_small(part, room)


def _some_members(path: str, members: list[tuple[str, Any]], room: int) -> Iterator[Json]:
    if size_of(dict(members)) <= room:
        yield {"path": path, "members": dict(members)}
    elif len(members) > 1:
        half = len(members) // 2
        yield from _some_members(path, members[:half], room)
        yield from _some_members(path, members[half:], room)
    elif members:
        ((name, member),) = members
        parts: list[Json] = []
        yield {"path": path, "members": {name: cut(member, room, _inside(path, name), parts)}}
        for part in parts:
            yield from in_small(part, room)


def _cut_string(text: str, room: int, where: Json, kind: str, parts: list[Json]) -> str:
    shown, start = _beginning(text, room - MARK_BYTES)
    if len(text) - start < LEAST_TEXT:
        return text
    parts.append({**where, "from": start, kind: text[start:]})
    return _marked(shown, len(text) - start)


def _cut_list(items: list[Any], room: int, path: str, parts: list[Json]) -> list[Any]:
    fit = bisect_right(range(len(items)), room, key=lambda count: size_of(items[:count]))
    kept = items[: max(fit - 1, 0)]
    if not kept and room > 2:
        kept = [cut(items[0], room - 2, f"{path}/0", parts)]
    if len(kept) < len(items):
        parts.append({"path": path, "from": len(kept), "items": items[len(kept) :]})
    return kept


def _cut_object(members: Json, room: int, path: str, parts: list[Json]) -> Json:
    names = 2 + sum(len(name) + 4 for name in members)
    if names > room // 2 and len(members) > 1:
        return _first_of_many(list(members.items()), room, path, parts)
    sizes = {name: size_of(inner) for name, inner in members.items()}
    share, before = fair_share(sizes.values(), room - names), len(parts)
    kept = {
        name: inner if sizes[name] <= share else cut(inner, share, _inside(path, name), parts)
        for name, inner in members.items()
    }
    shown = _first_members(kept, room + room // 4)
    if len(shown) < len(kept):  # before what was cut off of them
        left = {name: inner for name, inner in kept.items() if name not in shown}
        parts.insert(before, {"path": path, "members": left})
    return shown


def _first_of_many(members: list[tuple[str, Any]], room: int, path: str, parts: list[Json]) -> Json:
    """Of an object whose names alone are too much: a table by names, for example."""
    fit = bisect_right(range(len(members)), room, key=lambda count: size_of(dict(members[:count])))
    count = max(fit - 1, 1)
    parts.append({"path": path, "members": dict(members[count:])})
    return {name: cut(inner, room, _inside(path, name), parts) for name, inner in members[:count]}


def _first_members(members: Json, room: int) -> Json:
    """Of an object that is too much all the same, what comes first."""
    used, kept = 2, dict[str, Any]()
    for name, inner in members.items():
        used += size_of(name) + size_of(inner) + 2
        if used > room and kept:
            break
        kept[name] = inner
    return kept


def _lines(text: str, room: int) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        piece, length = _beginning(text[start : start + room], room)
        yield start, piece
        start += max(length, 1)


def _beginning(text: str, room: int) -> tuple[str, int]:
    """As much of a text as fits, to the end of a line or at least of a word, and how many characters those are."""
    room = max(room, LEAST_TEXT)
    whole = size_of(text)
    if whole <= room:
        return text, len(text)
    most = max(len(text) * room // whole, 1)
    while most > LEAST_TEXT and size_of(text[:most]) > room:  # what takes much room may stand at the beginning
        most = most * 3 // 4
    for end in ("\n", " "):
        found = text.rfind(end, most // 2, most)
        if found > 0:
            return text[: found + 1], found + 1
    return text[:most], most


def _marked(shown: str, left: int) -> str:
    return f"{shown}… [{left} more characters: see get_rest]"


def _inside(path: str, name: str) -> str:
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
