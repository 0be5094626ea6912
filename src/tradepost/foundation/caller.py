"""Who is calling. Frozen, passed explicitly, built by the hub (or by a server that runs alone as its operator)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

PrincipalKind = Literal["agent_key", "user", "api_key", "shopper", "operator", "system"]

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified identity behind a credential: its kind and the id of its row."""

    kind: PrincipalKind
    id: str


class Seen(NamedTuple):
    """The version that the registry of the caller's workspace had when somebody looked, and when that was (seconds of
    the monotonic clock)."""

    version: int
    at: float


class Grant(NamedTuple):
    """The OAuth grant that a caller's token belongs to, and the client it was given to."""

    id: str
    client_id: str


class Trial(NamedTuple):
    """The one tool that a person tries, by the id of its entry, and whether it may be one that is not enabled."""

    entry_id: str
    before_enabled: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Everything a step, a tool or a query may know about who calls.

    `workspace_id` bounds every query. `scopes` are the granted ones ("read:orders"); `attributes` limit what tools
    return (region, warehouse, customer). `request_id` is new for every call and stands in the audit; `run_id` groups
    the calls of one agent run. `seen` is the look at the registry with which this request was let in, so that its steps
    need none of their own. `grant` is there for who came with an OAuth token, `trial` for a person who tries one tool
    and sees no other. Nothing a client sends in `_meta` ever gets in here.
    """

    workspace_id: str
    principal: Principal
    request_id: str
    user_id: str | None = None
    agent_id: str | None = None
    profile_id: str | None = None
    scopes: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)
    run_id: str | None = None
    seen: Seen | None = field(default=None, compare=False, repr=False)
    grant: Grant | None = None
    trial: Trial | None = None

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes

    def for_request(self, request_id: str, run_id: str | None = None, seen: Seen | None = None) -> "Caller":
        """The same caller for another request."""
        return Caller(
            self.workspace_id,
            self.principal,
            request_id,
            self.user_id,
            self.agent_id,
            self.profile_id,
            self.scopes,
            self.attributes,
            run_id or self.run_id,
            seen,
            self.grant,
            self.trial,
        )
