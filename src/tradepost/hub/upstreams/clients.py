"""Clients for whatever stands at a URL: an MCP server, a program of the operator's file, a REST API."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.accounts import Account
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.upstreams.rest.link import Offer, RestLink
from tradepost.hub.upstreams.secret_parts import of_headers
from tradepost.hub.vault.header_rules import Header
from tradepost.protocol.api_marks import is_api, web_url
from tradepost.protocol.client import McpClient
from tradepost.protocol.credentialed_link import CredentialedLink
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.link import Link
from tradepost.protocol.options import NOTHING_BESIDE, Beside
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.wire import Timeouts

# What servers of the older era hear once for all calls: a call whose client cannot be asked refuses the question.
TAKEN: dict[str, dict[str, object]] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}


class Clients:
    """Makes them. `look` tells what an API offers, by workspace and server."""

    def __init__(self, guard: Guard, programs: Programs | None = None, timeouts: Timeouts | None = None) -> None:
        self._guard = guard
        self._programs = programs or Programs()
        self._timeouts = timeouts or Timeouts()
        self._http: HttpPool | None = None
        self._staying: HttpPool | None = None
        self.look: Callable[[str, str], Awaitable[Offer]] | None = None

    def made(
        self,
        url: str,
        headers: Sequence[Header],
        limits: Limits = DEFAULTS,
        ambient: Beside = NOTHING_BESIDE,
        account: Account | None = None,
        place: tuple[str, str] | None = None,
    ) -> Connection:
        """A connection to what stands at a URL, not yet opened. `ambient` goes along with every request. `place`,
        workspace and server, is for those who ask what a REST API offers. Raises NotFound for a program that the
        operator's file does not have."""
        if self._http is None or self._staying is None:
            self._http, self._staying = self._guard.http_pool(), self._guard.http_pool()
        timeouts = self._timeouts
        if limits is not DEFAULTS:
            timeouts = replace(timeouts, connect=limits.connect_seconds, handshake=limits.handshake_seconds)
        if is_api(url):
            return self._to_api(self._http, url, headers, timeouts, ambient, account, place)
        if url.startswith(SCHEME):
            starter = self._programs.starter(url.removeprefix(SCHEME))
            program = StdioLink(starter, starter.name)
            return Connection(
                McpClient(self._http, url, timeouts=timeouts, capabilities=TAKEN, program=program, ambient=ambient),
                starter.program.secrets,
            )
        sent = {header.name: header.value for header in headers}
        client, older = (
            McpClient(
                self._http,
                url,
                sent,
                timeouts=timeouts,
                capabilities=TAKEN,
                older=older,
                staying=self._staying,
                ambient=ambient,
                credential=account,
            )
            for older in (False, True)
        )
        return Connection(client, of_headers(headers), older, account)

    def _to_api(
        self,
        http: HttpPool,
        url: str,
        headers: Sequence[Header],
        timeouts: Timeouts,
        ambient: Beside,
        account: Account | None,
        place: tuple[str, str] | None,
    ) -> Connection:
        look = partial(self.look, *place) if self.look is not None and place is not None else None
        link: Link = RestLink(http, web_url(url), headers, timeouts.connect, look)
        if account is not None:
            link = CredentialedLink(link, account, {})
        sent = {header.name: header.value for header in headers}
        client = McpClient(http, url, sent, timeouts=timeouts, program=link, ambient=ambient)
        return Connection(client, of_headers(headers), account=account, is_api=True)

    async def close(self) -> None:
        """Close the pools."""
        for pool in (self._http, self._staying):
            if pool is not None:
                await pool.close()
        self._http = self._staying = None
