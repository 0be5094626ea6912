"""How hub, commerce and agents reach their databases, read off the source: by ORM classes inside a session that is
bound to a workspace. Whatever goes around that (raw SQL, tables instead of classes, sessions or connections of one's
own, the sessions over all workspaces) stands here with its reason, or it is a mistake."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tradepost"
MODULES = sorted(path for folder in ("hub", "commerce", "agents") for path in (SOURCE / folder).rglob("*.py"))

RAW_SQL = {
    "commerce/store/columns.py": "the condition of a partial index, when the tables are declared",
    "hub/audit/models.py": "the condition of a partial index, when the tables are declared",
    "hub/actions/clock.py": "the database's own clock; touches no table",
    "hub/access/changes.py": "pg_notify; touches no table",
    "hub/vault/sealed_rows.py": "locks the sealed tables while they are counted; reads and changes nothing",
}
TABLES = {
    "agents/conversations/keeping.py": "adds a step and counts it, at every step of every turn; each statement names "
    "the workspace, RLS checks it on PostgreSQL",
    "agents/conversations/words.py": "the full-text table of SQLite, joined by number with an ORM class",
    "commerce/demo/volume/loading.py": "bulk load of a demo shop's history; every row and update names its workspace",
    "commerce/demo/volume/sheets.py": "the columns of those rows",
    "commerce/flows/insight/kpi_facts.py": "groups by the names of result columns; every table in it is an ORM class",
    "commerce/flows/insight/sales_lines.py": "zeros, a word for no category; every table in it is an ORM class",
    "commerce/store/copied.py": "changes only columns that repeat others, past their versions; each statement names "
    "the workspace, RLS checks it on PostgreSQL",
    "commerce/store/order_sums.py": "changes only the sums of orders, past their versions; each statement names the "
    "workspace, RLS checks it on PostgreSQL",
    "commerce/demo/draft.py": "bulk insert of a demo shop; every row names its workspace, RLS checks it on PostgreSQL",
    "commerce/store/wording.py": "the names and types of columns, for words about them; reads no row of them",
}
CONNECTIONS = {
    "agents/conversations/keeping.py": "the session's own connection, inside its transaction, before it commits",
    "commerce/store/copied.py": "the session's own connection, inside its transaction, before it commits",
    "commerce/store/order_sums.py": "the session's own connection, inside its transaction, before it commits",
    "commerce/demo/draft.py": "the session's own connection, inside its transaction, for the bulk insert",
    "hub/registry/watch.py": "reads registry versions by workspace id on its own connection at every call",
    "hub/registry/channel.py": "listens for registry versions on PostgreSQL; touches no table",
}
EVERY_WORKSPACE = {
    "agents/conversations/claims.py": "a process runs the turns of every workspace; each claim names its own",
    "agents/conversations/elsewhere.py": "a process listens to, and writes for, conversations of every workspace",
    "agents/conversations/forgetting.py": "one round finds the rules of every workspace",
    "agents/conversations/worker.py": "one round finds what the turns of every workspace wait for",
    "hub/access/accounts.py": "who signs in says an address or an identity, and may be a user of several workspaces",
    "hub/access/person_links.py": "a one-time link says which workspace it belongs to; the start looks at all",
    "hub/access/person_sessions.py": "a browser's cookie says which workspace it belongs to, so it is looked up in all",
    "hub/access/authenticate.py": "a credential says which workspace it belongs to, so it is looked up in all",
    "hub/access/oauth/access_tokens.py": "a token says which workspace it belongs to, so it is looked up in all",
    "hub/access/oauth/clients.py": "a client's id says which workspace registered it, before anybody has signed in",
    "hub/access/oauth/issuing.py": "a code or refresh token says which workspace it belongs to",
    "hub/access/oauth/looking.py": "a token that is asked about says which workspace it belongs to",
    "hub/access/workspaces.py": "lists and finds the workspaces themselves",
    "commerce/outbound/relay.py": "one relay follows the outbox and the effects of every workspace",
    "hub/actions/expiry.py": "the sweeper lets approvals of every workspace expire",
    "hub/policy/totals.py": "the sweeper deletes totals of days that are over, of every workspace",
    "hub/actions/lease.py": "the sweeper renews and frees leases of every workspace",
    "hub/gateway/metered_rows.py": "metrics name the agents and workspaces of the installation",
    "hub/audit/upkeep.py": "one round sums up and prunes the audit of every workspace",
    "hub/audit/seal.py": "one sealer chains the audit of every workspace",
    "hub/audit/writer.py": "one writer commits the audit rows of all workspaces in groups; each row names its own",
    "hub/limits/leased.py": "slots are the processes' of the installation, and counted for whoever asks",
    "hub/limits/processes.py": "which processes serve belongs to the installation",
    "hub/limits/shares.py": "windows of limits are counted for whoever asks, also before anybody is known",
    "hub/notices/courier.py": "one courier tells of the events of every workspace; each notice names its own",
    "hub/notices/links.py": "a one-time link says which workspace it belongs to",
    "hub/registration/refreshing.py": "one round finds the servers of every workspace that are due to be looked at",
    "hub/registry/watch.py": "one watcher follows the registry versions of all workspaces",
    "hub/vault/assertion_keys.py": "the public keys of every workspace are published at one address",
    "hub/vault/holding.py": "which process has which keys belongs to the installation",
    "hub/vault/key_state.py": "what is known of the keys belongs to the installation",
    "hub/vault/opening.py": "the keys of the installation have to open what is sealed in every workspace",
    "hub/vault/retiring.py": "a key is needed as long as anything in any workspace is sealed with it",
    "hub/vault/rotation.py": "which key seals is decided for the installation",
    "hub/vault/sealed_rows.py": "a rotation seals anew what is sealed in every workspace",
}

SESSION_MAKERS = {"AsyncSession", "Session", "ScopedSession", "async_sessionmaker", "sessionmaker"}
ENGINE_MAKERS = {"create_engine", "create_async_engine"}
TABLE_NAMES = {"Table", "table", "literal_column", "TextClause"}
ALL_WORKSPACES = {"system", "append_everywhere"}
CONNECTION_METHODS = {"connection", "get_bind", "raw_connection", "exec_driver_sql"}


def place(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imported_from_sqlalchemy(tree: ast.AST) -> set[str]:
    """Names that the module takes from SQLAlchemy, as it calls them."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }


def calls(tree: ast.AST) -> Iterator[tuple[str, bool, ast.Call]]:
    """(name, whether it is a method, the call) of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, False, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, True, node


def around_the_scope(tree: ast.Module) -> dict[str, set[int]]:
    """Lines that go around the scoped ORM, by the kind of way."""
    known = imported_from_sqlalchemy(tree)
    found: dict[str, set[int]] = {"raw SQL": set(), "table": set(), "connection": set(), "every workspace": set()}
    # Which database it is may be asked: session.get_bind().dialect
    harmless = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "dialect"]
    for name, is_method, call in calls(tree):
        if not is_method and name in known & {"text"}:
            found["raw SQL"].add(call.lineno)
        if not is_method and name in known & (SESSION_MAKERS | ENGINE_MAKERS):
            found["connection"].add(call.lineno)
        if is_method and name in CONNECTION_METHODS and call not in harmless:
            found["connection"].add(call.lineno)
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if (is_method and name in ALL_WORKSPACES) or any(ast.unparse(value) == "EVERY_WORKSPACE" for value in given):
            found["every workspace"].add(call.lineno)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("__table__", "tables", "sorted_tables"):
            found["table"].add(node.lineno)
        if isinstance(node, ast.Name) and node.id in known & TABLE_NAMES:
            found["table"].add(node.lineno)
        if isinstance(node, ast.Attribute) and node.attr == "sqlalchemy":
            found["raw SQL"].add(node.lineno)
        if isinstance(node, ast.Import):
            drivers = {alias.name.partition(".")[0] for alias in node.names} & {
                "sqlalchemy",
                "sqlite3",
                "psycopg",
                "aiosqlite",
            }
            if drivers:
                found["connection"].add(node.lineno)
    return {kind: lines for kind, lines in found.items() if lines}


ALLOWED = {"raw SQL": RAW_SQL, "table": TABLES, "connection": CONNECTIONS, "every workspace": EVERY_WORKSPACE}


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_module_reaches_its_database_only_in_allowed_ways(path: Path) -> None:
    ways = around_the_scope(ast.parse(path.read_text("utf-8")))
    wrong = {kind: sorted(lines) for kind, lines in ways.items() if place(path) not in ALLOWED[kind]}
    assert not wrong


def test_every_exception_is_still_needed() -> None:
    used: dict[str, set[str]] = {kind: set() for kind in ALLOWED}
    for path in MODULES:
        for kind in around_the_scope(ast.parse(path.read_text("utf-8"))):
            used[kind].add(place(path))
    for kind, exceptions in ALLOWED.items():
        for module, reason in exceptions.items():
            print(f"{kind}: {module}: {reason}")
        assert set(exceptions) == used[kind], kind


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("from sqlalchemy import text\nrows = text('SELECT 1')", "raw SQL"),
        ("from sqlalchemy import text as t, Table as text\n\ntext('x')", "raw SQL"),
        ("import sqlite3", "connection"),
        ("connection.exec_driver_sql('SELECT 1')", "connection"),
        ("select(Order.__table__)", "table"),
        ("from sqlalchemy import table\ntable('orders')", "table"),
        ("async with database.system(write=False) as session: pass", "every workspace"),
        ("database.transaction(EVERY_WORKSPACE, write=True)", "every workspace"),
        ("database.append_everywhere(rows, [])", "every workspace"),
        ("from sqlalchemy.ext.asyncio import AsyncSession\nAsyncSession(engine)", "connection"),
    ],
)
def test_the_ways_around_are_seen(source: str, kind: str) -> None:
    assert kind in around_the_scope(ast.parse(source))
