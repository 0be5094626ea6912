"""Servers of others that had to be found, or signed in to, first."""

from __future__ import annotations

from tests.api.two_hubs.pair import Case, Pair, soon
from tests.hub.oauth.vendor import Vendor, running
from tests.hub.registration.registry_double import entry, running_registry
from tradepost.app import open_tradepost
from tradepost.foundation.clock import system_now
from tradepost.hub.access.people import find_user
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.registration.connecting import Came


async def servers_of_a_registry(pair: Pair) -> None:
    """Picked at the one, it is called at the other."""
    remotes = [{"type": "streamable-http", "url": f"{pair.foreign.url}/picked"}]
    async with running_registry(entry("com.example/picked", title="Parcels", remotes=remotes)) as registry:
        await pair.change("POST", "/registry/servers", {"registry": registry.url, "name": "com.example/picked"})
    await _offer_track(pair, "picked")

    async def reached() -> bool:
        pair.foreign.calls.clear()
        await pair.call("track")
        return [at for at, _ in pair.foreign.calls] == ["/picked"]

    await soon(reached)
    await pair.change("DELETE", "/servers/picked")


async def a_vendor_is_left(pair: Pair) -> None:
    """Whoever disconnects a server at the one takes its tokens from the other, where calls were made with them."""
    async with running(system_now) as vendor:
        consent = {"kind": "authorization_code", "per_user": False}
        await pair.change("POST", "/servers", {"slug": "vendor", "url": vendor.url, "credential": consent})
        await _agreed(pair, vendor)
        await _offer_track(pair, "vendor")

        async def let_in() -> bool:
            return "you sent" in str(await pair.call("track", {"number": "1Z"}))

        await soon(let_in)
        left = await pair.change("DELETE", "/servers/vendor/connection")
        assert left["connection"] == (await pair.look("/servers/vendor/connection"))["connection"] == "not_connected"

        async def shut_out() -> bool:
            return bool((await pair.call("track", {"number": "1Z"})).get("isError"))

        await soon(shut_out)
        await pair.change("DELETE", "/servers/vendor")


async def _offer_track(pair: Pair, server: str) -> None:
    await pair.change("POST", f"/servers/{server}/discover", {})
    await pair.change("POST", f"/servers/{server}/tools/track/approve", {"class": "read"})
    await pair.change("POST", "/assignments", {"server": server, "tool": "track", "agent": "supply"})


async def _agreed(pair: Pair, vendor: Vendor) -> None:
    """What the owner does in their browser, at a third process."""
    third = await open_tradepost(pair.configured)
    try:
        async with third.hub.transaction(pair.side.workspace_id, write=False) as session:
            owner = caller_for_user(await find_user(session, "owner@acme.test"), "req_1")
        connecting = third.registration.connecting
        brought = await vendor.agree(await connecting.begin(owner, "ses_1", "vendor"))
        await connecting.finish(owner, "ses_1", Came(brought["state"], brought["code"], None, brought["iss"]))
    finally:
        await third.stop()


CASES: tuple[Case, ...] = (servers_of_a_registry, a_vendor_is_left)
