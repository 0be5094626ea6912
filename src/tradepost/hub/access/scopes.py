"""The scopes there are, in words: what a person is asked to agree to, and what a key can be given.

A tool of a server that is not bundled may need a scope of the workspace's own, which is written `custom:<word>`.
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
    "manage:voice": "Change voice agents",
    "manage:workspace": "Change the workspace's settings",
    "me:orders.read": "See your own orders",
    "me:orders.write": "Change your own orders",
    "me:returns": "See and start your own returns",
    "me:invoices": "See your own invoices",
}
_CUSTOM = re.compile(r"custom:[a-z][a-z0-9_.-]{0,60}")
_SHOWN = 60


def checked_scopes(scopes: Iterable[str], field: str = "scopes") -> list[str]:
    """The scopes, sorted, each once. Raises InvalidArgument for one that does not exist."""
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES and not _CUSTOM.fullmatch(scope):
            near = difflib.get_close_matches(scope[:_SHOWN], SCOPES, n=1)
            raise InvalidArgument(
                f"There is no scope '{scope[:_SHOWN]}'.",
                field=field,
                hint=f"Did you mean {near[0]}?" if near else "Scopes are like read:orders; your own like custom:word.",
            )
    return wanted


def in_words(scope: str) -> str:
    """What a scope lets its holder do, as a person reads it."""
    return SCOPES.get(scope) or f"Use tools that need {scope}"
