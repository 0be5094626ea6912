"""A result that is too long, in two: what goes out at once, and the pieces in which the rest can be had.

Its budget is for all that a model may be shown: structured results and content together. Where the content repeats the
structured result as JSON, as servers do for older clients, it repeats the shortened one, and the rest has it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.hub.gateway.shortening.cutting import cut, cut_blocks, in_small, joined
from tradepost.hub.gateway.sizes import Json, fair_share, size_of, size_of_block

WORDS_BYTES = 400  # of what is said about the rest
TRUNCATED = "truncated"  # the field in which lists of bundled servers say that there is more than they show


@dataclass(frozen=True, slots=True)
class Shortened:
    """`result` is what goes out. `pieces` are the parts of the rest, of which each piece fits the budget; `left` is how
    many bytes they are in all."""

    result: Json
    pieces: Sequence[Sequence[Json]]
    left: int


def shorten(result: Json, room: int) -> Shortened:
    """The result in about `room` bytes."""
    parts: list[Json] = []
    structured, blocks = result.get("structuredContent"), list(result.get("content", []))
    mirrors = _mirrors(blocks, structured)
    own = [block for place, block in enumerate(blocks) if place not in mirrors]
    left = room - WORDS_BYTES
    sizes = [sum(map(size_of_block, own)), 0 if structured is None else size_of(structured) * (1 + len(mirrors))]
    share = fair_share(sizes, left)
    shown = dict(result)
    if structured is not None:
        shown["structuredContent"] = cut(structured, min(share, sizes[1]) // (1 + len(mirrors)), "", parts)
    kept = cut_blocks(own, min(share, sizes[0]), parts)
    text = {"text": orjson.dumps(shown["structuredContent"]).decode()} if mirrors else {}
    shown["content"] = [*({**blocks[place], **text} for place in sorted(mirrors)), *kept]
    return with_pieces(shown, parts, room)


def withheld(result: Json, room: int) -> Shortened:
    """The same where nothing of a result may go out: all of it in pieces, and what goes out is for others to say."""
    structured, blocks = result.get("structuredContent"), list(result.get("content", []))
    mirrors = _mirrors(blocks, structured)
    parts: list[Json] = [] if structured is None else [{"path": "", "members": structured}]
    cut_blocks([block for place, block in enumerate(blocks) if place not in mirrors], 0, parts)
    return with_pieces({}, parts, room)


def marked_truncated(structured: Any) -> Any:
    """A list that says of itself whether it was cut says so now."""
    if isinstance(structured, dict) and structured.get(TRUNCATED) is False:
        return {**structured, TRUNCATED: True}
    return structured


def weight(part: Json) -> int:
    """Bytes of a part in a piece: what is structured is shown in the text as well."""
    return size_of_block(part["block"]) + 60 if "block" in part else 2 * size_of(part)


def with_pieces(shown: Json, parts: list[Json], room: int) -> Shortened:
    """What goes out, with the parts of the rest in pieces of about `room` bytes."""
    room -= WORDS_BYTES
    pieces: list[list[Json]] = []
    used = room + 1
    for part in parts:
        # What is structured weighs twice; smaller steps leave less of a piece empty.
        for small in in_small(part, room // 8):
            size = weight(small)
            if used + size > room:
                pieces.append([])
                used = 0
            used += size
            together = joined(pieces[-1][-1], small) if pieces[-1] else None
            if together is None:
                pieces[-1].append(small)
            else:
                pieces[-1][-1] = together
    return Shortened(shown, pieces, sum(size_of(piece) for piece in pieces))


def _mirrors(blocks: Sequence[Json], structured: Any) -> frozenset[int]:
    """The places of the blocks that say in JSON what the structured result says."""
    if structured is None:
        return frozenset()
    return frozenset(place for place, block in enumerate(blocks) if _says(block, structured))


def _says(block: Json, structured: Any) -> bool:
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str) or not text.lstrip().startswith("{"):
        return False
    try:
        return bool(orjson.loads(text) == structured)
    except orjson.JSONDecodeError:
        return False
