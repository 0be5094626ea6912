"""The two shops that everything is called over, and who calls."""

from datetime import UTC, datetime

from tests.commerce.contracts.arguments import Known
from tests.commerce.contracts.offered import SCOPES
from tests.commerce.contracts.references import known_in
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


def caller(workspace: str) -> Caller:
    return Caller(workspace, Principal("operator", "test"), "req_test", scopes=SCOPES | {PII_SCOPE})


def servers(store: Database) -> tuple[StoreServer, ...]:
    return build_servers(store, fixed(NOW))


_references: dict[str, Known] = {}


async def references(store: Database) -> Known:
    """What the full shop has; in the empty one nothing of it exists."""
    url = str(store.url)
    if url not in _references:
        async with store.transaction(FULL, write=False) as session:
            _references[url] = await known_in(session)
    return _references[url]
