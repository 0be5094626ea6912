"""The lists of a server, page by page, bounded: it is not trusted to ever end."""

from collections.abc import Awaitable, Callable

from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND, Json
from tradepost.protocol.upstream_errors import UpstreamFailed

MAX_PAGES = 100
MAX_ITEMS = 5_000
MAX_TOOLS = 1_024  # a catalog of more is of no use to a model


async def all_pages(page: Callable[[Json], Awaitable[Json]], method: str, key: str) -> list[Json]:
    """The items under `key` of all pages; `page` gives the result for the params of one. A server that does not offer
    this kind of thing has an empty list. Raises UpstreamFailed."""
    items: list[Json] = []
    seen: set[str] = set()
    params: Json = {}
    for _ in range(MAX_PAGES):
        try:
            result = await page(params)
        except UpstreamFailed as error:
            if error.rpc_code == METHOD_NOT_FOUND and method != "tools/list":
                return items
            raise
        found = result.get(key)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise _wrong(f"{method} without a list of {key}")
        items.extend(found)
        most = MAX_TOOLS if key == "tools" else MAX_ITEMS
        if len(items) > most:
            more = "" if result.get("nextCursor") is None else "at least "
            raise UpstreamFailed(
                f"The server offers {more}{len(items):,} {key}, and at most {most:,} can be registered.",
                dispatched=True,
                hint="Nothing of it was taken in. Its owner can offer fewer, or split it into several servers.",
            )
        cursor = result.get("nextCursor")
        if cursor is None:
            return items
        if not isinstance(cursor, str) or cursor in seen:
            break
        seen.add(cursor)
        params = {"cursor": cursor}
    raise _wrong(f"{method} with more than {MAX_PAGES} pages or a cursor that repeats")


def _wrong(what: str) -> UpstreamFailed:
    return UpstreamFailed(f"The server answered with {what}.", dispatched=True)
