"""Who sets limits, and what is shown and recorded of it."""

import pytest
from sqlalchemy import select

from tests.hub.world import World
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound
from tradepost.hub.access.quotas import InForce, change, in_force
from tradepost.hub.access.roles import system_caller
from tradepost.hub.audit.models import AuditEvent


async def test_the_plan_is_set_by_the_operator_and_an_agents_limits_by_an_admin(world: World):
    admin, viewer = await world.person("admin"), await world.person("viewer")
    async with world.changing() as session:
        for person in (world.owner, admin, world.as_agent()):
            with pytest.raises(ForbiddenScope):
                await change(session, person, given={"calls_per_minute": 1_000_000})
        for person in (viewer, world.as_agent()):
            with pytest.raises(ForbiddenScope):
                await change(session, person, "helper", given={"calls_per_minute": 5})
        await change(session, admin, "helper", given={"calls_per_minute": 5})
        await change(session, system_caller(world.workspace_id, "req_1"), given={"calls_per_minute": 50})
        with pytest.raises(NotFound):
            await change(session, admin, "nobody", given={"calls_per_minute": 5})


async def test_what_holds_is_shown_with_who_set_it(world: World):
    by = system_caller(world.workspace_id, "req_1")
    async with world.changing() as session:
        given = {"calls_per_minute": "50", "money_per_day.EUR": "900", "feature.writes": "off"}
        shown = {one.name: one for one in await change(session, by, given=given)}
        assert (shown["calls_per_minute"].value, shown["calls_per_minute"].set_by) == (50, "workspace")
        assert (shown["calls_per_day"].value, shown["calls_per_day"].set_by) == (None, "default")
        assert (shown["feature.writes"].value, shown["feature.mcp"].value) == (False, True)
        assert shown["money_per_day.EUR"].value == 900
        of_agent = await change(session, by, "helper", given={"calls_per_minute": 70, "calls_per_day": 3})
        values = {one.name: (one.value, one.set_by) for one in of_agent}
        assert values["calls_per_minute"] == (50, "workspace")
        assert values["calls_per_day"] == (3, "agent")
        assert not any(name.startswith("feature") for name in values)
        await change(session, by, "helper", dropped=["calls_per_day"])
        assert InForce("calls_per_day", None, "default", shown["calls_per_day"].what, 0) in await in_force(
            session, "helper"
        )


async def test_nothing_is_set_where_one_value_is_wrong_and_nothing_recorded_where_nothing_changed(world: World):
    by = system_caller(world.workspace_id, "req_1")
    with pytest.raises(InvalidArgument):
        async with world.changing() as session:
            await change(session, by, given={"calls_per_minute": 50, "calls_per_hour": 7})
    async with world.changing() as session:
        with pytest.raises(InvalidArgument):
            await change(session, by, dropped=["calls_per_hour"])
        await change(session, by, given={"calls_per_minute": 50})
        await change(session, by, given={"calls_per_minute": 50})
        await change(session, by, given={"calls_per_minute": 60})
    async with world.reading() as session:
        rows = await session.scalars(
            select(AuditEvent).where(AuditEvent.tag == "limits:set").order_by(AuditEvent.sequence)
        )
        said = [(row.details["before"], row.details["after"]) for row in rows]
    assert said == [({}, {"calls_per_minute": 50}), ({"calls_per_minute": 50}, {"calls_per_minute": 60})]
