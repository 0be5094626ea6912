"""People, and agents that ask them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tests.hub.actions.rows import draft
from tests.hub.world import World
from tests.identity.people.desk import Clock, Desk
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import open_place
from tradepost.hub.actions.states import move
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.events.publish import publish
from tradepost.hub.notices.build import Notices, build_notices
from tradepost.hub.notices.models import Notice
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import Vault


@dataclass
class Office:
    """A workspace, what tells its people, and the pages on which they answer."""

    world: World
    clock: Clock
    verdicts: Verdicts
    notices: Notices
    pages: Desk
    vault: Vault
    guard: Guard

    async def ask(self, key: str = "k1", *, moves_money: bool = False, payload: Any = None, **values: Any) -> Action:
        """An agent's write that waits, with its event."""
        values.setdefault("expires_at", self.clock() + timedelta(hours=1))
        made = replace(draft(workspace=self.world.workspace_id, key=key, **values), moves_money=moves_money)
        async with self.world.changing() as session:
            action, _ = await open_place(session, made)
            publish(session, action.workspace_id, "action:requested", action.id, actor="key_1", request_id="req_1",
                    payload=payload)  # fmt: skip
        return action

    async def look(self, action: Action) -> ActionView:
        async with self.world.reading() as session:
            return await view(session, action.id)

    async def end(self, action: Action, verb: str) -> None:
        async with self.world.changing() as session:
            if verb == "succeeded":
                assert await move(session, action.workspace_id, action.id, "approved", "executing")
                assert await move(session, action.workspace_id, action.id, "executing", "succeeded")
            publish(session, action.workspace_id, f"action:{verb}", action.id, actor="hub", request_id="req_1")

    async def waiting(self) -> list[Notice]:
        async with self.world.reading() as session:
            return list(await session.scalars(select(Notice).order_by(Notice.created_at, Notice.id)))

    def another_process(self) -> Notices:
        return build_notices(
            self.world.database, self.vault, self.guard, self.pages.url, self.notices.mailer, self.clock
        )
