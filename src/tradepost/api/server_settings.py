"""What is set for a server or one of its tools: how long, how many at once, what becomes of failures and texts."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Shown, in_path
from tradepost.hub.registration import limits

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Tool = Annotated[str, in_path("The tool's own name, or its id.", "track_parcel")]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Value = bool | int | float | Annotated[str, Field(max_length=100)]


class SettingsChange(Given):
    """Values to set, and names to let go of: then what stands behind them holds again."""

    set: dict[Name, Value] = Field(
        default_factory=dict, max_length=50, description="Name to value.", examples=[{"timeout_seconds": 20}]
    )
    unset: list[Name] = Field(default_factory=list, max_length=50)


class SettingShown(Shown):
    """One setting as it holds."""

    name: str
    value: float | int | str
    set_by: str = Field(description="tool, server, or default where nobody set it.")
    what: str


class SettingsShown(Shown):
    """All settings that there are for it."""

    settings: list[SettingShown]


@router.get("/servers/{server}/settings", summary="Show a server's settings")
async def get_server_settings(work: Reading, server: Which) -> SettingsShown:
    """What holds for its calls."""
    async with work.reading() as session:
        return _shown(await limits.in_force(session, server))


@router.patch("/servers/{server}/settings", summary="Change a server's settings")
async def change_server_settings(work: Writing, server: Which, body: SettingsChange) -> SettingsShown:
    """In force on the next call."""
    async with work.writing() as session:
        return _shown(await limits.change(session, work.caller, server, given=body.set, dropped=body.unset))


@router.get("/servers/{server}/tools/{tool}/settings", summary="Show a tool's settings")
async def get_tool_settings(work: Reading, server: Which, tool: Tool) -> SettingsShown:
    """What holds for its calls: its own settings go before its server's."""
    async with work.reading() as session:
        return _shown(await limits.in_force(session, server, tool))


@router.patch("/servers/{server}/tools/{tool}/settings", summary="Change a tool's settings")
async def change_tool_settings(work: Writing, server: Which, tool: Tool, body: SettingsChange) -> SettingsShown:
    """In force on the next call."""
    async with work.writing() as session:
        return _shown(await limits.change(session, work.caller, server, tool, given=body.set, dropped=body.unset))


def _shown(found: list[limits.InForce]) -> SettingsShown:
    return SettingsShown(
        settings=[SettingShown(name=one.name, value=one.value, set_by=one.set_by, what=one.what) for one in found]
    )
