"""The scopes there are, in words: what a person is asked to agree to, and what a key can be given.

A server that is not bundled has two of its own: `read:tools.<server>` for its tools that only look and for its
resources and prompts, `write:tools.<server>` for its other tools. An admin may say that a tool needs another scope, one
of these or one of the workspace's own words, written `custom:<word>`.
"""

import difflib
import re
from collections.abc import Iterable

from tradepost.foundation.errors import InvalidArgument

# Of keys of people, for REST: beside the person's role, which a scope never widens.
_ADMINISTRATION = {
    "servers": "servers, their tools and who sees them",
    "agents": "profiles and agents",
    "users": "people and their roles",
    "approvals": "writes that wait for a person",
    "conversations": "conversations with agents",
}
_READ_AND_WRITE = {
    "content": "products, collections, price lists, coupons and pages",
    "orders": "orders",
    "customers": "customers",
    "media": "pictures and files",
    "sites": "sites and webhooks",
    "inventory": "stock",
    "purchasing": "purchase orders",
    "logistics": "deliveries, drivers and routes",
    "returns": "returns",
    "claims": "claims",
    "payments": "payments, refunds and disputes",
    "billing": "invoices, quotes and subscriptions",
    "support": "tickets and messages",
}

SCOPES: dict[str, str] = {
    **{f"read:{subject}": f"See {words}" for subject, words in _READ_AND_WRITE.items()},
    **{f"write:{subject}": f"Change {words}" for subject, words in _READ_AND_WRITE.items()},
    **{f"read:{subject}": f"See {words}" for subject, words in _ADMINISTRATION.items()},
    **{f"write:{subject}": f"Change {words}" for subject, words in _ADMINISTRATION.items()},
    "read:audit": "See the record of every call",
    "read:usage": "See how much is used",
    "read:analytics": "See figures and reports",
    "read:settlement": "See payouts and how they add up",
    "read:policies": "Read the shop's policies",
    "read:customers.pii": "See e-mail addresses, phone numbers and full addresses of customers",
    "delete:sites": "Delete sites",
    "manage:api_keys": "Make and end keys",
    "manage:domains": "Attach domains",
    "manage:tool_tests": "Try single tools of servers, also before agents see them",
    "manage:voice": "Change voice agents",
    "manage:workspace": "Change the workspace's settings",
    "me:orders.read": "See your own orders",
    "me:orders.write": "Change your own orders",
    "me:returns": "See and start your own returns",
    "me:invoices": "See your own invoices",
}
# Scopes that are made for a server or by a workspace, as they are written.
FAMILIES: dict[str, str] = {
    "read:tools.<server>": "Use the tools of a server of yours that only look, and see its resources and prompts",
    "write:tools.<server>": "Use the other tools of a server of yours",
    "custom:<word>": "Use tools that an admin has said need this very scope",
}
_CUSTOM = re.compile(r"custom:[a-z][a-z0-9_.-]{0,60}")
_OF_SERVER = re.compile(r"(?P<kind>read|write):tools\.(?P<server>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_HOW = "Scopes are like read:orders or, for a server of yours, read:tools.<server>; your own like custom:word."
_LONGEST = 60  # of a scope that is not listed above
_SHOWN = 60


def server_scope(server: str, tool_class: str) -> str:
    """What a caller needs for a tool of this class, of a server that is not bundled, where no admin says otherwise."""
    return f"{'read' if tool_class == 'read' else 'write'}:tools.{server}"


def needed_scope(own: str | None, server: str, kind: str, tool_class: str = "read") -> str | None:
    """What a tool, resource or prompt of a server needs: its own scope, else the server's. A bundled one has what the
    release says, and the hub's own tools, which show a caller nothing but its own doings, need none."""
    return own if own is not None or kind == "builtin" else server_scope(server, tool_class)


def scopes_of_server(server: str) -> frozenset[str]:
    """Both scopes of a server that is not bundled."""
    return frozenset({server_scope(server, "read"), server_scope(server, "write")})


def checked_scopes(scopes: Iterable[str], field: str = "scopes") -> list[str]:
    """The scopes, sorted, each once. Raises InvalidArgument for one that does not exist."""
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES and not _is_made(scope):
            near = difflib.get_close_matches(scope[:_SHOWN], SCOPES, n=1)
            raise InvalidArgument(
                f"There is no scope '{scope[:_SHOWN]}'.",
                field=field,
                hint=f"Did you mean {near[0]}?" if near else _HOW,
            )
    return wanted


def in_words(scope: str) -> str:
    """What a scope lets its holder do, as a person reads it."""
    of_server = _OF_SERVER.fullmatch(scope)
    if of_server is not None:
        does = "Look things up" if of_server["kind"] == "read" else "Change things"
        return f"{does} with the tools of the server {of_server['server']}"
    return SCOPES.get(scope) or f"Use tools that need {scope}"


def _is_made(scope: str) -> bool:
    return _CUSTOM.fullmatch(scope) is not None or (len(scope) <= _LONGEST and _OF_SERVER.fullmatch(scope) is not None)
