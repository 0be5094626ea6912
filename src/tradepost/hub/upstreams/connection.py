"""One connection: the client, and what travels with it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tradepost.hub.upstreams.oauth.accounts import Account
from tradepost.hub.upstreams.oauth.models import EVERYBODY
from tradepost.protocol.client import McpClient
from tradepost.protocol.upstream_errors import UpstreamFailed

Key = tuple[str, str, str, int, float, float]  # workspace, server, URL, version of its credential, seconds of patience


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the secrets that travel with it (to keep them out of what comes back). `older` is a client that
    begins with the handshake, for calls whose own client is asked during the call: a server that has both eras asks
    that way in the older one only. To an API that is no MCP server, each call brings the request it stands for."""

    client: McpClient
    own: tuple[str, ...] = field(repr=False)
    older: McpClient | None = None
    account: Account | None = None
    on_refused: Callable[[], None] | None = None  # where another credential may be had than the one that was refused
    is_api: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not come back from the server."""
        return self.own if self.account is None else (*self.account.secrets, *self.own)

    @property
    def holder(self) -> str:
        """Whose account it goes over, where each person has their own."""
        return self.account.place.holder if self.account is not None and self.account.setup.per_user else EVERYBODY

    async def for_call(self, *, asks_in_call: bool, seconds: float | None = None) -> McpClient:
        """The client in whose era the questions of the server reach the caller; `seconds` are left to find out. Raises
        UpstreamTimedOut."""
        if self.older is None or not asks_in_call:
            return self.client
        known = self.client.identity
        if known is not None and known.era == "legacy" and known.transport == "streamable-http":
            return self.client  # whose session is listened to: what the server asks there is heard
        try:
            await self.older.connect(seconds)
        except UpstreamFailed:
            return self.client  # the server has the newer era alone, and asks by its result
        return self.older

    async def close(self) -> None:
        """End its sessions."""
        await self.client.close()
        if self.older is not None:
            await self.older.close()
