"""Telling people that a customer waits for one of them: once per hand-over, and without a word of what was said, since
mails and channels go where the conversation may not be read."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import to_rfc3339
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import at_least
from tradepost.hub.events.models import HubEvent
from tradepost.hub.notices.models import NotificationChoice, Webhook

ASKED = "conversation:handed_over"  # the event of the hub, which each hand-over publishes once
EVENT = "handover.requested"
FOLDER = "/handovers/"
SUBJECT = "A customer waits for a person"


async def people(session: AsyncSession) -> list[User]:
    """Who gets a mail: everybody who may take a conversation, but for those who do not want mails."""
    unwilling = set(await session.scalars(select(NotificationChoice.id).where(NotificationChoice.mail.is_(False))))
    users = await session.scalars(select(User).where(User.status == "active").order_by(User.email))
    return [user for user in users if user.id not in unwilling and may_take(user)]


def may_take(user: User) -> bool:
    """Whether a person may take conversations of customers."""
    return user.status == "active" and at_least(user.role, "operator")


def body_for(hook: Webhook, event: HubEvent, url: str) -> str:
    """What a webhook is sent, in its form. `url` is where the hub is reached."""
    where = f"{url}{FOLDER}{event.subject}"
    if hook.form == "slack":
        said = f"{SUBJECT}. <{where}|Read it and answer>"
        section = {"type": "section", "text": {"type": "mrkdwn", "text": said}}
        return orjson.dumps({"text": f"{SUBJECT}.", "blocks": [section]}).decode()
    data: dict[str, Any] = {
        "conversation": event.subject,
        "message": f"{SUBJECT}; the assistant keeps silent until then.",
        "asked_at": to_rfc3339(event.occurred_at),
        "url": where,
    }
    return orjson.dumps({"type": EVENT, "timestamp": to_rfc3339(event.occurred_at), "data": data}).decode()


def mail_text(conversation: str, asked_at: datetime, url: str) -> str:
    """The text of a mail. It says when, because it may come late."""
    when = to_rfc3339(asked_at.replace(microsecond=0))
    return (
        f"In the chat of your shop a customer asked for a person, at {when}. Until somebody answers, the assistant "
        f"keeps silent.\n\nRead what was said, and answer, here:\n{url}{FOLDER}{conversation}\n\n"
        "Whoever comes first takes it: the page says so where a colleague has it already.\n"
    )
