"""`tradepost usage`: how much was called, by whom and how well."""

from dataclasses import asdict
from datetime import UTC, timedelta
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.moments import SinceOption, UntilOption, moment
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, hub_session, run
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import list_agents
from tradepost.hub.access.people import list_users
from tradepost.hub.audit.usage import By, Wanted, usage

MOST_DAYS = 366
_COLUMNS = ("calls", "reads", "writes", "approvals", "refused", "errors", "tokens", "p50_ms", "p95_ms")


def register(app: typer.Typer) -> None:
    app.command("usage")(usage_command)


def usage_command(
    by: Annotated[By, typer.Option(help="What each line is about.")] = "day",
    since: SinceOption = None,
    until: UntilOption = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Calls, writes, approvals, errors, tokens and times by whole days (UTC), of the last 30 without options."""

    async def work() -> None:
        last = moment(until, "until") or system_now()
        first = moment(since, "since") or last - timedelta(days=30)
        if not timedelta(0) < last - first <= timedelta(days=MOST_DAYS):
            raise InvalidArgument(f"The time is not between nothing and {MOST_DAYS} days.", field="since")
        end = (last - timedelta(microseconds=1)).astimezone(UTC)
        async with hub_session(data, workspace, write=False) as (session, _):
            found = await usage(session, Wanted(by, f"{first.astimezone(UTC):%Y-%m-%d}", f"{end:%Y-%m-%d}"))
            names = {agent.id: agent.slug for agent in await list_agents(session)}
            names |= {user.id: user.email for user in await list_users(session)}
        rows = []
        for key, one in found.items():
            shape = {name: value for name, value in asdict(one).items() if name != "buckets"}
            times = {"p50_ms": one.at_most_ms(0.5), "p95_ms": one.at_most_ms(0.95)}
            rows.append({by: names.get(key, key) if by in ("agent", "user") else key, **shape, **times})
        if as_json:
            console.show_lines(rows)
        else:
            console.show_table(rows, [by, *_COLUMNS], "Nothing was called.")

    run(work)
