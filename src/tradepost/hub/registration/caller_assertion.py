"""Whether a server gets a signed assertion about the caller with each request, and for whom that is."""

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.injection import InForce, check_takes_headers, told
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.injection_rules import ASSERTION
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.protocol.headers import is_visible_ascii

MAX_AUDIENCE = 500


async def set_assertion(database: Database, guard: Guard, by: Caller, server: str, wanted: bool | str) -> InForce:
    """Send a server assertions for the audience named, for its URL (True), or none (False). Raises InvalidArgument for
    an audience that is another server's, and where they would travel unprotected; StateConflict for a server that takes
    no headers."""
    async with database.transaction(by.workspace_id, write=False) as session:
        await require_role(session, by, "admin")
        found = await find_server(session, server)
    url = found.url or ""
    if wanted is not False:
        check_takes_headers(found)
        await _check_protected(guard, url)
    if isinstance(wanted, str):
        check_audience(wanted, url)
    async with database.transaction(by.workspace_id, write=True) as session:
        await require_role(session, by, "admin")
        found = await find_server(session, found.id)
        if (found.url or "") != url:
            raise StateConflict("The server's URL was changed at this moment.", hint="Look at it and try again.")
        before = found.settings.get(ASSERTION, False)
        if (wanted, type(wanted)) != (before, type(before)):
            kept = {name: value for name, value in found.settings.items() if name != ASSERTION}
            found.settings = {**kept, ASSERTION: wanted} if wanted is not False else kept
            await record_change(session, by, "server:caller_assertion", found.id, {"before": before, "after": wanted})
        return told(found, None)


async def _check_protected(guard: Guard, url: str) -> None:
    origin = read_url(url)
    if origin.scheme != "https":
        await guard.check(url)
        if not guard.may_use_plain_http(origin, await guard.addresses(origin.host, origin.port)):
            raise InvalidArgument(
                "A signed assertion would travel over plain http.", field="url", hint="Use the server's https URL."
            )


def check_audience(audience: str, url: str) -> None:
    """Raises InvalidArgument. A web address is one of the server's own, in the spelling of its URL."""
    own = "/".join(url.split("/", 3)[:3])
    is_address = audience.lower().startswith(("http:", "https:"))
    is_own = audience == own or audience.startswith(f"{own}/")
    if not is_visible_ascii(audience, MAX_AUDIENCE) or (is_address and not is_own):
        raise InvalidArgument(
            f"'{audience[:60]}' is no audience for this server.",
            hint="Name its own URL, or a name that is no web address, for example urn:example:orders.",
            field="audience",
        )
