"""`tradepost profile|agent`: who may call."""

from typing import Annotated

import typer

from tradepost.cli import agent_setup, console
from tradepost.cli.profile_fields import fields
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.hub.access import agents as services
from tradepost.hub.registration.assignments import count_visible, too_many
from tradepost.hub.registration.granting import greet, out_of_reach
from tradepost.hub.registry.rules import read_rules

profiles = typer.Typer(name="profile", help="Groups of agents with one posture.", no_args_is_help=True)
agents = typer.Typer(name="agent", help="Agents: specialists and outside MCP clients.", no_args_is_help=True)


profiles.command("fields")(fields)
agents.command("setup")(agent_setup.setup)
agents.command("set")(agent_setup.change)


def register(app: typer.Typer) -> None:
    for group in (profiles, agents):
        app.add_typer(group)


@profiles.command("create")
def profile_create(
    slug: Annotated[str, typer.Argument(help="Short name.")],
    posture: Annotated[str, typer.Option(help="propose (every write asks), guarded or customer.")] = "propose",
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """A new profile."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await services.create_profile(session, caller, slug, name, posture)  # type: ignore[arg-type]
        console.say(f"The profile {row.slug} is there; its posture is {row.posture}.")

    run(work)


@profiles.command("list")
def profile_list(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All profiles."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = [
                {"slug": row.slug, "name": row.name, "posture": row.posture, "id": row.id}
                for row in await services.list_profiles(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["slug", "name", "posture"], "There is no profile yet.")

    run(work)


@agents.command("create")
def agent_create(
    slug: Annotated[str, typer.Argument(help="Short name.")],
    profile: Annotated[str, typer.Option(help="Its profile.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope it has, for example read:orders; repeat it.")] = None,
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """A new agent in a profile."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await services.create_agent(session, caller, profile, slug, name, description, scope or ())
            await greet(session, caller, row)
        console.say(f"The agent {row.slug} is there. Assign it tools, then: tradepost key mint --agent {row.slug}")

    run(work)


@agents.command("list")
def agent_list(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All agents."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            named = {row.id: row.slug for row in await services.list_profiles(session)}
            rules = await read_rules(session)
            rows = [
                {
                    "slug": row.slug,
                    "profile": named.get(row.profile_id),
                    "status": row.status,
                    "tools": await count_visible(session, row, rules),
                    "scopes": " ".join(row.scopes),
                    "id": row.id,
                }
                for row in await services.list_agents(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["slug", "profile", "status", "tools", "scopes"], "There is no agent yet.")
            for row in rows:
                warning = too_many(str(row["slug"]), int(row["tools"] or 0), rules.visible_tools)
                if warning is not None:
                    console.warn(warning)

    run(work)


@agents.command("scopes")
def agent_scopes(
    agent: Annotated[str, typer.Argument(help="The agent.")],
    scope: Annotated[list[str], typer.Option(help="A scope it shall have; repeat it.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Replace an agent's scopes; acts on the next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await services.set_agent_scopes(session, caller, agent, scope)
            lacking = await out_of_reach(session, row)
        console.say(f"{row.slug} has {' '.join(row.scopes)}.")
        for tool, needed in lacking.items():
            console.say(f"Warning: it sees {tool} and cannot call it: that needs {needed}.")

    run(work)


def _switch(agent: str, active: bool, workspace: str | None, by: str | None, data: DataOption) -> None:
    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await services.set_agent_active(session, caller, agent, active)
        console.say(f"{row.slug} is {row.status}.")

    run(work)


@agents.command("disable")
def agent_disable(
    agent: Annotated[str, typer.Argument(help="The agent.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Shut an agent out; acts on the next call of each of its keys."""
    _switch(agent, False, workspace, by, data)


@agents.command("enable")
def agent_enable(
    agent: Annotated[str, typer.Argument(help="The agent.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Let an agent in again."""
    _switch(agent, True, workspace, by, data)
