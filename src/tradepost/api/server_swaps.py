"""Contract swap: another server takes over a server's tools, after a comparison, and can give them back."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Shown, in_path
from tradepost.hub.registration.swap_report import SwapReport
from tradepost.hub.registration.swaps import Swaps

router = APIRouter(tags=["servers"])

Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Successor = Annotated[str, in_path("Slug or id of the server that takes over.", "tracker-eu")]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=1024)]


class SwapGiven(Given):
    """What goes over, and how."""

    tools: Names = Field(default_factory=list, description="Only these tools; without any, all that are assigned.")
    accept: Names = Field(
        default_factory=list, description="Tools that go over although it cannot be told whether they fit."
    )
    approve: bool = Field(False, description="Approve the new tools, with class and scope of the old ones.")
    mark: str | None = Field(
        None, max_length=200, description="`mark` of the report that was looked at: 409 where there is another one now."
    )


class ReasonShown(Shown):
    """Why a tool does not fit."""

    about: Literal["input", "output", "rules"]
    text: str
    certain: bool = Field(description="False: it may fit after all, and can be accepted.")


class ToolFitShown(Shown):
    """One tool of the comparison."""

    name: str
    verdict: Literal["fits", "accepted", "unclear", "breaks", "waits", "missing"]
    reasons: list[ReasonShown]
    exposed: list[str] = Field(description="The names under which agents know it.")
    assignments: int
    old_digest: str
    new_digest: str | None


class SwapShown(Shown):
    """The comparison, and the swap if one was made."""

    id: str | None = Field(description="Of the swap; null where nothing was switched.")
    fits: bool
    old: str
    new: str
    tools: list[ToolFitShown]
    against: list[str] = Field(description="What else stands against it.")
    notes: list[str]
    mark: str = Field(description="Stands for exactly what was compared.")


class UndoneShown(Shown):
    """What was given back."""

    swap_id: str
    assignments: int
    stayed: list[str] = Field(description="Exposed names that went elsewhere since.")


@router.post("/servers/{server}/swap/{successor}/check", summary="Compare two servers for a swap")
async def check_swap(work: Writing, server: Which, successor: Successor, body: SwapGiven) -> SwapShown:
    """Whether the successor can take over: same names, nothing refused that agents send, nothing given back that they
    do not expect. Nothing is changed."""
    report = await _swaps(work).check(
        work.caller, server, successor, tools=body.tools, accept=body.accept, approve=body.approve
    )
    return _shown(report)


@router.post("/servers/{server}/swap/{successor}", summary="Swap a server for another")
async def make_swap(work: Writing, server: Which, successor: Successor, body: SwapGiven) -> SwapShown:
    """Switch all assignments at once, from the next call on; calls that are under way end at the old server. 409 with
    all that does not fit; 424 when the successor does not answer. Then nothing is switched."""
    report = await _swaps(work).swap(
        work.caller, server, successor, tools=body.tools, accept=body.accept, approve=body.approve, mark=body.mark
    )
    return _shown(report)


@router.post("/servers/{server}/swap/{successor}/undo", summary="Undo a swap")
async def undo_swap(work: Writing, server: Which, successor: Successor) -> UndoneShown:
    """Give back what the last swap took over."""
    undone = await _swaps(work).undo(work.caller, server, successor)
    return UndoneShown(swap_id=undone.swap_id, assignments=undone.assignments, stayed=list(undone.stayed))


def _swaps(work: Work) -> Swaps:
    return Swaps(work.parts.database, work.parts.registration.discovery, work.parts.now)


def _shown(report: SwapReport) -> SwapShown:
    return SwapShown.model_validate(report.as_dict())
