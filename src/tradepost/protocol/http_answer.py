"""The answer of a server to one HTTP request, while it comes in."""

import asyncio
from collections.abc import Callable
from typing import Self

from tradepost.protocol.upstream_errors import UpstreamFailed

MAX_HELD_BYTES = 256 * 1024  # of a body that nobody has taken yet; beyond it the socket is not read


class HttpAnswer:
    """Status and headers once it has begun, the body with `async for`.

    Header names are in lower case, doubled ones joined with ", ". It must be closed; closed before it is complete, it
    takes its connection with it.
    """

    __slots__ = (
        "_ended",
        "_failure",
        "_held",
        "_loop",
        "_news",
        "_pieces",
        "_resume",
        "complete",
        "headers",
        "status",
        "then",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resume: Callable[[], None],
        ended: Callable[["HttpAnswer"], None],
    ) -> None:
        self._loop = loop
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self.then: Callable[[], None] | None = None  # called once when it is closed
        self._resume = resume
        self._ended = ended
        self._pieces: list[bytes] = []
        self._held = 0
        self._failure: UpstreamFailed | None = None
        self._news: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Wait for status and headers. Raises UpstreamFailed. Whatever comes between closes the connection."""
        try:
            while not self.status:
                if self._failure is not None:
                    raise self._failure
                await self._more()
        except BaseException:
            self.close()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """All that has come of the body since the last piece. Raises UpstreamFailed."""
        while not self._pieces:
            if self.complete:
                raise StopAsyncIteration
            if self._failure is not None:
                raise self._failure
            await self._more()
        return self.taken()

    def taken(self) -> bytes:
        """What has come of the body since the last piece, without waiting for more."""
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        full, self._held = self._held > MAX_HELD_BYTES, 0
        if full:
            self._resume()
        return piece

    async def whole(self, most: int) -> bytes | None:
        """All of the body; None where it is larger than `most` bytes, and then no more of it is read. Raises
        UpstreamFailed."""
        whole = bytearray(self.taken())
        if not self.complete:
            async for piece in self:
                whole += piece
                if len(whole) > most:
                    break
        return bytes(whole) if len(whole) <= most else None

    def close(self) -> None:
        """Give the connection back, or close it where something of the answer is still to come."""
        self._ended(self)
        then, self.then = self.then, None
        if then is not None:
            then()

    # --- for the connection ------------------------------------------------------------------------------------

    def feed(self, piece: bytes) -> bool:
        """Take a piece of the body. False when so much is held that no more should be read for now."""
        self._pieces.append(piece)
        self._held += len(piece)
        self._wake()
        return self._held <= MAX_HELD_BYTES

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """The head is here."""
        self.status, self.headers = status, headers
        self._wake()

    def finish(self) -> None:
        """All of the body is here."""
        self.complete = True
        self._wake()

    def fail(self, failure: UpstreamFailed) -> None:
        """Nothing more will come; what is said first counts."""
        self._failure = self._failure or failure
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _more(self) -> asyncio.Future[None]:
        self._news = self._loop.create_future()
        return self._news
