"""`tradepost agent setup|set`: how an agent works."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

import tradepost.agents.tables  # noqa: F401 (its tables)
from tradepost.agents.setups.limits import Limits
from tradepost.agents.setups.models import PLANNER
from tradepost.agents.setups.service import Change, Setup, change_setup, read_setup
from tradepost.api.agent_directory import HubDirectory
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role

AgentName = Annotated[str, typer.Argument(help="The agent's short name.")]


def setup(
    agent: AgentName, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """How an agent works: role, model, limits, instructions."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            _tell(await read_setup(session, await HubDirectory().agent(session, agent)), as_json)

    run(work)


def change(
    agent: AgentName,
    model: Annotated[
        str | None, typer.Option(help='anthropic:NAME, openai:NAME, openai:NAME@URL, scripted; "" for the default.')
    ] = None,
    fallback: Annotated[str | None, typer.Option(help="Asked where the first model cannot answer.")] = None,
    role: Annotated[str | None, typer.Option(help="specialist, planner or shopper.")] = None,
    instructions: Annotated[str | None, typer.Option(help="What it is told; @FILE reads a file.")] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="steps, tokens, cost_micros, seconds, tool_calls: NAME=NUMBER; repeat it.")
    ] = None,
    prompt: Annotated[list[str] | None, typer.Option(help="A prompt that people start it with; repeat it.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change how an agent works. It acts on the next message."""

    async def work() -> None:
        wanted = Change(role, text_or_file(instructions), model, fallback, _limits(limit), prompt)
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            facts = await HubDirectory().agent(session, agent)
            await require_role(session, caller, "admin", None if role == PLANNER else facts.profile_id)

            async def record(session: AsyncSession, tag: str, subject: str, details: Mapping[str, Any]) -> None:
                await record_change(session, caller, tag, subject, details)

            after = await change_setup(session, facts, wanted, record)
        _tell(after, as_json)

    run(work)


def _limits(given: list[str] | None) -> dict[str, Any] | None:
    if not given:
        return None
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not (value.isdigit() or not value):
            raise InvalidArgument(f"'{one}' is no limit.", hint="Write NAME=NUMBER, or NAME= for the default.")
        found[name] = int(value) if value else None
    return found


def text_or_file(given: str | None) -> str | None:
    """A text as it was given, or that of the file after an @. Raises InvalidArgument."""
    if given is None or not given.startswith("@"):
        return given
    file = Path(given[1:])
    if not file.is_file():
        raise InvalidArgument(f"There is no file {file}.", hint="Name a text file after the @.")
    return file.read_text(encoding="utf-8")


def _tell(found: Setup, as_json: bool) -> None:
    limits = Limits.of(found.limits).as_dict()
    shown = {
        "agent": found.facts.slug,
        "role": found.role,
        "model": found.model,
        "fallback_model": found.fallback_model,
        "limits": limits,
        "prompts": found.prompts,
        "instructions": found.instructions,
        "version": found.version,
    }
    if as_json:
        console.show_json(shown)
        return
    model = found.model or "the hub's default model"
    after = f", then {found.fallback_model}" if found.fallback_model else ""
    console.say(f"{found.facts.slug} is a {found.role} on {model}{after}.")
    console.say("For one answer: " + ", ".join(f"{name} {value:,}" for name, value in limits.items()) + ".")
    if found.instructions:
        console.say(found.instructions)
