"""Pages that are loaded after the start, or when somebody first asks for one: a start has better things to load than
templates."""

import asyncio
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send


class LateDoor:
    """An ASGI application for some paths and everything below others, which `load` makes."""

    def __init__(self, paths: Iterable[str], folders: tuple[str, ...], load: Callable[[], ASGIApp]) -> None:
        self._paths = frozenset(paths)
        self._folders = folders
        self._make = load
        self._loading = asyncio.Lock()
        self._site: ASGIApp | None = None

    def owns(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in self._paths or path.startswith(self._folders)

    async def load(self) -> ASGIApp:
        """The pages, made once and in a thread. Who asks for one meanwhile waits for them."""
        async with self._loading:
            if self._site is None:
                self._site = await asyncio.to_thread(self._make)
            return self._site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._site or await self.load())(scope, receive, send)
