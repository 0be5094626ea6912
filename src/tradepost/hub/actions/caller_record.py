"""The caller of an action, kept with it so that execution happens in that caller's name and never in another's."""

from types import MappingProxyType
from typing import Any, cast, get_args

from tradepost.foundation.caller import Caller, Grant, Principal, PrincipalKind, Trial
from tradepost.hub.actions.models import Action

TAKES_TASKS = "takes_tasks"  # whether its client was ready for a task in place of the result


def to_record(caller: Caller) -> dict[str, Any]:
    """What the columns of an action do not say of its caller."""
    record: dict[str, Any] = {"scopes": sorted(caller.scopes), "attributes": dict(sorted(caller.attributes.items()))}
    if caller.grant is not None:
        record["grant"] = list(caller.grant)
    if caller.trial is not None:
        record["trial"] = list(caller.trial)
    return record


def from_action(action: Action) -> Caller:
    """The caller of an action, with the request id under which it was asked."""
    if action.principal_kind not in get_args(PrincipalKind):
        raise ValueError(f"The action {action.id} names an unknown kind of principal: {action.principal_kind}.")
    return Caller(
        workspace_id=action.workspace_id,
        principal=Principal(cast(PrincipalKind, action.principal_kind), action.principal_id),
        request_id=action.request_id,
        user_id=action.user_id,
        agent_id=action.agent_id,
        profile_id=action.profile_id,
        scopes=frozenset(action.caller["scopes"]),
        attributes=MappingProxyType(dict(action.caller["attributes"])),
        grant=Grant(*action.caller["grant"]) if "grant" in action.caller else None,
        trial=Trial(*action.caller["trial"]) if "trial" in action.caller else None,
    )
