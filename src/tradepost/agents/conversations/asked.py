"""Who asked, kept with a turn so that it goes on in that caller's name; and whose a conversation is."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast, get_args

from tradepost.foundation.caller import Caller, Grant, Principal, PrincipalKind

CUSTOMER_HOLDER = "customer:"  # before the customer's id


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller may see of a workspace's conversations: its own, or `everything`, as operators and admins may. Who
    looks at somebody else's is recorded."""

    by: Caller
    everything: bool = False

    @property
    def holder(self) -> str:
        return holder_of(self.by)


def holder_of(caller: Caller) -> str:
    """Whose a conversation is: a person's, whatever key they come with; a customer's, whatever session; else that very
    key's. Several keys of an agent share nothing: each may be for another customer."""
    if caller.principal.kind == "shopper" and "customer" in caller.attributes:
        return f"{CUSTOMER_HOLDER}{caller.attributes['customer']}"
    if caller.agent_id is None and caller.user_id is not None:
        return f"user:{caller.user_id}"
    if caller.user_id is not None:
        return f"user:{caller.user_id}:{caller.agent_id}"  # a client that acts for a person
    return f"{caller.principal.kind}:{caller.principal.id}"


def to_record(caller: Caller) -> dict[str, Any]:
    """A caller as JSON."""
    return {
        "principal": [caller.principal.kind, caller.principal.id],
        "user_id": caller.user_id,
        "agent_id": caller.agent_id,
        "profile_id": caller.profile_id,
        "scopes": sorted(caller.scopes),
        "attributes": dict(sorted(caller.attributes.items())),
        "grant": None if caller.grant is None else list(caller.grant),
    }


def from_record(workspace_id: str, record: dict[str, Any], request_id: str, run_id: str) -> Caller:
    """The caller again."""
    kind, principal_id = record["principal"]
    if kind not in get_args(PrincipalKind):
        raise ValueError(f"A turn names an unknown kind of principal: {kind}.")
    return Caller(
        workspace_id=workspace_id,
        principal=Principal(cast(PrincipalKind, kind), principal_id),
        request_id=request_id,
        user_id=record["user_id"],
        agent_id=record["agent_id"],
        profile_id=record["profile_id"],
        scopes=frozenset(record["scopes"]),
        attributes=MappingProxyType(dict(record["attributes"])),
        run_id=run_id,
        grant=None if record["grant"] is None else Grant(*record["grant"]),
    )
