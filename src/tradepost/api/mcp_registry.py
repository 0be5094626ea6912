"""The official MCP Registry's API over the hub's approved servers, to be read: `/v0.1/servers` and, for those who look
there, `/v0/servers`. Clients that are configured with the hub as their registry find what the company approved."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from tradepost.api.paging import Place
from tradepost.api.parts import Parts
from tradepost.api.problems import problem_of
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound, TradepostError, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.foundation.pagination import decode_cursor, encode_cursor
from tradepost.hub.access.oauth.resources import REST
from tradepost.hub.access.workspaces import find_workspace
from tradepost.hub.registration.listing import Listed, approved_servers, since
from tradepost.protocol.exchange import ClientGone, Exchange

VERSIONS = ("/v0.1/", "/v0/")
DEFAULT_LIMIT = 30
MAX_LIMIT = 100
LATEST = "latest"

_ONE = re.compile(r"servers/([a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+)/versions(?:/([^/]+))?")
_WELCOME = frozenset({"agent_key", "api_key", "user"})
_TRUE = {"true": True, "false": False, "1": True, "0": False}
_LISTING = frozenset({"cursor", "limit", "search", "updated_since", "version", "include_deleted"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a list is asked for."""

    limit: int
    cursor: str | None
    search: str
    moment: datetime | None
    version: str | None
    deleted: bool


class McpRegistry:
    """An ASGI application. `url` is the hub's public one, and `public` the workspace whose list is there for everybody;
    without one every request needs a credential, as everywhere."""

    def __init__(self, parts: Parts, url: str, public: str | None = None) -> None:
        self._parts = parts
        self._url = url
        self._public = public

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return path.startswith(VERSIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            status, value, headers = await self._answer(exchange)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  the edge: whatever it is, the client gets an answer
            status, value, headers = self._refusal(error, exchange)
        body = orjson.dumps(value)
        lines = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        start = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in lines.items()]
        await exchange.send({"type": "http.response.start", "status": status, "headers": start})
        await exchange.send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})

    async def _answer(self, exchange: Exchange) -> tuple[int, Json, Mapping[str, str]]:
        path = exchange.path.split("/", 2)[2]
        known, one = path == "servers", _ONE.fullmatch(path)
        caller = await self._caller(exchange)
        if exchange.method not in ("GET", "HEAD"):
            return 501, {"error": "This registry is read-only: servers are approved in the hub."}, {}
        if not known and one is None:
            raise NotFound("There is no such path.")
        query = _query(exchange.scope["query_string"], _LISTING if known else {"include_deleted"})
        workspace_id = caller.workspace_id if caller is not None else await self._public_workspace()
        async with self._parts.database.transaction(workspace_id, write=False) as session:
            servers = await approved_servers(session, caller, self._url)
        if one is None:
            return 200, _page(servers, _asked(query), workspace_id), {}
        found = [server for server in servers if server.name == one[1] and (not server.deleted or _deleted(query))]
        if one[2] is not None:
            found = [server for server in found if one[2] in (LATEST, server.version)]
        if not found:
            raise NotFound("Server not found")
        if one[2] is not None:
            return 200, found[0].as_response(), {}
        return 200, {"servers": [server.as_response() for server in found], "metadata": {"count": len(found)}}, {}

    async def _caller(self, exchange: Exchange) -> Caller | None:
        """Who asks; None for everybody, where that is allowed. A token for the REST API is good here, too. Raises
        Unauthenticated, RateLimited."""
        gateway = self._parts.gateway.gateway
        try:
            caller = await gateway.authenticate(exchange.arrival()._replace(path=REST))
        except Unauthenticated:
            if self._public is not None and "authorization" not in exchange.headers:
                return None
            raise
        if caller.principal.kind not in _WELCOME:
            raise Unauthenticated(
                "This credential is not for the registry.", hint="Send a key of a person or an agent."
            )
        await gateway.count(caller)
        return caller.for_request(new_id("req"))

    async def _public_workspace(self) -> str:
        return (await find_workspace(self._parts.database, self._public or "")).id

    def _refusal(self, error: Exception, exchange: Exchange) -> tuple[int, Json, Mapping[str, str]]:
        problem = problem_of(error, "authorization" in exchange.headers, self._parts.metadata_url)
        if isinstance(error, NotFound):
            return 404, {"error": error.message}, {}
        value: Json = {"error": problem.detail, "code": problem.code}
        if isinstance(error, TradepostError) and problem.hint is not None:
            value["hint"] = problem.hint
        return problem.status, value, problem.headers


def _query(given: bytes, known: frozenset[str] | set[str]) -> dict[str, str]:
    """The parameters that there are; others mean nothing here, as at the official registry. Raises InvalidArgument."""
    try:
        pairs = parse_qsl(given.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise InvalidArgument("The query cannot be read.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in known:
            if name in found or "\0" in value or len(value) > 1_000:
                raise InvalidArgument(f"'{name}' is given twice, or is too long.", field=name)
            found[name] = value
    return found


def _deleted(query: Mapping[str, str]) -> bool:
    said = query.get("include_deleted", "false")
    if said not in _TRUE:
        raise InvalidArgument("'include_deleted' is true or false.", field="include_deleted")
    return _TRUE[said]


def _asked(query: Mapping[str, str]) -> _Asked:
    limit = query.get("limit") or str(DEFAULT_LIMIT)
    if not limit.isascii() or not limit.isdigit() or len(limit) > 4 or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidArgument(f"'limit' is a whole number from 1 to {MAX_LIMIT}.", field="limit")
    moment = None
    if query.get("updated_since"):
        try:
            moment = from_rfc3339(query["updated_since"].replace(" ", "+"))
        except (ValueError, OverflowError):
            raise InvalidArgument(
                "'updated_since' is no time; write it like 2026-02-24T09:00:00Z.", field="updated_since"
            ) from None
    return _Asked(
        limit=int(limit),
        cursor=query.get("cursor") or None,
        search=query.get("search", ""),
        moment=moment,
        version=query.get("version") or None,
        deleted=_deleted(query) or moment is not None,
    )


def _page(servers: Sequence[Listed], asked: _Asked, workspace_id: str) -> Json:
    filters = (asked.search, asked.moment, asked.version, asked.deleted)
    kind = Place("registry", workspace_id, asked.limit, asked.cursor, filters).kind
    after = decode_cursor(kind, asked.cursor, 1)
    found = [
        one
        for one in since(servers, asked.moment)
        if one.fits(asked.search)
        and (asked.deleted or not one.deleted)
        and asked.version in (None, LATEST, one.version)
        and (after is None or one.name > str(after.values[0]))
    ]
    shown = found[: asked.limit]
    metadata: Json = {"count": len(shown)}
    if len(found) > len(shown):
        metadata["nextCursor"] = encode_cursor(kind, [shown[-1].name])
    return {"servers": [one.as_response() for one in shown], "metadata": metadata}
