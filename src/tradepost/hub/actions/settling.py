"""What a person found out about a write whose outcome was unknown: that it took effect, or that it did not. Nothing is
carried out by it; the record, and what the caller is told from now on, say who looked and what they saw."""

from typing import Any, Literal

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.models import User
from tradepost.hub.actions.models import SETTLED, Action
from tradepost.hub.actions.states import move
from tradepost.hub.policy.totals import settle as settle_totals

Found = Literal["succeeded", "failed"]

_SAID = {
    "succeeded": "It took effect: {name} has looked. What it answered then is not known.",
    "failed": "It did not take effect: {name} has looked.",
}
_HINT = {
    "succeeded": "Do not repeat it. Read the record that it changed.",
    "failed": "If it is still wanted, ask again with a new idempotency key.",
}


async def settle_unknown(session: AsyncSession, action: Action, found: Found, user: User, comment: str | None) -> None:
    """Give a write of unknown outcome its end. What one that did not take effect had used of the day is given back.
    Raises StateConflict for one whose outcome is known, or was found out by another person a moment ago."""
    moved = action.state == "unknown" and await move(
        session,
        action.workspace_id,
        action.id,
        "unknown",
        found,
        result=orjson.dumps(_result(action, found, user, comment)).decode(),
        error_code=SETTLED,
        finished_at=system_now(),
    )
    if not moved:
        raise StateConflict(
            "The outcome of this action is not unknown.", hint="Look at it: its state says what became of it."
        )
    if found == "failed" and action.totals_taken:
        await settle_totals(session, action.totals_taken, failed=True, money=None)


def _result(action: Action, found: Found, user: User, comment: str | None) -> dict[str, Any]:
    """What the caller gets at every repetition: an error in form, since the server's own answer is lost and nothing of
    the tool's output can be made up."""
    inside = action.principal_kind != "shopper"
    message = _SAID[found].format(name=clean(user.name, 100) if inside else "the shop")
    if comment is not None and inside:
        message += f' They wrote: "{clean(comment, 300)}"'
    told = StateConflict(message, hint=_HINT[found], details={"state": found, "approval_id": action.id})
    text = f"{told.code}: {message} {_HINT[found]}"
    return {"content": [{"type": "text", "text": text}], "structuredContent": told.as_dict(), "isError": True}
