"""A way to a server whose credential changes while it is used: tokens that run out and are renewed.

Every request, whatever its method, asks for the credential here; there is no other place that sends one. A server that
refuses it is asked once more with a renewed one, where asking twice does no harm.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from tradepost.protocol.answers import OnMessage
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.link import Link
from tradepost.protocol.notices import Notices
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Answered

Found = TypeVar("Found")
Headers = Mapping[str, str]


class Credential(Protocol):
    """What a server is shown."""

    async def headers(self) -> Headers:
        """The headers of now, names in lower case. Raises UpstreamFailed, UpstreamTimedOut where there are none."""
        ...

    async def renewed(self, refused: Headers) -> Headers | None:
        """Others than those that the server refused; None where there are none. Raises as `headers` does."""
        ...


class CredentialedLink:
    """A Link that shows the credential. `also` is what the link itself sends with what is no request of ours; the
    credential of the last request is kept in it."""

    def __init__(self, link: Link, credential: Credential, also: dict[str, str]) -> None:
        self._link = link
        self._credential = credential
        self._also = also

    @property
    def transport(self) -> Transport:
        """See Link."""
        return self._link.transport

    @property
    def generation(self) -> int:
        """See Link."""
        return self._link.generation

    async def request(
        self,
        method: str,
        params: Json,
        headers: Mapping[str, str],
        on_message: OnMessage,
        deadline: Deadline,
        *,
        repeatable: bool,
    ) -> Answered:
        """See Link."""

        async def sent(shown: Headers) -> Answered:
            given = {**headers, **shown}
            return await self._link.request(method, params, given, on_message, deadline, repeatable=repeatable)

        return await self._with_credential(sent, deadline, repeatable=repeatable)

    async def post(self, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        """See Link."""

        async def sent(shown: Headers) -> None:
            await self._link.post(message, {**headers, **shown}, deadline)

        await self._with_credential(sent, deadline, repeatable=True)

    async def open(
        self, method: str | None, params: Json, headers: Mapping[str, str], deadline: Deadline, after: str | None = None
    ) -> Notices:
        """See Link."""

        async def sent(shown: Headers) -> Notices:
            return await self._link.open(method, params, {**headers, **shown}, deadline, after)

        return await self._with_credential(sent, deadline, repeatable=True)

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        """See Link. A session is not worth a new credential."""
        await self._link.delete({**headers, **self._also}, deadline)

    async def close(self) -> None:
        """See Link."""
        await self._link.close()

    async def _with_credential(
        self, send: Callable[[Headers], Awaitable[Found]], deadline: Deadline, *, repeatable: bool
    ) -> Found:
        shown = await self._credential.headers()
        self._also.update(shown)
        try:
            return await send(shown)
        except UpstreamFailed as error:
            if error.status != 401:
                raise
            renewed = await self._credential.renewed(shown)
            if renewed is None:
                raise
            self._also.update(renewed)
            if not repeatable:
                error.hint = "The credential has been renewed. Nothing was sent twice: call again if it is wanted."
                raise
        deadline.dispatched = False
        return await send(renewed)
