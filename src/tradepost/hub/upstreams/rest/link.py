"""A REST API in the place of an MCP server: what the client asks of a server is answered here, from what the API's
document came to, and a call of a tool becomes one HTTP request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

import orjson

from tradepost import __version__
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.redaction import redact
from tradepost.hub.upstreams.rest.answers import error_result, result_of
from tradepost.hub.upstreams.rest.encoding import Encoded, encoded
from tradepost.hub.upstreams.rest.plan import Plan, QueryPart, cookie_name, query_name
from tradepost.hub.vault.header_rules import Header
from tradepost.protocol.answers import OnMessage, read_body
from tradepost.protocol.api_marks import REQUEST
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_pool import Dispatch, HttpPool
from tradepost.protocol.http_request import HttpUrl, header_lines, read_http_url
from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND, Json
from tradepost.protocol.modern import VERSION
from tradepost.protocol.notices import Notices
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import Answered, refused

# A compressed answer is refused: a small one may be a huge one.
_ALWAYS = {
    "accept": "application/json, application/problem+json, */*;q=0.1",
    "accept-encoding": "identity",
    "user-agent": f"tradepost/{__version__}",
    "connection": "keep-alive",
}
COOKIE = "!#$%&'()*+-./:<=>?@[]^_`{|}~"  # what a cookie's value has beside letters and digits (RFC 6265)
_SHOWN = ("authorization",)  # what a credential that changes is shown in
_BARE: Plan = {"method": "GET", "path": "/", "parameters": []}


@dataclass(frozen=True, slots=True)
class Offer:
    """What an API has to offer: its title, its tools, and a request that tries it, which changes nothing."""

    title: str
    tools: Sequence[Json]
    trial: Plan | None


class _Trial:
    """Nobody's call."""

    dispatched = False


Look = Callable[[], Awaitable[Offer]]


class RestLink:
    """One API with one credential. `look` says what it offers; without it, it only answers calls."""

    transport: Transport = "rest"
    generation = 0

    def __init__(
        self, http: HttpPool, base_url: str, headers: Sequence[Header], connect_seconds: float, look: Look | None = None
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._connect_seconds = connect_seconds
        self._look = look
        self._offer: Offer | None = None
        self._ids = count(1)
        self._fixed: dict[str, str] = {}
        self._query: list[QueryPart] = []
        for one in headers:
            self._keep(one)
        self._secrets = tuple(one.value for one in headers if one.hidden)

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
        """See Link. A plan comes with each call, since it belongs to the definition that was approved."""
        if method == "tools/call":
            beside = {name: value for name, value in headers.items() if not name.startswith("mcp-")}
            result = await self._call(params, beside, deadline, repeatable)
        elif method == "server/discover":
            result = await self._discovered({name: headers[name] for name in _SHOWN if name in headers})
        elif method == "tools/list" and self._look is not None:
            result = {"tools": list((await self._offered(self._look)).tools)}
        else:
            raise refused({"code": METHOD_NOT_FOUND, "message": f"A REST API has no {method[:60]}."})
        request_id = next(self._ids)
        message: Json = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return Answered(message, orjson.dumps(message), request_id, {})

    async def post(self, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        """An API is told nothing beside calls."""

    async def open(
        self, method: str | None, params: Json, headers: Mapping[str, str], deadline: Deadline, after: str | None = None
    ) -> Notices:
        """See Link: an API tells nothing of its own accord."""
        raise refused({"code": METHOD_NOT_FOUND, "message": "A REST API has no streams."})

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        """There is no session."""

    async def close(self) -> None:
        """The connections are the pool's."""

    def _keep(self, header: Header) -> None:
        """Where the credential goes: into the headers, the query or the cookies."""
        in_query, in_cookie = query_name(header.name), cookie_name(header.name)
        if in_query is not None:
            self._query.append(QueryPart(in_query, header.value))
        elif in_cookie is not None:
            before = f"{self._fixed['cookie']}; " if "cookie" in self._fixed else ""
            self._fixed["cookie"] = f"{before}{in_cookie}={quote(header.value, safe=COOKIE)}"
        else:
            self._fixed[header.name.lower()] = header.value

    async def _call(self, params: Json, beside: Mapping[str, str], deadline: Deadline, repeatable: bool) -> Json:
        plan: Plan | None = params["_meta"].get(REQUEST)
        if plan is None:
            raise UpstreamFailed("The tool stands for no request.", dispatched=False, hint="Discover the API again.")
        to, base_path = self._to()
        try:
            request = encoded(plan, params["arguments"], base_path, self._query)
        except InvalidArgument as error:
            return error_result(error)
        status, headers, body = await self._exchange(to, request, beside, deadline, repeatable)
        try:
            return result_of(plan, status, headers, body)
        except UpstreamFailed as error:
            error.details.update(redact(error.details, (*self._secrets, *_tokens(beside))))
            raise

    async def _discovered(self, shown: Mapping[str, str]) -> Json:
        """Where somebody looks at the API, it is tried for real, with its credential."""
        info: Json = {"name": "REST API", "version": ""}
        if self._look is not None:
            try:
                offer = await self._offered(self._look)
                info["title"] = offer.title
                await self._try(offer.trial or _BARE, shown, strict=offer.trial is not None)
            except (UpstreamFailed, UpstreamTimedOut) as error:
                error.dispatched = False  # what it says is final: no other way of beginning is tried
                raise
        return {"supportedVersions": [VERSION], "capabilities": {"tools": {}}, "serverInfo": info}

    async def _try(self, trial: Plan, shown: Mapping[str, str], *, strict: bool) -> None:
        """Any answer shows that the API is there, but one that it cannot serve. The bare base URL is often not known
        to an API, and then asks for no credential either."""
        to, base_path = self._to()
        request = encoded(trial, {}, base_path, self._query)
        status, headers, body = await self._exchange(to, request, shown, _Trial(), True)
        if 300 <= status < 400 and not strict:
            return
        if status in (403, 404) and not strict:
            return
        if status == 403:
            raise UpstreamFailed(
                "The API refused the credential (HTTP 403).", dispatched=True, answered=True, status=403
            )
        result_of(trial, status, headers, body)

    def _to(self) -> tuple[HttpUrl, str]:
        """Where the API is, and what stands before the paths."""
        to = read_http_url(self._base_url)
        return to, to.target.partition("?")[0]

    async def _offered(self, look: Look) -> Offer:
        if self._offer is None:
            self._offer = await look()
        return self._offer

    async def _exchange(
        self, to: HttpUrl, request: Encoded, beside: Mapping[str, str], dispatch: Dispatch, repeatable: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. What the credential sets, nothing else can."""
        headers = {**request.headers, **beside, **_ALWAYS, **self._fixed, "host": to.authority}
        if request.body or request.method not in ("GET", "HEAD", "DELETE"):
            headers["content-length"] = str(len(request.body))
        head = f"{request.method} {request.target} HTTP/1.1\r\n".encode() + header_lines(headers) + b"\r\n"
        answer = await self._http.send(
            to, head, request.body, dispatch, connect_seconds=self._connect_seconds, repeatable=repeatable
        )
        try:
            coding = answer.headers.get("content-encoding", "")
            if request.method == "HEAD":  # has the headers of a body, and none
                return answer.status, answer.headers, b""
            if coding.lower() not in ("", "identity"):
                raise UpstreamFailed(
                    "The API answered with a content encoding that was not asked for.", dispatched=True
                )
            return answer.status, answer.headers, await read_body(answer)
        finally:
            answer.close()


def _tokens(headers: Mapping[str, str]) -> list[str]:
    """What must not come back of a credential that changes."""
    shown = [headers[name] for name in _SHOWN if name in headers]
    return [part for value in shown for part in (value, value.partition(" ")[2]) if part]


def trial_of(definitions: Sequence[dict[str, Any]]) -> Plan | None:
    """The first request among tools that reads and needs no argument."""
    for definition in definitions:
        plan: Plan = definition["_meta"][REQUEST]
        if plan["method"] == "GET" and not definition["inputSchema"].get("required"):
            return plan
    return None
