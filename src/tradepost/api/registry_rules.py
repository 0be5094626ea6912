"""What a workspace decides about its registry: changed tools, and how many tools are too many to list."""

from typing import Annotated

from fastapi import APIRouter, Depends

from tradepost.api.access import Work, may
from tradepost.api.server_settings import SettingsChange
from tradepost.api.shapes import Shown
from tradepost.hub.registration import rules

router = APIRouter(tags=["tools"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]


class RuleShown(Shown):
    """One rule as it holds."""

    name: str
    value: int | str
    set_by: str
    what: str


class RulesShown(Shown):
    """All rules."""

    rules: list[RuleShown]


@router.get("/registry-rules", summary="Show the registry's rules")
async def get_registry_rules(work: Reading) -> RulesShown:
    """What holds for all servers and agents of the workspace."""
    async with work.reading() as session:
        return _shown(await rules.in_force(session))


@router.patch("/registry-rules", summary="Change the registry's rules")
async def change_registry_rules(work: Writing, body: SettingsChange) -> RulesShown:
    """changed_tools (keep or remove), visible_tools (1 to 10,000) and result_tokens (0 or 1,000 to 1,000,000). In force
    on the next call."""
    async with work.writing() as session:
        return _shown(await rules.change(session, work.caller, given=body.set, dropped=body.unset))


def _shown(found: list[rules.InForce]) -> RulesShown:
    return RulesShown(
        rules=[RuleShown(name=one.name, value=one.value, set_by=one.set_by, what=one.what) for one in found]
    )
