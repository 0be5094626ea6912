"""The shop's half of a hub: the bundled servers and what goes out of the shop.

A fourth of the program, of which a hub needs nothing to let clients in, to list tools or to call other servers. So it
is loaded behind a start, in a thread; whoever calls one of its tools before that waits for it.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from tradepost.commerce.outbound.ports import Port
from tradepost.commerce.plans import PLANS, Plan
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.protocol.builtin import BuiltinServer, Definitions, Expects, Json, Mode, ToolResult

if TYPE_CHECKING:
    from tradepost.commerce.outbound.relay import Relay

_one_at_a_time = threading.Lock()  # several hubs in one process share the modules


class LateServer:
    """A bundled server by its plan: see BuiltinServer. It loads what is behind it when that is asked for."""

    def __init__(self, plan: Plan, loaded: Callable[[], Mapping[str, BuiltinServer]]) -> None:
        self.slug = plan.slug
        self.title = plan.title
        self._loaded = loaded
        self._real: BuiltinServer | None = None

    def definitions(self) -> Definitions:
        """See BuiltinServer. Loads here and now: nobody can go on without them."""
        return self._take().definitions()

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        """See BuiltinServer."""
        real = self._real
        if real is None:  # not with a function of its own: this is on the way of every call
            real = await self._late()
        return await real.call(caller, name, arguments, key, mode, expects)

    async def read(self, caller: Caller, uri: str) -> Json:
        """See BuiltinServer."""
        return await (await self._late()).read(caller, uri)

    async def watched(self, caller: Caller, uri: str) -> str | None:
        """See BuiltinServer."""
        return await (await self._late()).watched(caller, uri)

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        """See BuiltinServer."""
        return await (await self._late()).prompt(caller, name, arguments)

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        """See BuiltinServer."""
        return await (await self._late()).complete(caller, reference, argument, value)

    async def _late(self) -> BuiltinServer:
        return await asyncio.to_thread(self._take) if self._real is None else self._real

    def _take(self) -> BuiltinServer:
        real = self._real = self._loaded()[self.slug]
        return real


class Shop:
    """The bundled servers over one store, and the relay of what goes out through `ports`."""

    def __init__(self, store: Database, ports: Mapping[str, Port]) -> None:
        self._store = store
        self._ports = ports
        self._made: Mapping[str, BuiltinServer] = {}
        self._relay: Relay | None = None
        self.servers: Sequence[LateServer] = [LateServer(plan, self.loaded) for plan in PLANS]

    def loaded(self) -> Mapping[str, BuiltinServer]:
        """The servers themselves, by slug, loaded at the first call."""
        if not self._made:
            with _one_at_a_time:
                build = import_module("tradepost.commerce.servers").build_servers
                self._made = {server.slug: server for server in build(self._store)}
        return self._made

    async def start(self) -> None:
        """Load what is not loaded yet, and begin to relay."""
        await asyncio.to_thread(self.loaded)
        relay = await asyncio.to_thread(import_module, "tradepost.commerce.outbound.relay")
        self._relay = relay.Relay(self._store, self._ports)
        await self._relay.start()

    async def stop(self) -> None:
        """End what goes out after the attempts under way, and let go of the ports."""
        if self._relay is not None:
            await self._relay.stop()
            return
        for port in self._ports.values():
            await port.close()
