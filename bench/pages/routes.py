"""Which pages there are, and an address of each: found as people find them, by the links of other pages."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from bench.pages.visiting import Visitor
from tradepost.dashboard.sections import SECTIONS
from tradepost.dashboard.site import PAGES

BEGIN = ("/today", *(f"/store/{name}" for name in SECTIONS), "/account")
# Forms on pages that no link carries; what they find is there in every demo.
SEARCHES = (
    "/store/orders?q=anna",
    "/store/orders?status=open",
    "/store/customers?query=anna",
    "/store/inventory?state=out_of_stock",
    "/activity?tool=get_order",
    "/activity?kind=decision",
    "/activity?tool=get_order&since=2020-01-01&until=2100-01-01",
    "/approvals?state=all",
    "/conversations?q=order",
    "/integrations/tracker/test",
    "/integrations/tracker/discovered",
    "/integrations/tracker/assign",
)
# A file of all that is recorded, and pages that ask a host outside.
_LEFT_OUT = ("/activity/export", "/integrations/new/registry", "/integrations/new/registry/add")
_MORE = ("/approvals/{approval}", "/account", "/account/second-factor")
_TO_SHOW = "/store"  # leads to its first section


def patterns() -> list[str]:
    """The paths of all pages; those with a section once for each, since each is another list."""
    found = [path for path, method, _ in PAGES if method == "GET" and path not in (*_LEFT_OUT, _TO_SHOW)]
    told = [path.replace("{section}", name) for path in found for name in SECTIONS if "{section}" in path]
    without = {f"/store/{name}/{{number}}" for name, section in SECTIONS.items() if section.one is None}
    return [path for path in (*found, *_MORE, *told) if "{section}" not in path and path not in without]


def addresses(visitor: Visitor) -> dict[str, str]:
    """An address for each page, for each kind of filter and for the second page of lists, by what they are called."""
    known = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in patterns()]
    known.sort(key=_vary)
    found: dict[str, str] = {}
    waiting = [*BEGIN, *SEARCHES]
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        pattern = next((path for shape, path in known if shape.fullmatch(parts.path)), None)
        if pattern is None or parts.netloc or parts.path in _LEFT_OUT:
            continue
        name = " ".join((pattern, *_asked(parts.query)))
        if name in found:
            continue
        page = visitor.get(address.partition("#")[0])
        if page.status != 200:
            raise RuntimeError(f"{address} was answered with {page.status}: {page.body.decode()[:2000]}")
        found[name] = address.partition("#")[0]
        waiting += page.links
    return found


def _vary(known: tuple[re.Pattern[str], str]) -> int:
    """How many parts of a path vary: those without any are looked at first."""
    return known[1].count("{")


def _asked(query: str) -> Iterator[str]:
    """What a query asks for: the second page of a list is one thing, whatever its cursor."""
    for name, values in parse_qs(query).items():
        yield "second page" if name == "cursor" else f"{name}={values[0]}" if name in ("state", "kind") else name
