"""From what happened to who is told: one notice per receiver, planned from the outbox in one transaction per event."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User
from tradepost.hub.actions.approvers import rights_of
from tradepost.hub.actions.card import Card, cards_of
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.events.models import HubEvent
from tradepost.hub.notices import waiting_customers
from tradepost.hub.notices.contents import TYPE_OF, slack_body, webhook_body
from tradepost.hub.notices.links import FOLDER
from tradepost.hub.notices.models import Notice, NotificationChoice, Webhook

CALLER_FIRST = "caller_first"  # in an event: whoever calls is asked first
CALLER_HAS = timedelta(minutes=2)  # that others are not bothered while whoever calls is asked by their own client


async def plan(session: AsyncSession, event: HubEvent, url: str, now: datetime, *, mails: bool) -> int:
    """Add the notices of one event. `url` is where the hub is reached; without `mails` there are none. Returns how many
    there are."""
    event_type = TYPE_OF.get(event.type)
    if event_type is None:
        return 0
    if event_type == waiting_customers.EVENT:
        return await _plan_waiting(session, event, url, now, mails=mails)
    action = await session.scalar(select(Action).where(Action.id == event.subject))
    if action is None or action.decision != "ask":
        return 0
    hooks = await _hooks(session, event_type)
    asks = event_type == "approval.requested" and action.state == "pending"
    people = await receivers(session, action, now) if asks and mails else []
    if not hooks and not people:
        return 0
    shown = await view(session, action.id)
    (card,) = await cards_of(session, [shown])
    later = now + CALLER_HAS if event.payload.get(CALLER_FIRST) else now
    where = f"{url}{FOLDER}{action.id}"
    for hook in hooks:
        body = _body(hook, event_type, event, shown, card, where)
        session.add(_notice(event, event_type, action, "webhook", hook.id, now, body))
    for user in people:
        session.add(_notice(event, event_type, action, "mail", user.id, later, None))
    return len(hooks) + len(people)


async def receivers(session: AsyncSession, action: Action, now: datetime) -> Sequence[User]:
    """Who is asked by mail: everybody who may answer, but for those who do not want mails and, where several people
    have to agree, whoever asked."""
    unwilling = set(await session.scalars(select(NotificationChoice.id).where(NotificationChoice.mail.is_(False))))
    users = await session.scalars(select(User).where(User.status == "active").order_by(User.email))
    found = []
    for user in users:
        asked_for_it = action.approvals_needed > 1 and user.id == action.user_id
        if user.id not in unwilling and not asked_for_it and await rights_of(session, user, action, now):
            found.append(user)
    return found


async def _plan_waiting(session: AsyncSession, event: HubEvent, url: str, now: datetime, *, mails: bool) -> int:
    event_type = waiting_customers.EVENT
    hooks = await _hooks(session, event_type)
    people = await waiting_customers.people(session) if mails else []
    for hook in hooks:
        body = waiting_customers.body_for(hook, event, url)
        session.add(_notice(event, event_type, None, "webhook", hook.id, now, body))
    text = waiting_customers.mail_text(event.subject, event.occurred_at, url)
    for user in people:
        session.add(_notice(event, event_type, None, "mail", user.id, now, text))
    return len(hooks) + len(people)


async def _hooks(session: AsyncSession, event_type: str) -> list[Webhook]:
    active = await session.scalars(select(Webhook).where(Webhook.state == "active").order_by(Webhook.id))
    return [hook for hook in active if not hook.events or event_type in hook.events]


def _body(hook: Webhook, event_type: str, event: HubEvent, shown: ActionView, card: Card, url: str) -> str:
    if hook.form == "slack":
        return slack_body(event_type, shown, card, url)
    return webhook_body(event_type, event.occurred_at, shown, card, url)


def _notice(
    event: HubEvent,
    event_type: str,
    action: Action | None,
    kind: str,
    target_id: str,
    due_at: datetime,
    body: str | None,
) -> Notice:
    return Notice(
        id=new_id("msg"),
        event_id=event.id,
        event_type=event_type,
        kind=kind,
        target_id=target_id,
        action_id=action.id if action is not None else None,
        round=action.round if action is not None else 1,
        body=body,
        due_at=due_at,
    )
