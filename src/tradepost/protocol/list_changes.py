"""Telling clients that a list they may have read is another one now: tools, resources or prompts.

A list is known by a mark of its content. When something of a workspace changed, each client's marks are compared with
those it was told last, one client after the other, and only who sees another list hears of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from tradepost.protocol.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, TOOLS_CHANGED

# What a client of the newer era asks for, and what it is told then; one of the older era is told all.
KINDS: Mapping[str, str] = {
    "toolsListChanged": TOOLS_CHANGED,
    "promptsListChanged": PROMPTS_CHANGED,
    "resourcesListChanged": RESOURCES_CHANGED,
}

Marks = Mapping[str, int]  # by what is told; equal as long as a list stays the same


class Listener(Protocol):
    """Somebody who hears that lists may have changed."""

    def stir_lists(self) -> None: ...


class ListChanges:
    """Who listens, by workspace."""

    def __init__(self) -> None:
        self._listening: dict[str, dict[int, Listener]] = {}
        self._begin: Callable[[], None] = _nothing
        self.turn = asyncio.Lock()  # whoever compares: catalogs are made anew for it, which must not all come at once

    def draw_from(self, begin: Callable[[], None]) -> None:
        """Call this when somebody begins to listen: `publish` is called then whenever a workspace changes."""
        self._begin = begin

    def workspaces(self) -> Iterable[str]:
        """Those in which somebody listens."""
        return self._listening.keys()

    def publish(self, workspace_id: str) -> None:
        """Lists of a workspace may have changed."""
        for listener in self._listening.get(workspace_id, {}).values():
            listener.stir_lists()

    def add(self, workspace_id: str, listener: Listener) -> None:
        """Tell somebody."""
        self._listening.setdefault(workspace_id, {})[id(listener)] = listener
        self._begin()

    def remove(self, workspace_id: str, listener: Listener) -> None:
        """Tell it no more."""
        listening = self._listening.get(workspace_id, {})
        listening.pop(id(listener), None)
        if not listening:
            self._listening.pop(workspace_id, None)


def _nothing() -> None:
    """Nobody says when something changes."""
