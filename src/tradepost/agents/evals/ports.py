"""What evals need of the rest: a hub and a store that nobody else uses. Joined above."""

from collections.abc import Mapping
from typing import Any, Protocol

from tradepost.agents.evals.datasets.schema import Json, Store, Verdict
from tradepost.agents.models.naming import Models
from tradepost.agents.ports import Awaited, Callers, Runtime, ToolDoor
from tradepost.foundation.caller import Caller


class World(Protocol):
    """A hub with one workspace and its store, for one run of one case."""

    @property
    def runtime(self) -> Runtime:
        """What runs the agent's turns."""
        ...

    @property
    def door(self) -> ToolDoor:
        """The way to tools."""
        ...

    @property
    def callers(self) -> Callers:
        """Who agents are."""
        ...

    async def asker(self, shopper: str | None) -> Caller:
        """Who asks: somebody of the shop, or one of its customers."""
        ...

    async def operate(self, tool: str, arguments: Json) -> Json:
        """A call made as the store's operator. Raises InvalidArgument with what the tool said."""
        ...

    async def answer(self, approval_id: str, answer: Verdict, comment: str | None) -> None:
        """Answer an approval as the people who may, and wait until it has come to its end. Raises TradepostError."""
        ...

    async def outcome(self, asked_by: Caller, awaited: Awaited, run_id: str) -> Json:
        """What became of a write that waited, as its agent hears of it."""
        ...

    async def footprint(self) -> Mapping[str, Any]:
        """What the store looks like from afar: the same as before where nothing was written."""
        ...

    async def export(self) -> Json:
        """The whole store as an export."""
        ...

    async def begun_with(self) -> Json:
        """The export of the store that this one is a copy of."""
        ...

    async def close(self) -> None:
        """Remove everything."""
        ...


class Worlds(Protocol):
    """Makes them."""

    async def open(self, store: Store, models: Models) -> World:
        """A fresh one. Raises InvalidArgument, NotFound, SetupError."""
        ...
