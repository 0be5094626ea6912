"""Which HTTP request a tool of a REST API stands for. It is compiled from the API's document and stands in the tool's
pinned definition, so that what a person approved is exactly what is sent."""

from typing import Any, Literal, NamedTuple, NotRequired
from urllib.parse import quote, unquote

from typing_extensions import TypedDict

from tradepost.protocol.api_marks import REQUEST

# A header of the vault under such a name is sent as a part of the query, or as a cookie, where an API wants its key.
IN_QUERY = "tradepost-query-"
IN_COOKIE = "tradepost-cookie-"

Place = Literal["path", "query", "header"]
Style = Literal["simple", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]


class Parameter(TypedDict):
    """How an argument goes into path, query or headers, where the API calls it `name`."""

    argument: str
    name: str
    place: Place
    style: Style
    explode: bool


class Body(TypedDict):
    """The body: one argument as a `whole`, or the `members` of an object by argument."""

    type: str
    whole: NotRequired[str]
    members: NotRequired[dict[str, str]]
    required: bool


class Plan(TypedDict):
    """A request. `path` is behind the base URL, or behind the origin where it is `rooted`. `fields` are the parts of an
    answer that go on; without any, all do."""

    method: str
    path: str
    parameters: list[Parameter]
    body: NotRequired[Body]
    fields: NotRequired[list[str]]
    rooted: NotRequired[bool]


class QueryPart(NamedTuple):
    """A credential that travels in the query."""

    name: str
    value: str


def plan_of(definition: dict[str, Any]) -> Plan | None:
    """The plan in a definition; None where there is none."""
    meta = definition.get("_meta")
    plan: Plan | None = meta.get(REQUEST) if isinstance(meta, dict) else None
    return plan


def query_header(name: str) -> str:
    """The name under which the vault keeps a value for the query."""
    return IN_QUERY + quote(name, safe="")


def query_name(header: str) -> str | None:
    """What such a value is called in the query; None for a header that is none."""
    return unquote(header[len(IN_QUERY) :]) if header.lower().startswith(IN_QUERY) else None


def cookie_header(name: str) -> str:
    """The name under which the vault keeps a value for a cookie."""
    return IN_COOKIE + quote(name, safe="")


def cookie_name(header: str) -> str | None:
    """What such a value is called as a cookie; None for a header that is none."""
    return unquote(header[len(IN_COOKIE) :]) if header.lower().startswith(IN_COOKIE) else None
