"""Resources of a server at which each person has an account of their own, watched: for that person alone, over one
stream each, and no longer than the account is there."""

from functools import partial
from typing import Any

import httpx2
import pytest

from tests.hub.oauth.conftest import Entry, Hub
from tests.hub.oauth.vendor import running
from tests.hub.upstreams.watched_server import ONE, SECONDS, TWO, WatchedServer
from tests.protocol.conftest import Desk, HeardUpdates, served
from tests.protocol.fake_host import FakeHost
from tests.protocol.listeners import listening, opened, session_stream, subscribe
from tradepost.foundation.caller import Caller
from tradepost.hub.registry.whereabouts import whereabouts
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.oauth.errors import NotConnected
from tradepost.hub.upstreams.watching import Place, Watching
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.hosting import Arrival


class Host(FakeHost):
    """All of its resources are those of one server; a bearer token is who calls."""

    def __init__(self, people: dict[str, Caller], upstreams: Upstreams, entry: Any) -> None:
        super().__init__()
        self.people, self.upstreams, self.entry = people, upstreams, entry

    async def authenticate(self, arrival: Arrival) -> Caller:
        return self.people[arrival.headers["authorization"].removeprefix("Bearer ")]

    async def watch(self, caller: Caller, server: str | None, uri: str) -> str | None:
        return await self.upstreams.watched(caller, self.entry, uri)


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.behaviour("S4.17")
async def test_what_one_person_watches_is_theirs_and_ends_with_their_account(hub: Hub, era: str):
    async with WatchedServer(era).serving() as server, running(hub.clock, behind=server) as vendor:
        await hub.register(vendor, per_user=True)
        people: dict[str, Caller] = {}
        for name in ("ann", "bob"):
            browser, people[name] = await hub.person(name, "viewer")
            await hub.connect(vendor, browser, who=name)
        row = (await hub.connecting.look(hub.owner, "tracker"))[0]
        entry: Any = Entry(row, "track", "read")
        updates, connections = HeardUpdates(), hub.process.connections
        lists: list[str] = []
        place = Place(
            updates.publish,
            updates.is_waited,
            partial(whereabouts, hub.world.database),
            lambda _, server_id: lists.append(server_id),
        )
        watching = Watching(connections, place)
        updates.tell_of_topics(watching)
        host = Host(people, Upstreams({}, connections, watching), entry)
        async with (
            served(McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, updates=updates)) as url,
            httpx2.AsyncClient(timeout=SECONDS) as http,
        ):
            desk = Desk(url, http)
            try:
                await _watched_by_two(hub, vendor, server, desk, watching, people)
            finally:
                await host.upstreams.close()
        assert lists == []  # what one account hears of lists is not for the others


async def _watched_by_two(
    hub: Hub, vendor: Any, server: WatchedServer, desk: Desk, watching: Watching, people: dict[str, Caller]
) -> None:
    session = await opened(desk, "ann")
    async with (
        session_stream(desk, session, "ann") as older,
        listening(desk, ONE, token="ann") as newer,
        listening(desk, TWO, token="bob") as of_bob,
    ):
        await newer.next()
        await of_bob.next()
        assert (await subscribe(desk, session, ONE, token="ann"))["result"] == {}
        await server.until_watched(ONE, TWO)
        asked = [uri for method, uri in server.asked if method in ("resources/subscribe", "subscriptions/listen")]
        assert sorted(asked) == [ONE, TWO]  # once per person, however many clients of theirs watch it
        owners = {vendor.tokens[seen.removeprefix("Bearer ")][0] for seen in vendor.seen if seen}
        assert owners == {"ann", "bob"}
        await server.change(ONE)
        assert await older.uri() == ONE
        assert await newer.uri() == ONE
        await server.change(TWO)
        assert await of_bob.uri() == TWO

        assert await hub.connecting.disconnect(people["ann"], "tracker")
        await watching.review(hub.world.workspace_id)
        assert (await older.uri(), await newer.uri()) == (ONE, ONE)  # told to look, and then no more
        await _until_let_go(server, TWO)
        with pytest.raises(NotConnected):
            await hub.call(people["ann"])
        await server.change(TWO)
        assert await of_bob.uri() == TWO

        vendor.refreshes.clear()  # bob ends his consent at the vendor's
        vendor.tokens.clear()
        with pytest.raises(NotConnected):
            await hub.call(people["bob"])
        assert await of_bob.uri() == TWO
        await _until_let_go(server)
        await watching.review(hub.world.workspace_id)
        assert watching.workspaces() == set()


async def _until_let_go(server: WatchedServer, *uris: str) -> None:
    """A server of the older era is not told: nobody is let in any more who could."""
    if server.eras == ("modern",):
        await server.until_watched(*uris)
