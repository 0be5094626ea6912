"""Heads of requests that came before on the same connection.

A client sends the same head again and again: same path, same headers, often the same length of the body. To compare
it with one that was read costs a tenth of reading it. What was made of the same bytes is the same, so nothing else is
compared. They are kept with their connection and for as long: there are credentials in them.
"""

from typing import NamedTuple

from tradepost.protocol.headers import KeptHeaders

END = b"\r\n\r\n"
_MOST = 8  # of a connection: some tools in turn, bodies of some lengths
_LONGEST = 4096  # bytes


class Head(NamedTuple):
    """What was made of a head: of a POST with a body of so many bytes, after which the connection stays open."""

    url: bytes
    path: str
    headers: KeptHeaders
    length: int


class KnownHeads:
    """Those of one connection."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def find(self, data: bytes, end: int) -> Head | None:
        """The head that ends at `end`, when it came before and `data` is it and its whole body."""
        head = self._known.get(data[:end])
        return head if head is not None and len(data) == end + len(END) + head.length else None

    def keep(self, data: bytes, end: int, url: bytes, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Keep a head that was read, unless its body is not just what follows in `data`."""
        length = len(data) - end - len(END)
        said = KeptHeaders(headers)
        plain = said.folded.get("content-length") == str(length) and "transfer-encoding" not in said.folded
        if plain and end <= _LONGEST:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[data[:end]] = Head(url, path, said, length)
