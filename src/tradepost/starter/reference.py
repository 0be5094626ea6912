"""Reference pages, written from the program itself, so that they cannot say anything else than it does."""

import re
from collections.abc import Callable, Iterable, Sequence

from pydantic import SecretStr

from tradepost.commerce.servers import build_servers
from tradepost.database.engine import Database
from tradepost.foundation import errors
from tradepost.foundation.errors import TradepostError
from tradepost.hub.access.scopes import FAMILIES, SCOPES
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.protocol.builtin import BuiltinServer
from tradepost.protocol.errors import translate
from tradepost.settings import Settings
from tradepost.starter.rest_reference import rest

_NOWHERE = "sqlite:///unused.db"  # what a server says of itself needs no database; none is opened
# The hub's own: get_approval, find_tools, load_tools.
_OPEN = "no scope: it shows callers only what they did themselves, or could call anyway"
_MEANING = re.compile(r"^ +(?P<kind>\w+) {2,}(?P<words>.+?) {2,}\w", re.MULTILINE)


def tools() -> str:
    """Every bundled tool by server: its class, the scope a caller needs, what it is for, and its arguments."""
    store = Database(_NOWHERE)
    servers: Sequence[BuiltinServer] = (HubServer(store), ActivityServer(store), *build_servers(store))
    lines = ["# Tools and the scopes they need", ""]
    for server in servers:
        found = server.definitions()
        lines += [f"## {server.title} (`{server.slug}`)", "", found.instructions, ""]
        for tool in found.tools:
            name = tool["name"]
            scope = found.tool_scopes.get(name)
            needs = f"`{scope}`" if scope else _OPEN
            lines += [
                f"### `{name}`",
                "",
                f"{found.tool_classes.get(name, 'read')}, {needs}",
                "",
                tool["description"],
                "",
            ]
            lines += [*_arguments(tool["inputSchema"]), ""]
    return "\n".join(lines)


def scopes() -> str:
    """Every scope in words."""
    rows = [(f"`{scope}`", words) for scope, words in (SCOPES | FAMILIES).items()]
    return "\n".join(["# Scopes", "", *_table(("scope", "lets its holder"), rows), ""])


def error_codes() -> str:
    """Every stable code, what it means, and how it comes over HTTP."""
    meanings = {found["kind"]: found["words"] for found in _MEANING.finditer(errors.__doc__ or "")}
    rows = []
    for kind in _kinds(TradepostError):
        refusal = translate(kind("…"), None)
        rows.append(
            (f"`{kind.code}`", meanings.get(kind.__name__, ""), str(refusal.status), "yes" if kind.retryable else "no")
        )
    head = ("code", "means", "status where it is the whole answer", "worth repeating")
    return "\n".join(["# Error codes", "", *_table(head, sorted(set(rows))), ""])


def settings() -> str:
    """Every variable of the environment, its default and what it does."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = "" if default in (None, "", ()) or isinstance(default, SecretStr) else str(default)
        rows.append((f"`TRADEPOST_{name.upper()}`", f"`{shown}`" if shown else "", field.description or ""))
    return "\n".join(["# Settings", "", *_table(("variable", "default", "what it does"), rows), ""])


PAGES: dict[str, Callable[[], str]] = {
    "tools": tools,
    "scopes": scopes,
    "errors": error_codes,
    "settings": settings,
    "rest": rest,
}


def _arguments(schema: dict[str, object]) -> list[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return ["It takes no arguments."]
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    rows = [
        (f"`{name}`", "yes" if name in needed else "", str(about.get("description", "")))
        for name, about in properties.items()
    ]
    return _table(("argument", "required", "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in cells)} |"

    return [line(head), line(["---"] * len(head)), *(line(row) for row in rows)]


def _kinds(top: type[TradepostError]) -> Iterable[type[TradepostError]]:
    for kind in top.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _kinds(kind)
