"""One attempt to deliver one notice, and what it means for its receiver."""

import time
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import note
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import system_caller
from tradepost.hub.actions.approvers import rights_of
from tradepost.hub.actions.card import cards_of
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import view
from tradepost.hub.notices import waiting_customers
from tradepost.hub.notices.contents import mail_subject, mail_text
from tradepost.hub.notices.failures import NotSent
from tradepost.hub.notices.links import new_link
from tradepost.hub.notices.mailing import Mailer
from tradepost.hub.notices.models import Notice, NotificationChoice, Webhook
from tradepost.hub.notices.posting import Poster
from tradepost.hub.vault.vault import Vault

MOST_FAILURES = 20  # attempts in a row, over all messages: then nobody listens there any more
URL, SECRET, BEFORE = "url", "secret", "secret before"
MAX_ERROR = 300


class Attempting:
    """Sends single notices. Without a `mailer` there are no mails. `url` is where people reach the hub."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        poster: Poster,
        mailer: Mailer | None,
        url: str,
        now: Now = system_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._poster = poster
        self._mailer = mailer
        self._url = url
        self._now = now

    @property
    def mails(self) -> bool:
        """Whether mails can be sent."""
        return self._mailer is not None

    async def send(self, notice: Notice) -> bool:
        """Send it. False when nobody needs it any more. Raises NotSent."""
        return await (self._mail(notice) if notice.kind == "mail" else self._post(notice))

    async def post_to(self, workspace_id: str, webhook_id: str, message_id: str, body: str) -> int | None:
        """Post a text to a webhook. Returns the status; None where the webhook is not active. Raises NotSent."""
        async with self._database.transaction(workspace_id, write=False) as session:
            hook = await session.scalar(select(Webhook).where(Webhook.id == webhook_id, Webhook.state == "active"))
            if hook is None:
                return None
            url = await self._vault.kept(session, hook.id, URL)
            signers = await self._signers(session, hook)
        if url is None:
            raise NotSent("Its URL is not known any more.", final=True)
        return await self._poster.post(url, message_id, int(time.time()), body, signers)

    async def note(self, session: AsyncSession, notice: Notice, failed: NotSent | None, now: datetime) -> None:
        """What an attempt means for a webhook: after too many failures in a row it is disabled."""
        if notice.kind != "webhook":
            return
        wanted = select(Webhook).where(Webhook.id == notice.target_id)
        hook = (await session.scalars(wanted.with_for_update())).one_or_none()
        if hook is None:
            return
        if failed is None:
            hook.failures, hook.last_error, hook.last_sent_at = 0, None, now
            return
        hook.failures, hook.last_error = hook.failures + 1, str(failed)[:MAX_ERROR]
        if (failed.gone or hook.failures >= MOST_FAILURES) and hook.state == "active":
            hook.state = "disabled"
            by = system_caller(notice.workspace_id, new_id("req"))
            note(session, by, "webhook:disabled", hook.id, {"name": hook.name, "why": hook.last_error})

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def _post(self, notice: Notice) -> bool:
        body = notice.body or "{}"
        return await self.post_to(notice.workspace_id, notice.target_id, notice.id, body) is not None

    async def _signers(self, session: AsyncSession, hook: Webhook) -> list[str]:
        if hook.form != "standard":
            return []
        found = [await self._vault.kept(session, hook.id, SECRET)]
        if hook.before_until is not None and hook.before_until > self._now():
            found.append(await self._vault.kept(session, hook.id, BEFORE))
        known = [secret for secret in found if secret is not None]
        if not known:
            raise NotSent("Its secret is not known any more.", final=True)
        return known

    async def _mail(self, notice: Notice) -> bool:
        if self._mailer is None:
            raise NotSent("No mail account is set up any more.")
        if notice.event_type == waiting_customers.EVENT:
            return await self._mail_waiting(self._mailer, notice)
        async with self._database.transaction(notice.workspace_id, write=True) as session:
            now = self._now()
            action = await session.scalar(select(Action).where(Action.id == notice.action_id))
            user = await session.scalar(select(User).where(User.id == notice.target_id, User.status == "active"))
            if action is None or user is None or (action.state, action.round) != ("pending", notice.round):
                return False
            choice = await session.scalar(select(NotificationChoice.mail).where(NotificationChoice.id == user.id))
            if choice is False or not await rights_of(session, user, action, now):
                return False
            expires_at = action.expires_at
            if expires_at is None or expires_at <= now:
                return False
            path, shown = new_link(session, action, user.id, expires_at), await view(session, action.id)
            (card,) = await cards_of(session, [shown])
            to = user.email
        await self._mailer.send(notice.id, to, mail_subject(shown), mail_text(shown, card, self._url + path))
        return True

    async def _mail_waiting(self, mailer: Mailer, notice: Notice) -> bool:
        async with self._database.transaction(notice.workspace_id, write=False) as session:
            user = await session.scalar(select(User).where(User.id == notice.target_id))
            choice = await session.scalar(
                select(NotificationChoice.mail).where(NotificationChoice.id == notice.target_id)
            )
        if user is None or choice is False or not waiting_customers.may_take(user):
            return False
        await mailer.send(notice.id, user.email, waiting_customers.SUBJECT, notice.body or "")
        return True
