"""Which actions are alike: those of one shape may be answered together, those nearly alike are pointed out.

One shape: the same agent, tool and definition, and arguments that are equal but for references (`order_id`,
`ids`, `number`). An amount, a quantity, a text or a destination that differs makes another shape. Nearly alike: the
same agent and tool, and arguments with the same names all through.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.actions.models import Action

MOST_AT_ONCE = 50
_REFERENCE = re.compile(r"(.*_)?(id|ids|key|keys|number|numbers)")
_NOT_ALIKE = re.compile(r".*(payee|recipient|destination|beneficiary|account|bank|iban).*")


def shape_of(action: Action) -> str:
    """Equal for actions that may be answered together."""
    return _digest([action.agent_id or action.principal_id, *_of_tool(action), _without_references(_arguments(action))])


def likeness_of(action: Action) -> str:
    """Equal for actions that differ in values alone."""
    return _digest([action.agent_id or action.principal_id, *_of_tool(action), _names(_arguments(action))])


def differing(actions: Sequence[Action]) -> list[str]:
    """The paths of the arguments in which actions that are alike differ, references left out."""
    leaves = [dict(_leaves(_without_references(_arguments(action)))) for action in actions]
    paths = {path for one in leaves for path in one}
    return sorted(path for path in paths if len({orjson.dumps(one.get(path)) for one in leaves}) > 1)


def check_one_shape(actions: Sequence[Action], fingerprints: Mapping[str, str]) -> None:
    """Raises StateConflict for arguments that are not those named, InvalidArgument for several shapes."""
    for action in actions:
        if action.fingerprint != fingerprints[action.id]:
            raise StateConflict(
                f"The arguments of {action.id} are not those that the answer names.",
                hint="Look at the group again and take the fingerprints from there.",
                details={"approval_id": action.id},
            )
    if len({shape_of(action) for action in actions}) > 1:
        raise InvalidArgument(
            "These are not of one shape: agent, tool and all arguments but references have to be the same.",
            field="members",
            hint="Answer the others one by one.",
        )


def _of_tool(action: Action) -> tuple[str, str, str]:
    return action.tool_entry_id, action.definition_digest, str(action.profile_id)


def _arguments(action: Action) -> Any:
    return orjson.loads(action.arguments)


def _is_reference(name: str) -> bool:
    return _REFERENCE.fullmatch(name) is not None and _NOT_ALIKE.fullmatch(name) is None


def _without_references(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: None if _is_reference(name) else _without_references(one) for name, one in value.items()}
    return [_without_references(one) for one in value] if isinstance(value, list) else value


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(one) for name, one in value.items()}
    return [_names(one) for one in value[:1]] if isinstance(value, list) else None


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for name, one in value.items() for leaf in _leaves(one, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for place, one in enumerate(value) for leaf in _leaves(one, f"{path}[{place}]")]
    return [(path, value)]


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()[:32]
