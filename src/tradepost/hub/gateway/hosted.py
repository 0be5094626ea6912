"""The gateway as an MCP endpoint sees it (HostedCatalog): lists from the compiled catalog, everything else through the
pipeline."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tradepost import __version__
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, RateLimited, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.pipeline import Pipeline
from tradepost.hub.gateway.reach import DATABASE_ERRORS, away
from tradepost.hub.gateway.steps.authenticate import bearer_of
from tradepost.hub.gateway.steps.find_tool import EMPTY, catalog_at_hand, catalog_of
from tradepost.hub.limits.pace import key_of
from tradepost.hub.registry.catalog import Catalog
from tradepost.hub.upstreams.opening import Opening
from tradepost.protocol.hosting import NO_EXTRAS, NOTHING_KNOWN, Arrival, CallExtras
from tradepost.protocol.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, TOOLS_CHANGED
from tradepost.protocol.parameter_headers import HeaderParameter
from tradepost.protocol.tasks import GET

INSTRUCTIONS = (
    "Tools of this workspace's systems. Every write needs an idempotency_key of your own. A write may answer "
    "approval_required: then a person decides; ask get_approval with its approval_id what became of it, with "
    "wait_seconds to be answered as soon as it has ended."
)
FOLDED = (
    " You may call more tools than are listed: look for them with find_tools, get their definitions with load_tools, "
    "then call them by their names."
)


class Authenticates(Protocol):
    """Who turns a bearer key or token into a caller; access's Authenticator satisfies it."""

    def knows(self, bearer: str) -> bool: ...

    def at_hand(self, bearer: str, request_id: str, arrival: Arrival) -> Caller | None: ...

    async def authenticate(self, bearer: str, request_id: str, arrival: Arrival | None = None) -> Caller: ...


class Gateway:
    """One principal's view at a time, for however many clients."""

    def __init__(self, pipeline: Pipeline, authenticator: Authenticates, opening: Opening | None = None) -> None:
        self._pipeline = pipeline
        self._authenticator = authenticator
        self._opening = opening
        self._addresses = pipeline.parts.pace.addresses

    async def authenticate(self, arrival: Arrival) -> Caller:
        """See HostedCatalog."""
        counted = self._addresses.came(arrival.client_address)
        if counted is not None:
            await counted
        bearer = bearer_of(arrival)
        request_id = new_id("req")
        try:
            caller = self._authenticator.at_hand(bearer, request_id, arrival)
            if caller is not None:
                return caller
            if not self._authenticator.knows(bearer):
                return await self._look_up(bearer, arrival)
            return await self._authenticator.authenticate(bearer, request_id, arrival)
        except DATABASE_ERRORS as error:
            raise (away(error) or error) from error.__cause__

    async def _look_up(self, bearer: str, arrival: Arrival) -> Caller:
        """For a key that was not verified here yet. Once too many wrong ones came from an address, none is looked
        up."""
        try:
            return await self._verified(bearer, arrival)
        except (Unauthenticated, RateLimited):
            await self._addresses.hold_back()
            raise

    async def _verified(self, bearer: str, arrival: Arrival) -> Caller:
        address = arrival.client_address
        self._addresses.check(address)
        async with self._addresses.look_up():
            self._addresses.check(address)  # others may have been wrong meanwhile
            try:
                return await self._authenticator.authenticate(bearer, new_id("req"), arrival)
            except Unauthenticated:
                await self._addresses.failed(address)
                raise

    async def count(self, caller: Caller) -> None:
        """Count a request that is no call of a tool against the caller's limit. Raises RateLimited, Unauthenticated."""
        try:
            quotas = (await self._pipeline.parts.standings.confirm(caller)).quotas
            counted = self._pipeline.parts.pace.calls.take(key_of(caller), quotas.calls_per_minute)
            if counted is not None:
                await counted
        except DATABASE_ERRORS as error:
            raise (away(error) or error) from error.__cause__

    def limit_lines(self, caller: Caller) -> bytes:
        """The headers that tell a caller of its limit of calls."""
        return self._pipeline.parts.pace.calls.line(key_of(caller))

    async def server_info(self, caller: Caller, server: str | None) -> Json:
        """See HostedCatalog."""
        catalog = await self._catalog(caller, server)
        if server is None:
            name, title, instructions = "tradepost", "Tradepost", INSTRUCTIONS
            instructions += FOLDED if catalog.folded is not None else ""
        else:
            name, title = server, catalog.server_title or server
            instructions = catalog.instructions
        watches = any(entry.watches for entry in (*catalog.templates, *catalog.resources.values()))
        info = {"name": name, "title": title, "version": __version__, "instructions": instructions}
        return {**info, "watches": watches}

    async def list_tools(self, caller: Caller, server: str | None, loaded: Sequence[str] = ()) -> bytes:
        """See HostedCatalog. Whoever lists tools will call some: their servers are opened meanwhile."""
        catalog = await self._listed(caller, server)
        if self._opening is not None and catalog.remotes:
            self._opening.begin(caller.workspace_id, catalog.remotes)
        if loaded and catalog.folded is not None:
            return catalog.folded.beside(catalog.tools_json, loaded)
        return catalog.tools_json

    def mirrored(
        self, caller: Caller, server: str | None, name: str
    ) -> tuple[HeaderParameter, ...] | Awaitable[tuple[HeaderParameter, ...]]:
        """See HostedCatalog."""
        catalog = catalog_at_hand(self._pipeline.parts, caller, server)
        return self._mirrored(caller, server, name) if catalog is None else _mirrored(catalog, name)

    async def _mirrored(self, caller: Caller, server: str | None, name: str) -> tuple[HeaderParameter, ...]:
        return _mirrored(await self._catalog(caller, server), name)

    async def list_resources(self, caller: Caller, server: str | None) -> bytes:
        """See HostedCatalog."""
        return (await self._listed(caller, server)).resources_json

    async def list_resource_templates(self, caller: Caller, server: str | None) -> bytes:
        """See HostedCatalog."""
        return (await self._listed(caller, server)).templates_json

    async def list_prompts(self, caller: Caller, server: str | None) -> bytes:
        """See HostedCatalog."""
        return (await self._listed(caller, server)).prompts_json

    def call_tool(
        self, caller: Caller, server: str | None, name: str, arguments: Json, extras: CallExtras
    ) -> Awaitable[Json]:
        """See HostedCatalog."""
        return self._run(Call(caller, "tool", name, arguments, server, extras, run_id=extras.run_id or caller.run_id))

    async def ask_task(self, caller: Caller, server: str | None, method: str, task_id: str, extras: CallExtras) -> Json:
        """See HostedCatalog."""
        run_id = extras.run_id or caller.run_id
        call = Call(caller, "task", task_id, {}, server, extras, run_id=run_id, task_method=method)
        return await self._pipeline.ask_task(call)

    async def watch_task(self, caller: Caller, server: str | None, task_id: str) -> str | None:
        """See HostedCatalog."""
        call = Call(caller, "task", task_id, {}, server, run_id=caller.run_id, task_method=GET)
        try:
            await self._pipeline.find_task(call)
        except NotFound:
            return None
        return call.action.id if call.action is not None else None

    async def read_resource(self, caller: Caller, server: str | None, uri: str, extras: CallExtras = NO_EXTRAS) -> Json:
        """See HostedCatalog."""
        return await self._run(Call(caller, "resource", uri, {}, server, extras, run_id=caller.run_id))

    async def watch(self, caller: Caller, server: str | None, uri: str) -> str | None:
        """See HostedCatalog."""
        found = await self._run(Call(caller, "subscription", uri, {}, server, run_id=caller.run_id))
        record: str | None = found["record"]
        return record

    async def may_read(self, caller: Caller, server: str | None, uri: str) -> bool:
        """See HostedCatalog. A catalog holds only what its caller's scopes allow. The caller was let in long ago, with
        the stream that is told of changes."""
        try:
            return (await self._catalog(replace(caller, seen=None), server)).find_resource(uri) is not None
        except NotFound:
            return False

    async def list_marks(self, caller: Caller, server: str | None) -> Mapping[str, int]:
        """See HostedCatalog. A server of which the caller sees nothing any more has empty lists."""
        try:
            catalog = await self._catalog(replace(caller, seen=None), server)
        except NotFound:
            catalog = EMPTY
        return {
            TOOLS_CHANGED: hash(catalog.tools_json),
            RESOURCES_CHANGED: hash((catalog.resources_json, catalog.templates_json)),
            PROMPTS_CHANGED: hash(catalog.prompts_json),
        }

    async def get_prompt(
        self,
        caller: Caller,
        server: str | None,
        name: str,
        arguments: Mapping[str, str],
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        """See HostedCatalog."""
        call = Call(caller, "prompt", name, dict(arguments), server, extras, run_id=caller.run_id)
        return await self._run(call)

    async def complete(
        self,
        caller: Caller,
        server: str | None,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        """See HostedCatalog. No server asks anything because of a completion, so its client is not to be reached."""
        name = str(reference.get("name") or reference.get("uri") or "")
        asked = {"name": argument, "value": value, "known": dict(known)}
        told = CallExtras(trace=extras.trace, session_id=extras.session_id, wire=extras.wire)
        call = Call(caller, "completion", name, asked, server, told, run_id=caller.run_id, reference=reference)
        return await self._run(call)

    async def _listed(self, caller: Caller, server: str | None) -> Catalog:
        """A list counts as a call does."""
        parts = self._pipeline.parts
        try:
            standing = parts.standings.at_hand(caller) or await parts.standings.confirm(caller)
        except DATABASE_ERRORS as error:
            raise (away(error) or error) from error.__cause__
        counted = parts.pace.calls.take(key_of(caller), standing.quotas.calls_per_minute)
        if counted is not None:
            await counted
        return await self._catalog(caller, server)

    async def _catalog(self, caller: Caller, server: str | None) -> Catalog:
        try:
            return await catalog_of(self._pipeline.parts, caller, server)
        except DATABASE_ERRORS as error:
            raise (away(error) or error) from error.__cause__

    async def _run(self, call: Call) -> Json:
        try:
            return await self._pipeline.run(call)
        except DATABASE_ERRORS as error:
            raise (away(error) or error) from error.__cause__


def _mirrored(catalog: Catalog, name: str) -> tuple[HeaderParameter, ...]:
    tool = catalog.tools.get(name)
    return tool.mirrored_by_clients if tool is not None else ()
