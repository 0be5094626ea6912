"""People's answers: who may give one, how often, until when."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.hub.actions.rows import draft
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.hub.access import people, workspaces
from tradepost.hub.access.models import Role
from tradepost.hub.access.roles import caller_for_user, system_caller
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.places import open_place
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.actions.views import list_views, view
from tradepost.hub.audit.read import tail
from tradepost.hub.audit.writer import AuditWriter

NOON = datetime(2026, 2, 24, 12, tzinfo=UTC)


class Office:
    """A workspace with people who answer."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self.database, self.workspace_id = database, workspace_id
        self.verdicts = Verdicts(database, AuditWriter(database), ActionClock(fixed(NOON)))

    async def person(self, role: Role, name: str) -> Caller:
        by = system_caller(self.workspace_id, "req_0")
        async with self.database.transaction(self.workspace_id, write=True) as session:
            return caller_for_user(await people.create_user(session, by, f"{name}@x.test", name, role), "req_2")

    async def ask(self, **values: object) -> str:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            action, _ = await open_place(session, draft(workspace=self.workspace_id, **values))  # type: ignore[arg-type]
        return action.id


@pytest.fixture
async def office(database: Database) -> Office:
    made = await workspaces.create_workspace(database, "acme", "Acme", "owner@x.test")
    return Office(database, made.workspace.id)


@pytest.mark.parametrize("role", ["owner", "admin", "operator"])
async def test_operators_and_above_approve(office: Office, role: Role):
    by = await office.person(role, "ann")
    action_id = await office.ask()
    shown = await office.verdicts.approve(by, action_id, "fine")

    assert shown.state == "approved"
    assert [(verdict.user_name, verdict.comment) for verdict in shown.verdicts] == [("ann", "fine")]
    (row,) = [row for row in await tail(office.database, office.workspace_id) if row.kind == "decision"]
    assert (row.tag, row.approver_id, row.action_id) == ("approval:approved", by.user_id, action_id)


async def test_viewers_agents_the_machine_and_strangers_do_not(office: Office):
    action_id = await office.ask()
    viewer = await office.person("viewer", "vic")
    ann = await office.person("admin", "ann")
    agent = Caller(office.workspace_id, Principal("agent_key", "key_1"), "req", user_id=ann.user_id, agent_id="agt_1")
    machine = system_caller(office.workspace_id, "req")
    stranger = Caller(office.workspace_id, Principal("user", "usr_x"), "req", user_id="usr_x")
    for nobody in (viewer, agent, machine, stranger):
        with pytest.raises(ForbiddenScope):
            await office.verdicts.approve(nobody, action_id)


async def test_an_action_is_answered_once(office: Office):
    ann, bob = await office.person("operator", "ann"), await office.person("operator", "bob")
    action_id = await office.ask()
    await office.verdicts.reject(ann, action_id, "no")
    for answer in (office.verdicts.approve, office.verdicts.reject):
        with pytest.raises(StateConflict, match="rejected by ann"):
            await answer(bob, action_id)


async def test_an_approval_that_is_too_late_expires(office: Office):
    ann = await office.person("operator", "ann")
    action_id = await office.ask(expires_at=NOON - timedelta(seconds=1))
    with pytest.raises(StateConflict, match="expired"):
        await office.verdicts.approve(ann, action_id)
    async with office.database.transaction(office.workspace_id, write=False) as session:
        assert (await view(session, action_id)).state == "expired"


async def test_two_people_are_two_people_and_neither_is_who_asked(office: Office):
    ann, bob, eve = [await office.person("operator", name) for name in ("ann", "bob", "eve")]
    action_id = await office.ask(approvals_needed=2, user_id=eve.user_id)
    assert (await office.verdicts.approve(ann, action_id)).state == "pending"
    with pytest.raises(StateConflict, match="ann has approved"):
        await office.verdicts.approve(ann, action_id)
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(eve, action_id)
    assert (await office.verdicts.approve(bob, action_id)).state == "approved"


async def test_canceling_ends_what_has_not_begun(office: Office):
    ann = await office.person("operator", "ann")
    action_id = await office.ask()
    await office.verdicts.approve(ann, action_id)
    assert (await office.verdicts.cancel(ann, action_id)).state == "canceled"
    with pytest.raises(StateConflict):
        await office.verdicts.cancel(ann, action_id)


async def test_wrong_ids_and_endless_comments_are_refused(office: Office):
    ann = await office.person("operator", "ann")
    with pytest.raises(NotFound):
        await office.verdicts.approve(ann, "act_nope")
    with pytest.raises(InvalidArgument):
        await office.verdicts.reject(ann, await office.ask(), "x" * 2_001)


async def test_the_queue_is_paged_oldest_first_and_complete(office: Office):
    ids = [await office.ask(key=f"k{number}") for number in range(5)]
    found, cursor = [], None
    async with office.database.transaction(office.workspace_id, write=False) as session:
        while True:
            page, cursor = await list_views(session, limit=2, cursor=cursor)
            found += [shown.id for shown in page]
            if cursor is None:
                break
        assert found == ids
        with pytest.raises(TradepostError):
            await list_views(session, limit=2, cursor="nonsense")
        shown = page[0].as_dict()
    assert shown["arguments"] == {"quantity": 1}
    assert shown["state"] == "pending"
