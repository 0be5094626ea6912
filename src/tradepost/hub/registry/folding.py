"""The tools of a catalog that has too many of them to be listed: found by words, and shown in full when asked for.

Nothing is remembered here of who found or loaded what: a catalog is the same for everybody who shares it, in every
process, and each of its tools can be called at any time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson

from tradepost.hub.registry.pinned import Json
from tradepost.hub.registry.tool_search import Document, ToolIndex
from tradepost.protocol.hosting import LOADING_TOOL

FIND, LOAD = "find_tools", LOADING_TOOL
META_TOOLS = frozenset({FIND, LOAD})
REST = "get_rest"
MAX_LOADED_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """Definitions as a list would show them, the names that nobody here has, and those that did not fit into one
    answer."""

    definitions: Sequence[Json]
    unknown: Sequence[str]
    left_out: Sequence[str]


class Folded:
    """Tools by exposed name, each as the bytes that a list would have of it."""

    def __init__(self, pieces: Mapping[str, bytes]) -> None:
        self._pieces = {name: piece for name, piece in pieces.items() if name not in META_TOOLS}

    def __len__(self) -> int:
        return len(self._pieces)

    def find(self, query: str, limit: int) -> list[Json]:
        """The definitions that fit a query best, the best one first."""
        return [orjson.loads(self._pieces[name]) for name in self._index.find(query, limit)]

    def load(self, names: Iterable[str]) -> Loaded:
        """The definitions of these names."""
        found: list[Json] = []
        unknown: list[str] = []
        left_out: list[str] = []
        room = MAX_LOADED_BYTES
        for name in dict.fromkeys(names):
            piece = self._pieces.get(name)
            if piece is None:
                unknown.append(name)
            elif found and len(piece) > room:
                left_out.append(name)
            else:
                found.append(orjson.loads(piece))
                room -= len(piece)
        return Loaded(found, unknown, left_out)

    def beside(self, listed: bytes, names: Iterable[str]) -> bytes:
        """A list (a JSON array that is not empty) with these tools in it, as far as they are there and not in it."""
        shown = {tool["name"] for tool in orjson.loads(listed)}
        wanted = [name for name in dict.fromkeys(names) if name in self._pieces and name not in shown]
        return b",".join([listed[:-1], *(self._pieces[name] for name in wanted)]) + b"]"

    @cached_property
    def _index(self) -> ToolIndex:
        return ToolIndex(_document(name, orjson.loads(piece)) for name, piece in self._pieces.items())


def _document(name: str, definition: Json) -> Document:
    annotations, schema = definition.get("annotations"), definition.get("inputSchema")
    older_title = annotations.get("title") if isinstance(annotations, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return Document(
        name,
        title=_text(definition.get("title") or older_title),
        description=_text(definition.get("description")),
        arguments=" ".join(properties) if isinstance(properties, dict) else "",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
