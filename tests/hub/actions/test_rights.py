"""Whose answers count: roles, rights that were handed over, groups, proof of who answers (rows 13, 14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hub.actions.rows import draft
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import fixed
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, RateLimited, StateConflict
from tradepost.hub.access import people, workspaces
from tradepost.hub.access.models import Role
from tradepost.hub.access.person_models import PersonSession
from tradepost.hub.access.roles import caller_for_user, system_caller
from tradepost.hub.actions.answering import Freshness, How
from tradepost.hub.actions.approvers import still_approved
from tradepost.hub.actions.burst import require_room
from tradepost.hub.actions.card import cards_of
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.delegations import delegate, list_delegations, revoke
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import open_place
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.actions.views import view
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.limits.quotas import Quotas

NOON = datetime(2026, 2, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class OneCode:
    """Second factors: those named have one, whose code is 123456."""

    def __init__(self) -> None:
        self.people: set[str] = set()

    async def has(self, session: AsyncSession, user_id: str) -> bool:
        return user_id in self.people

    async def accepts(self, session: AsyncSession, user_id: str, code: str) -> bool:
        return user_id in self.people and code == "123456"


class Office:
    """A workspace with people who answer at noon."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self.database, self.workspace_id, self.codes = database, workspace_id, OneCode()
        fresh = Freshness(database, self.codes, 10, fixed(NOON))
        clock = ActionClock(fixed(NOON))
        self.verdicts = Verdicts(database, AuditWriter(database), clock, fresh)

    @property
    def by(self) -> Caller:
        return system_caller(self.workspace_id, "req_0")

    async def person(self, role: Role, name: str) -> Caller:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            user = await people.create_user(session, self.by, f"{name}@x.test", name, role)
        return caller_for_user(user, "req_2")

    async def set_role(self, name: str, role: Role) -> None:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            await people.set_role(session, self.by, f"{name}@x.test", role)

    async def ask(
        self, key: str = "k1", *, moves_money: bool = False, role: str | None = None, **values: Any
    ) -> Action:
        made = draft(workspace=self.workspace_id, key=key, **values)
        made = replace(made, moves_money=moves_money, approver_role=role)
        async with self.database.transaction(self.workspace_id, write=True) as session:
            return (await open_place(session, made))[0]

    async def hand_over(self, giver: Caller, to: str, begins: datetime = NOON, ends: datetime = NOON + DAY) -> str:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            return str((await delegate(session, giver, f"{to}@x.test", begins, ends, NOON))["id"])

    async def take_back(self, by: Caller, delegation_id: str) -> None:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            await revoke(session, by, delegation_id, NOON)

    async def stands(self, action: Action) -> bool:
        async with self.database.transaction(self.workspace_id, write=False) as session:
            row = (await session.scalars(select(Action).where(Action.id == action.id))).one()
            return await still_approved(session, row)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await workspaces.create_workspace(database, "acme", "Acme", "owner@x.test")
    return Office(database, made.workspace.id)


async def test_a_rule_may_ask_for_a_higher_role(office: Office):
    operator, admin = await office.person("operator", "olga"), await office.person("admin", "ada")
    action = await office.ask(role="admin")
    for answer in (office.verdicts.approve, office.verdicts.reject):
        with pytest.raises(ForbiddenScope, match="role admin"):
            await answer(operator, action.id)
    assert (await office.verdicts.approve(admin, action.id)).state == "approved"
    assert await office.stands(action)
    await office.set_role("ada", "operator")
    assert not await office.stands(action)


async def test_a_right_is_handed_over_for_a_time_and_taken_back(office: Office):
    """Whoever is away lets another one answer: as long as both may, and not a moment longer."""
    admin, operator = await office.person("admin", "ada"), await office.person("operator", "olga")
    first, second = await office.ask("k1", role="admin"), await office.ask("k2", role="admin")
    handed = await office.hand_over(admin, "olga")
    shown = await office.verdicts.approve(operator, first.id)
    assert [(said.user_name, said.on_behalf_of) for said in shown.verdicts] == [("olga", admin.user_id)]
    assert await office.stands(first)
    async with office.database.transaction(office.workspace_id, write=False) as session:
        (card,) = await cards_of(session, [await view(session, first.id)])
        rows = list(await session.scalars(select(AuditEvent).where(AuditEvent.tag == "approval:approved")))
    assert card.on_behalf_of == {admin.user_id: "ada"}
    assert rows[0].details == {"way": "console", "on_behalf_of": admin.user_id}

    await office.take_back(admin, handed)
    assert not await office.stands(first), "what was approved by it and has not begun does not count any more"
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(operator, second.id)
    with pytest.raises(StateConflict):
        await office.take_back(admin, handed)
    await office.hand_over(admin, "olga", NOON + timedelta(hours=1))
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(operator, second.id)
    await office.hand_over(admin, "olga")
    assert (await office.verdicts.approve(operator, second.id)).state == "approved"
    await office.set_role("ada", "operator")
    assert not await office.stands(second), "nobody hands over what they have no more"
    async with office.database.transaction(office.workspace_id, write=False) as session:
        assert len(await list_delegations(session)) == 3


async def test_nobody_hands_over_more_than_they_have_or_to_whom_may_hold_nothing(office: Office):
    operator, admin = await office.person("operator", "olga"), await office.person("admin", "ada")
    await office.person("viewer", "vic")
    for to, error in (("vic", ForbiddenScope), ("ada", ForbiddenScope), ("olga", InvalidArgument), ("no", NotFound)):
        with pytest.raises(error):
            await office.hand_over(operator, to)
    for begins, ends in ((NOON, NOON), (NOON - DAY, NOON), (NOON, NOON + 93 * DAY)):
        with pytest.raises(InvalidArgument):
            await office.hand_over(admin, "olga", begins, ends)
    handed = await office.hand_over(admin, "olga")
    with pytest.raises(ForbiddenScope):
        await office.take_back(operator, handed)
    viewer = await office.person("viewer", "vera")
    with pytest.raises(ForbiddenScope):
        await office.hand_over(viewer, "olga")
    action = await office.ask(role="admin")
    await office.set_role("olga", "viewer")
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(operator, action.id)


async def test_four_eyes_are_two_people_and_two_rights(office: Office):
    """One human by two ways, one right by two humans, whoever asked through another: each is one too few."""
    ada, bea, olga = [await office.person("admin", name) for name in ("ada", "bea", "olga")]
    await office.hand_over(ada, "olga")
    asked = {"approvals_needed": 2, "role": "admin"}
    one = await office.ask("k1", **asked)
    await office.verdicts.approve(olga, one.id)
    with pytest.raises(StateConflict, match="olga has approved"):
        await office.verdicts.approve(olga, one.id)
    assert (await office.verdicts.approve(ada, one.id)).state == "approved", "both had a right of their own"

    await office.set_role("olga", "operator")
    two, three = await office.ask("k2", **asked), await office.ask("k3", user_id=ada.user_id, **asked)
    await office.verdicts.approve(olga, two.id)
    with pytest.raises(ForbiddenScope, match="used"):
        await office.verdicts.approve(ada, two.id)
    assert (await office.verdicts.approve(bea, two.id)).state == "approved"
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(olga, three.id)
    with pytest.raises(ForbiddenScope, match="asked for this"):
        await office.verdicts.approve(ada, three.id)


async def test_an_answer_counts_for_what_was_seen(office: Office):
    ada = await office.person("admin", "ada")
    action = await office.ask()
    for seen in ({"round": 2}, {"fingerprint": "sha256:other"}):
        with pytest.raises(StateConflict, match="not what you were shown"):
            await office.verdicts.approve(ada, action.id, None, How("rest", **seen))  # type: ignore[arg-type]
    how = How("rest", round=1, fingerprint=action.fingerprint)
    assert (await office.verdicts.approve(ada, action.id, None, how)).state == "approved"


async def test_money_wants_somebody_who_has_just_proved_who_they_are(office: Office):
    """Row 13: by a code or a sign-in with two factors a moment ago; rejecting asks for nothing."""
    ada = await office.person("admin", "ada")
    assert ada.user_id is not None
    office.codes.people.add(ada.user_id)
    rest = How("rest")
    one, two, three = [await office.ask(key, moves_money=True) for key in ("k1", "k2", "k3")]
    with pytest.raises(ForbiddenScope) as refused:
        await office.verdicts.approve(ada, one.id, None, rest)
    assert refused.value.details == {"step_up": "code"}
    with pytest.raises(InvalidArgument):
        await office.verdicts.approve(ada, one.id, None, How("rest", code="000000"))
    assert (await office.verdicts.approve(ada, one.id, None, How("rest", code="123456"))).state == "approved"
    assert (await office.verdicts.reject(ada, two.id, None, rest)).state == "rejected"
    assert (await office.verdicts.approve(ada, (await office.ask("k4")).id, None, rest)).state == "approved"
    async with office.database.transaction(office.workspace_id, write=True) as session:
        for minutes, second in ((11, True), (1, False)):
            begun = NOON - timedelta(minutes=minutes)
            session.add(
                PersonSession(
                    id=f"ses_{minutes}",
                    user_id=ada.user_id,
                    digest=str(minutes),
                    second_factor=second,
                    signed_in_at=begun,
                    last_seen_at=begun,
                    expires_at=NOON + DAY,
                )
            )
    with pytest.raises(ForbiddenScope):
        await office.verdicts.approve(ada, three.id, None, rest)
    async with office.database.transaction(office.workspace_id, write=True) as session:
        (await session.get_one(PersonSession, (office.workspace_id, "ses_1"))).second_factor = True
    assert (await office.verdicts.approve(ada, three.id, None, rest)).state == "approved"


async def test_one_answer_for_exactly_the_members_it_names(office: Office):
    """Row 14: no "approve all" over different arguments, and nothing half done."""
    ada = await office.person("operator", "ada")
    how = How("rest")
    orders = [await office.ask(f"k{n}", arguments={"order_id": f"o{n}", "hold": True}) for n in range(3)]
    other = await office.ask("k9", arguments={"order_id": "o9", "hold": False})
    named = {one.id: one.fingerprint for one in orders[:2]}
    group = office.verdicts.answer_group
    for wrong, error in (
        ({**named, other.id: other.fingerprint}, InvalidArgument),
        ({**named, orders[2].id: orders[1].fingerprint}, StateConflict),
        ({**named, "act_nope": "x"}, NotFound),
        ({}, InvalidArgument),
    ):
        with pytest.raises(error):
            await group(ada, "approve", wrong, None, how)
    await office.verdicts.reject(ada, orders[2].id)
    with pytest.raises(StateConflict):
        await group(ada, "approve", {**named, orders[2].id: orders[2].fingerprint}, None, how)
    async with office.database.transaction(office.workspace_id, write=False) as session:
        assert {(await view(session, one.id)).state for one in orders[:2]} == {"pending"}
    assert [one.state for one in await group(ada, "approve", named, "both", how)] == ["approved", "approved"]


async def test_a_card_says_what_is_odd(office: Office):
    """Row 14: hidden characters are written out, long texts have an end, and one amount among many is pointed out."""
    for number in range(4):
        await office.ask(f"k{number}", arguments={"order_id": f"o{number}", "amount": 10})
    text = "x" * 3_000 + "tail"
    odd = await office.ask("k9", arguments={"order_id": "o9", "amount": 1000})
    long = await office.ask("k8", arguments={"payee": "Bob\u202egro.live", "reason": text, "lines": [{"sku": "gift"}]})
    async with office.database.transaction(office.workspace_id, write=False) as session:
        first, second = await cards_of(session, [await view(session, one.id) for one in (odd, long)])
    assert first.warnings == ("5 similar requests of this agent within 10 minutes; these differ: amount.",)
    shown = dict(second.arguments)
    assert shown["payee"] == "Bob\\u{202e}gro.live"
    assert shown["reason"].endswith("tail")
    assert shown["lines[0].sku"] == "gift"
    assert second.words == ("reason",)
    assert [warning.split(" ")[0] for warning in second.warnings] == ["payee", "reason"]


async def test_an_agent_asks_only_so_much(office: Office):
    """Row 14: the queue is bounded, by what waits and by the minute; other agents are not held up."""
    caller = draft(workspace=office.workspace_id).caller
    for number in range(3):
        await office.ask(f"k{number}")
    now = datetime.now(UTC)
    async with office.database.transaction(office.workspace_id, write=True) as session:
        await require_room(session, caller, Quotas(approvals_pending=4, approvals_per_minute=4), now)
        for tight, words in (({"approvals_pending": 3}, "3 writes wait"), ({"approvals_per_minute": 3}, "3 times")):
            with pytest.raises(RateLimited, match=words) as refused:
                await require_room(session, caller, Quotas(**tight), now)
            assert refused.value.retry_after_seconds
        await require_room(session, replace(caller, agent_id="agt_2"), Quotas(approvals_pending=1), now)
        later = now + timedelta(minutes=2)
        await require_room(session, caller, Quotas(approvals_per_minute=3), later)
