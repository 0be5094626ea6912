"""Actions as people see them: everything about one, a list of many. Every argument is there, nothing shortened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.pagination import Keyset, decode_cursor, encode_cursor
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.field_rules import FieldRules
from tradepost.hub.access.models import User
from tradepost.hub.access.personal.fields import Cut
from tradepost.hub.actions.models import RESTORED, SETTLED, Action, ActionState, ActionVerdict

MAX_CAUSE = 400  # characters
DRY_RUN = "dry_run"  # in a preview: what a foreign server says of itself
PERSONAL = "personal"  # in a stored preview: what is masked in it, for those who may see it
_NOT_SHOWN = frozenset({PERSONAL, "profile_id"})
# What is personal for whoever may look and not decide: as `read:customers.pii` says it for agents.
_MASKED = FieldRules("", dict.fromkeys(("email", "phone", "address", "other"), "masked"), {})


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What one person said."""

    user_id: str
    user_name: str
    verdict: str
    comment: str | None
    at: datetime
    way: str = ""
    on_behalf_of: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "user_name": self.user_name,
            "verdict": self.verdict,
            "comment": self.comment,
            "at": to_rfc3339(self.at),
            "way": self.way,
            "on_behalf_of": self.on_behalf_of,
        }


@dataclass(frozen=True, slots=True)
class ActionView:
    """One action, with the answers of its current round. `attributes` say whom its caller was bound to: a customer."""

    id: str
    state: str
    tool: str
    exposed_name: str
    server: str
    tool_class: str
    agent_id: str | None
    principal_kind: str
    principal_id: str
    user_id: str | None
    request_id: str
    run_id: str | None
    key: str
    arguments: dict[str, Any]
    fingerprint: str
    definition_digest: str
    preview: dict[str, Any] | None
    decision: str
    decision_reason: str
    rule_id: str | None
    approvals_needed: int
    round: int
    verdicts: tuple[VerdictView, ...]
    created_at: datetime
    expires_at: datetime | None
    decided_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error_code: str | None
    attributes: dict[str, str]
    undo: dict[str, Any] | None
    undoes: str | None
    undone_by: str | None
    approver_role: str | None = None
    moves_money: bool = False
    taint: dict[str, Any] | None = None
    personal: dict[str, Any] | None = None
    profile_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON for the command line, REST and pages."""
        shape: dict[str, Any] = {}
        for name in self.__slots__:
            if name in _NOT_SHOWN:
                continue
            value = getattr(self, name)
            if isinstance(value, datetime):
                value = to_rfc3339(value)
            elif name == "verdicts":
                value = [verdict.as_dict() for verdict in self.verdicts]
            shape[name] = value
        return shape

    def for_its_caller(self) -> "ActionView":
        """What whoever asked for it may see. A customer of the shop reads neither what it would change inside the shop
        nor who of the shop decided and what they wrote."""
        undo = self.undo
        if undo is not None:  # its arguments say what was there before, which an agent need not be allowed to read
            undo = {name: value for name, value in undo.items() if name != "arguments"}
        preview = preview_for_caller(self.principal_kind, self.preview)
        if self.principal_kind != "shopper":
            return replace(self, undo=undo, preview=preview)
        answers = tuple(
            replace(one, user_id="", user_name="the shop", comment=None, way="", on_behalf_of=None)
            for one in self.verdicts[:1]
        )
        return replace(self, preview=preview, verdicts=answers, undo=None)

    def for_person(self, *, sees_personal: bool) -> "ActionView":
        """As a person sees it: whole for those who may decide about such writes, otherwise with e-mail addresses, phone
        numbers and streets masked, in the arguments and in what came of it, too."""
        if sees_personal:
            return replace(self, preview=opened_preview(self.preview, self.personal))
        cut = Cut(_MASKED)
        cut.whole([self.arguments, self.result, self.undo])  # a text may stand before the field that says what it is
        arguments, result, undo = (cut.whole(one) for one in (self.arguments, self.result, self.undo))
        return replace(self, arguments=arguments, result=result, undo=undo)

    def what_happened(self) -> str:
        """One sentence about where it stands, with who and when."""
        people = " and ".join(verdict.user_name for verdict in self.verdicts)
        when = f" at {to_rfc3339(self.decided_at)}" if self.decided_at else ""
        if self.state == "pending":
            return "This action waits for a person's approval."
        if self.state == "rejected":
            comments = "; ".join(verdict.comment for verdict in self.verdicts if verdict.comment)
            return f"This action was rejected by {people}{when}" + (f": {comments}" if comments else ".")
        if self.state == "expired":
            return f"This action expired{when}: nobody approved it in time."
        if self.state == "canceled":
            return "This action was canceled."
        if self.state == "succeeded" and self.error_code == SETTLED:
            return "It was unknown whether this action took effect, until a person looked: it did."
        if self.state == "unknown" and self.error_code == RESTORED:
            return (
                "The hub's records were restored from a backup: whether this action took effect is unknown. "
                "Check before anything is repeated."
            )
        approved = f"This action was approved by {people}{when}" if people else "This action was allowed"
        tail = {
            "approved": " and is about to be carried out.",
            "executing": " and is being carried out.",
            "succeeded": " and was carried out.",
            "failed": f" and failed{self._cause()}",
            "unknown": "; whether it took effect is unknown. Check before anything is repeated.",
        }
        return approved + tail[self.state]

    def _cause(self) -> str:
        """Why it failed, from the result that was recorded. The words may be a foreign server's: cleaned and capped."""
        result = self.result or {}
        structured = result.get("structuredContent")
        said = structured.get("message") if isinstance(structured, dict) else None
        if not isinstance(said, str):
            texts = [block.get("text") for block in result.get("content", []) if isinstance(block, dict)]
            said = next((text for text in texts if isinstance(text, str)), None)
        if said is None:
            return f" ({self.error_code})." if self.error_code else "."
        return f": {clean(said, MAX_CAUSE).rstrip('.')}."


def preview_for_caller(principal_kind: str, preview: dict[str, Any] | None) -> dict[str, Any] | None:
    """The preview as whoever asked for the write may see it: a customer of the shop, not at all; nobody what a foreign
    server says of itself, which is for people to judge."""
    if principal_kind == "shopper" or preview is None:
        return {} if principal_kind == "shopper" else None
    return {name: value for name, value in preview.items() if name not in (DRY_RUN, PERSONAL)}


def opened_preview(preview: dict[str, Any] | None, personal: dict[str, Any] | None) -> dict[str, Any] | None:
    """The preview with what is masked in it in its place."""
    if preview is None or not personal:
        return preview
    words: dict[str, str] = personal["words"]
    pattern = "|".join(re.escape(mask) for mask in sorted(words, key=len, reverse=True))

    def said(text: Any) -> Any:
        return re.sub(pattern, lambda found: words[found.group()], text) if pattern and isinstance(text, str) else text

    changes = [{**one, **personal["changes"].get(str(place), {})} for place, one in enumerate(preview["changes"])]
    effects = [said(one) for one in preview["side_effects"]]
    return {**preview, "summary": said(preview["summary"]), "changes": changes, "side_effects": effects}


async def view_for_caller(session: AsyncSession, action_id: str) -> ActionView:
    """One action, for whoever asked for it. Raises NotFound."""
    return (await view(session, action_id)).for_its_caller()


async def view(session: AsyncSession, action_id: str) -> ActionView:
    """One action. Raises NotFound."""
    action = (
        await session.scalars(select(Action).where(Action.id == action_id).execution_options(populate_existing=True))
    ).one_or_none()
    if action is None:
        raise NotFound("There is no approval with that id.", hint="List approvals and take the id from there.")
    return _view(action, await _verdicts(session, [action]))


async def list_views(
    session: AsyncSession,
    *,
    states: Sequence[ActionState] = ("pending",),
    agent_id: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> tuple[list[ActionView], str | None]:
    """Actions of the session's workspace, oldest first, and the cursor of the next page."""
    kind = "actions:" + ",".join(states) + f":{agent_id or ''}"
    statement = select(Action).where(Action.state.in_(states)).order_by(Action.created_at, Action.id).limit(limit + 1)
    if agent_id is not None:
        statement = statement.where(Action.agent_id == agent_id)
    after = decode_cursor(kind, cursor, 2)
    if after is not None:
        moment = _moment_of(after)
        statement = statement.where(tuple_(Action.created_at, Action.id) > tuple_(moment, str(after.values[1])))
    actions = list((await session.scalars(statement)).all())
    page = actions[:limit]
    verdicts = await _verdicts(session, page)
    more = encode_cursor(kind, [page[-1].created_at.isoformat(), page[-1].id]) if len(actions) > limit else None
    return [_view(action, verdicts) for action in page], more


def _moment_of(after: Keyset) -> datetime:
    """The time in a cursor. Raises InvalidArgument for one that was made up."""
    try:
        return from_rfc3339(str(after.values[0]))
    except (ValueError, OverflowError):
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor") from None


async def _verdicts(session: AsyncSession, actions: Sequence[Action]) -> dict[tuple[str, int], list[VerdictView]]:
    found: dict[tuple[str, int], list[VerdictView]] = {}
    if not actions:
        return found
    rows = await session.execute(
        select(ActionVerdict, User.name)
        .join(User, (User.workspace_id == ActionVerdict.workspace_id) & (User.id == ActionVerdict.user_id))
        .where(ActionVerdict.action_id.in_([action.id for action in actions]))
        .order_by(ActionVerdict.created_at)
    )
    for row, name in rows.all():
        said = VerdictView(row.user_id, name, row.verdict, row.comment, row.created_at, row.way, row.on_behalf_of)
        found.setdefault((row.action_id, row.round), []).append(said)
    return found


def _view(action: Action, verdicts: dict[tuple[str, int], list[VerdictView]]) -> ActionView:
    return ActionView(
        id=action.id,
        state=action.state,
        tool=action.tool_name,
        exposed_name=action.exposed_name,
        server=action.server_slug,
        tool_class=action.tool_class,
        agent_id=action.agent_id,
        principal_kind=action.principal_kind,
        principal_id=action.principal_id,
        user_id=action.user_id,
        request_id=action.request_id,
        run_id=action.run_id,
        key=action.key,
        arguments=orjson.loads(action.arguments),
        fingerprint=action.fingerprint,
        definition_digest=action.definition_digest,
        preview=None if action.preview is None else {k: v for k, v in action.preview.items() if k != PERSONAL},
        decision=action.decision,
        decision_reason=action.decision_reason,
        rule_id=action.rule_id,
        approvals_needed=action.approvals_needed,
        round=action.round,
        verdicts=tuple(verdicts.get((action.id, action.round), ())),
        created_at=action.created_at,
        expires_at=action.expires_at,
        decided_at=action.decided_at,
        finished_at=action.finished_at,
        result=orjson.loads(action.result) if action.result is not None else None,
        error_code=action.error_code,
        attributes=dict(action.caller["attributes"]),
        approver_role=action.approver_role,
        moves_money=action.moves_money,
        undo=_undo(action),
        undoes=action.undoes,
        undone_by=action.undone_by,
        taint=action.taint,
        personal=(action.preview or {}).get(PERSONAL),
        profile_id=action.profile_id,
    )


def _undo(action: Action) -> dict[str, Any] | None:
    """What takes it back, for people: the call, until when, and a sentence."""
    if action.undo is None or action.undo_until is None:
        return None
    shown = {name: action.undo[name] for name in ("tool", "arguments", "summary")}
    return {**shown, "until": to_rfc3339(action.undo_until)}
