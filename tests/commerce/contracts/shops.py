"""The two shops that everything is called over, and who calls."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.commerce.contracts.arguments import Known
from tests.commerce.contracts.offered import SCOPES
from tests.commerce.contracts.references import known_in
from tradepost.commerce.demo import CASES
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.server import StoreServer
from tradepost.commerce.store.privacy import PII_SCOPE
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed

NOW = datetime(2026, 2, 24, 9, 0, tzinfo=UTC)
FULL, EMPTY = "wsp_full", "wsp_empty"

# What a message for a model never holds.
INTERNALS = ("Traceback", 'File "', "sqlalchemy", "psycopg", "sqlite", "object at 0x", "SELECT ", "<class", "KeyError")


ME = "CUST-10503"  # has an order whose return is on its way


def caller(workspace: str) -> Caller:
    """May do everything, and is bound to one customer for the tools that answer customers about themselves."""
    return Caller(
        workspace,
        Principal("operator", "test"),
        "req_test",
        scopes=SCOPES | {PII_SCOPE},
        attributes={"customer": ME},
    )


def servers(store: Database) -> tuple[StoreServer, ...]:
    return build_servers(store, fixed(NOW))


_references: dict[str, Known] = {}


def mine(parameter: str) -> Sequence[str]:
    """Names of what the customer has, and of an order that is somebody else's."""
    orders = (CASES["order_of_return_in_window"], CASES["placed_this_morning"])
    named = {"rma": (CASES["return_in_window"],), "fields": ("id", "status"), "cursor": ()}
    return orders if parameter in ("order_id", "me") else named.get(parameter, ())


async def references(store: Database, slug: str = "") -> Known:
    """What the full shop has; in the empty one nothing of it exists. Where a server answers one customer alone, what
    that customer has."""
    if slug == "self_service":
        return mine
    url = str(store.url)
    if url not in _references:
        async with store.transaction(FULL, write=False) as session:
            _references[url] = await known_in(session)
    return _references[url]
