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
        self._load = load
        self._site: ASGIApp | None = None

    def owns(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in self._paths or path.startswith(self._folders)

    async def load_early(self) -> None:
        """Load the pages in a thread, before anybody asks for one."""
        if self._site is None:
            self._site = await asyncio.to_thread(self._load)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site = self._site
        if site is None:
            site = self._site = self._load()
        await site(scope, receive, send)
