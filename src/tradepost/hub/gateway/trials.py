"""Who may try a tool, and as whom: a person, with that one tool alone and nothing else of the hub."""

from dataclasses import replace

import orjson

from tradepost.foundation.caller import Caller, Trial
from tradepost.foundation.errors import ForbiddenScope, NotFound, StateConflict
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import at_least
from tradepost.hub.access.scopes import SCOPES, needed_scope
from tradepost.hub.registration.intake import tool_finding
from tradepost.hub.registry.catalogs import OF_CALLERS
from tradepost.hub.registry.models import Server, ToolEntry

TESTING_SCOPE = "manage:tool_tests"
_APPROVING_SCOPE = "write:servers"
_WHOLE = frozenset(SCOPES) - {TESTING_SCOPE}  # which counts only where a key was given it


def trial_caller(by: Caller, user: User | None, server: Server, entry: ToolEntry) -> Caller:
    """The person as the caller of one tool. A key that was given scopes keeps it to them; who may change everything
    has what the tool needs. What binds the person's tools binds this, too. Raises ForbiddenScope, StateConflict for a
    definition that nobody may approve, NotFound for tools that only say something of whoever calls."""
    if server.builtin_key in OF_CALLERS:
        raise NotFound(
            f"'{entry.name}' tells a caller of its own doings, so there is nothing to try.",
            hint="Call it as an agent: `tradepost call`.",
        )
    narrowed = bool(by.scopes)
    approves = _is_machine(by) or (user is not None and at_least(user.role, "admin"))
    trial = Trial(entry.id, approves and (not narrowed or _APPROVING_SCOPE in by.scopes))
    require_may_try(by, trial, user.role if user is not None else None)
    if entry.state not in ("enabled", "removed"):
        finding = tool_finding(orjson.loads(entry.candidate or entry.definition))
        if finding is not None:
            raise StateConflict(f"'{entry.name}' cannot be called. {finding}", hint="Its owner has to change it first.")
    needed = needed_scope(entry.scope, server.slug, server.kind, entry.tool_class)
    scopes = by.scopes if narrowed else _WHOLE | ({needed} if needed is not None else set())
    attributes = by.attributes or (user.attributes if user is not None else {})
    return replace(by, scopes=scopes, attributes=attributes, trial=trial)


def require_may_try(caller: Caller, trial: Trial, role: str | None) -> None:
    """Raises ForbiddenScope for a person who may not try tools, or not those that are not enabled."""
    approves = _is_machine(caller) or (role is not None and at_least(role, "admin"))
    if approves or (TESTING_SCOPE in caller.scopes and not trial.before_enabled):
        return
    raise ForbiddenScope(
        f"Trying a tool needs the role admin, or a key with the scope {TESTING_SCOPE} for tools that are enabled.",
        hint="Ask an admin of the workspace.",
        details={"scope": TESTING_SCOPE},
    )


def _is_machine(caller: Caller) -> bool:
    return caller.principal.kind == "operator" and caller.user_id is None
