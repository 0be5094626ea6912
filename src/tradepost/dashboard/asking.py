"""Asking the REST routes for the person who has signed in: the same rules, the same answers, the same refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from tradepost.dashboard.ports import Answer, Rest
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound

PREFIX = "/api/v1/"
MOST = 50  # on one page of a list


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a route refused, in the words of its problem document."""

    status: int
    title: str
    detail: str
    hint: str | None = None
    field: str | None = None
    code: str = ""
    retry_after: str | None = None


class Refused(Exception):
    """A route refused what was asked."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Asking:
    """The routes as one person may use them, within one request for a page."""

    def __init__(self, rest: Rest, caller: Caller) -> None:
        self._rest = rest
        self._caller = caller

    async def get(self, *path: str, **query: Any) -> Any:
        """What GET of a path answers, which is given in parts. What is None or empty is left out of the query. Raises
        Refused."""
        return _value(await self._ask("GET", path, query))

    async def all(self, *path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page: of those that people keep short. Raises Refused."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self.get(*path, **query, limit=MOST, cursor=cursor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def send(self, method: str, *path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """What a change answers, None for nothing. Raises Refused."""
        return _value(await self._ask(method, path, query, orjson.dumps(body) if body is not None else b""))

    async def whole(self, *path: str, **query: Any) -> Answer:
        """An answer that is passed on as it is: a file. Raises Refused."""
        answer = await self._ask("GET", path, query)
        if answer.status >= 400:
            raise Refused(_problem(answer))
        return answer

    async def _ask(self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: bytes = b"") -> Answer:
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        if any("/" in part for part in path):  # a name that was made up: no route has it
            raise NotFound("There is no such page.")
        return await self._rest.ask(self._caller, method, PREFIX + "/".join(path), asked, body)


def link(*path: str, **query: Any) -> str:
    """An address within the hub: parts of the path quoted, what is None or empty left out of the query."""
    asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return "/" + "/".join(quote(part, safe="") for part in path) + (f"?{asked}" if asked else "")


def _value(answer: Answer) -> Any:
    if answer.status >= 400:
        raise Refused(_problem(answer))
    return orjson.loads(answer.body) if answer.body else None


def _problem(answer: Answer) -> Problem:
    said = orjson.loads(answer.body)
    return Problem(
        answer.status,
        said["title"],
        said["detail"],
        said.get("hint"),
        said.get("field"),
        said["code"],
        answer.headers.get("retry-after"),
    )
