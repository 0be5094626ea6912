"""Finding what is called in the caller's own catalog. What is not in it does not exist: an unassigned, disabled,
removed or foreign name gets the same words as one that nobody ever had."""

from collections.abc import Awaitable

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.changes import seen_version
from tradepost.hub.gateway.call import Call, Entry
from tradepost.hub.gateway.parts import CatalogSource, Parts
from tradepost.hub.registry.catalog import Catalog

EMPTY = Catalog(version=0)


def catalog_of(parts: Parts, caller: Caller, server: str | None) -> Awaitable[Catalog]:
    """What a caller sees, everywhere or of one server. Raises NotFound for a server of which it sees nothing."""
    return catalog_from(parts.catalogs, caller, server)


def catalog_from(catalogs: CatalogSource, caller: Caller, server: str | None) -> Awaitable[Catalog]:
    """The same, for whoever has the catalogs alone."""
    if caller.trial is not None:
        return catalogs.for_trial(caller.workspace_id, caller.scopes, caller.trial)
    version = seen_version(caller)
    if caller.agent_id is None:
        if caller.profile_id is None:
            is_person = caller.principal.kind == "user" and caller.grant is None
            return catalogs.for_person(caller.workspace_id, caller.scopes, version) if is_person else _nothing()
        return catalogs.for_profile(caller.workspace_id, caller.profile_id, caller.scopes, server, version)
    if server is None:
        return catalogs.for_agent(caller.workspace_id, caller.agent_id, caller.scopes, version)
    return catalogs.for_server(caller.workspace_id, caller.agent_id, server, caller.scopes, version)


def catalog_at_hand(parts: Parts, caller: Caller, server: str | None) -> Catalog | None:
    """The same, where nothing has to be asked for it."""
    version, holder = seen_version(caller), caller.agent_id or caller.profile_id
    if version is None or holder is None or caller.trial is not None:
        return None
    return parts.catalogs.kept(caller.workspace_id, holder, server, caller.scopes, version)


async def _nothing() -> Catalog:
    """Programs without an agent or a profile have nothing assigned."""
    return EMPTY


def find_tool(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises NotFound."""
    catalog = catalog_at_hand(parts, call.caller, call.server)
    if catalog is None:
        return _look_up(call, parts)
    _find(call, catalog)
    return None


async def _look_up(call: Call, parts: Parts) -> None:
    _find(call, await catalog_of(parts, call.caller, call.server))


def _find(call: Call, catalog: Catalog) -> None:
    call.entry = _entry(catalog, call)
    if call.entry is None:
        raise _unknown(call)
    # The endpoint of one server does not show which others there are.
    call.reaches_out = bool(catalog.remotes) or call.server is not None


def _entry(catalog: Catalog, call: Call) -> Entry | None:
    if call.kind == "tool":
        return catalog.tools.get(call.name)
    if call.kind in ("resource", "subscription"):
        return catalog.find_resource(call.name)
    if call.kind == "prompt":
        return catalog.prompts.get(call.name)
    return catalog.prompts.get(call.name) or catalog.find_template(call.name)


def _unknown(call: Call) -> NotFound:
    name = clean(call.name, 100)
    if call.kind in ("resource", "subscription"):
        return NotFound(f"Unknown resource: {name}", hint="List the resources and their templates.")
    if call.kind == "tool":
        return NotFound(f"Unknown tool: {name}", hint="List the tools and use one of their names.")
    return NotFound(f"Unknown prompt or template: {name}", hint="List the prompts and resource templates.")
