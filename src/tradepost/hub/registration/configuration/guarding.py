"""Every URL of a file passes the guard before anything is stored, and no secret travels where everybody could read it.

What is there already counts as good; whether a secret may travel there is looked at anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tradepost.foundation.errors import ForbiddenScope, TradepostError
from tradepost.hub.registration.caller_assertion import check_audience
from tradepost.hub.registration.configuration.document import Document, ServerPart
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.configuration.values import Given
from tradepost.hub.registration.oauth_terms import require_privacy
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.vault.managers.references import holds_reference
from tradepost.protocol.api_marks import web_url


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a server is, and whom else the hub asks for it: its authorization server, where its document stands."""

    url: str | None = None
    hidden: bool = False
    asked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Rows, row: Server) -> Self:
        """What the rows say."""
        api, oauth = rows.apis.get(row.id), rows.oauth.get(row.id)
        found = {api.source} if api is not None else set()
        if oauth is not None:
            found |= {oauth.issuer, oauth.endpoints.get("token")}
        return cls(row.url, row.url_hidden, frozenset(url for url in found if url))


class Guarding:
    """Checks the servers of a file. `programs` are the operator's; None where no server can be made one of them."""

    def __init__(self, guard: Guard, programs: Programs | None) -> None:
        self._guard = guard
        self._programs = programs

    async def check(self, read: Read, wanted: Document, asked: Mapping[str, Looked], given: Given) -> None:
        """Raises InvalidArgument with the place in the file, ForbiddenScope."""
        for number, part in enumerate(wanted.servers):
            if part.kind == "bundled":
                continue
            path: Path = ("servers", number)
            before = asked.get(part.slug, Looked())
            url = part.url or before.url
            try:
                if url is not None and url.startswith(SCHEME):
                    if url != before.url:
                        self._check_program(url.removeprefix(SCHEME))
                elif url is not None:
                    await self._check_url(part, web_url(url), before, given)
                path = ("servers", number, "oauth")
                await self._check_asked(part, before)
            except ForbiddenScope:
                raise
            except TradepostError as error:
                member = ("oauth",) if path[-1] == "oauth" else ("url",) if part.url is not None else ("slug",)
                raise read.wrong(("servers", number, *member), error.message, error.hint) from None

    def _check_program(self, name: str) -> None:
        if self._programs is None:
            raise ForbiddenScope(
                "Servers that are programs are added on the hub's own machine alone.",
                hint="Let its operator import the file: tradepost import FILE",
            )
        self._programs.starter(name)

    async def _check_url(self, part: ServerPart, url: str, before: Looked, given: Given) -> None:
        if isinstance(part.caller_assertion, str):
            check_audience(part.caller_assertion, url)
        is_plain = not url.startswith("https:")
        whole = given.urls.get(part.slug)
        sends = part.slug in given.headers and any(one.secret for one in part.headers)
        hides = part.secret_url and not before.hidden
        protects = part.caller_assertion is not False or sends or hides or whole is not None or part.oauth is not None
        if whole is not None and not holds_reference(whole):  # that is checked when it is read
            await self._guard.check(whole)
        is_there = before.url is not None and url == web_url(before.url)
        if is_there and not (is_plain and protects):
            return
        origin = await self._guard.check(url)
        if is_plain and protects:
            await require_privacy(self._guard, origin)

    async def _check_asked(self, part: ServerPart, before: Looked) -> None:
        """Those that give out tokens, and where a document is read."""
        oauth = part.oauth
        for url in (oauth.token_url, oauth.issuer) if oauth is not None else ():
            if url is not None and url not in before.asked:
                await require_privacy(self._guard, await self._guard.check(url))
        if part.api is not None and part.api.source is not None and part.api.source not in before.asked:
            await self._guard.check(part.api.source)
