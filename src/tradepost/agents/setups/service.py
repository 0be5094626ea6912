"""Reading and changing how agents work. A change acts on the next turn."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.ports import Directory, Facts
from tradepost.agents.setups.limits import Limits
from tradepost.agents.setups.model_names import read_name
from tradepost.agents.setups.models import ROLES, AgentSetup
from tradepost.database.lookups import Lookup
from tradepost.foundation.errors import InvalidArgument, VersionConflict

Record = Callable[[AsyncSession, str, str, Mapping[str, Any]], Awaitable[None]]  # what happened, to whom, details

_SETUP = Lookup(select(AgentSetup).where(AgentSetup.id == bindparam("id")))  # asked with every message
MAX_INSTRUCTIONS, MAX_PROMPTS = 20_000, 20


@dataclass(frozen=True, slots=True)
class Setup:
    """How one agent works, and who it is. `version` 0: nothing was set yet."""

    facts: Facts
    role: str = "specialist"
    instructions: str = ""
    model: str = ""
    fallback_model: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What to set; None leaves it. "" takes instructions or a model away."""

    role: str | None = None
    instructions: str | None = None
    model: str | None = None
    fallback_model: str | None = None
    limits: dict[str, Any] | None = None
    prompts: list[str] | None = None

    def checked(self) -> dict[str, Any]:
        """The values to write. Raises InvalidArgument naming the field."""
        if self.role is not None and self.role not in ROLES:
            raise _wrong("role", f"'{self.role}' is no role of an agent.", f"There are {', '.join(ROLES)}.")
        if self.instructions is not None and len(self.instructions) > MAX_INSTRUCTIONS:
            raise _wrong(
                "instructions", f"The instructions have more than {MAX_INSTRUCTIONS:,} characters.", "Shorten them."
            )
        if self.prompts is not None and (
            len(self.prompts) > MAX_PROMPTS or any(not one or len(one) > 120 for one in self.prompts)
        ):
            raise _wrong("prompts", f"Prompts are up to {MAX_PROMPTS} names.", "Name prompts of the agent's catalog.")
        for model in (self.model, self.fallback_model):
            if model:
                read_name(model)
        if self.limits is not None:
            Limits.of({name: value for name, value in self.limits.items() if value is not None})
        return {name: value for name, value in asdict(self).items() if value is not None}


async def read_setup(session: AsyncSession, facts: Facts) -> Setup:
    """How an agent works: what was set, and defaults."""
    rows = await _SETUP.rows(session, {"id": facts.id})
    return _setup(facts, rows[0][0] if rows else None)


async def read_setups(session: AsyncSession, agents: list[Facts]) -> list[Setup]:
    """The same of several."""
    rows = await session.scalars(select(AgentSetup).where(AgentSetup.id.in_([one.id for one in agents])))
    by_id = {row.id: row for row in rows}
    return [_setup(one, by_id.get(one.id)) for one in agents]


async def change_setup(
    session: AsyncSession, facts: Facts, change: Change, record: Record, expected_version: int | None = None
) -> Setup:
    """Write a change and record it with what was before; a limit that is None goes back to its default. It acts on the
    next turn. Raises InvalidArgument, VersionConflict."""
    row = await session.scalar(select(AgentSetup).where(AgentSetup.id == facts.id).with_for_update())
    before = _setup(facts, row)
    if expected_version is not None and before.version != expected_version:
        raise VersionConflict(
            f"The agent's setup is at version {before.version}, not {expected_version}: somebody changed it.",
            hint="Read it again and send its present version.",
            field="expected_version",
            details={"version": before.version},
        )
    if row is None:
        row = AgentSetup(id=facts.id)
        session.add(row)
    for name, value in change.checked().items():
        setattr(row, name, _merged(row.limits or {}, value) if name == "limits" else value)
    await session.flush()
    after = _setup(facts, row)
    names = [name for name in Change.__dataclass_fields__ if getattr(before, name) != getattr(after, name)]
    if names:
        await record(
            session,
            "agent:setup",
            facts.id,
            {"agent": facts.slug, **{name: [getattr(before, name), getattr(after, name)] for name in names}},
        )
    return after


def _merged(limits: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**limits, **given}.items() if value is not None}


async def specialists_beside(session: AsyncSession, directory: Directory, planner: Facts) -> list[Setup]:
    """The specialists a planner routes to: all that are for the shop's own people."""
    beside = [one for one in await directory.staff(session) if one.id != planner.id]
    return [one for one in await read_setups(session, beside) if one.role == "specialist"]


def _setup(facts: Facts, row: Any) -> Setup:
    if row is None:
        return Setup(facts, role="shopper" if facts.for_customers else "specialist")
    return Setup(
        facts,
        row.role,
        row.instructions,
        row.model,
        row.fallback_model,
        dict(row.limits),
        list(row.prompts),
        row.version,
    )


def _wrong(field: str, message: str, hint: str) -> InvalidArgument:
    return InvalidArgument(message, hint=hint, field=field)
