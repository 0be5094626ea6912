"""`tradepost knowledge proposal`: changes of the shop's knowledge that agents and people propose."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy import select

from tradepost.cli import console
from tradepost.cli.knowledge_session import reading, writing
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, run
from tradepost.commerce.flows.knowledge import proposals
from tradepost.commerce.support.models import KnowledgeProposal
from tradepost.hub.access.changes import note

proposal = typer.Typer(name="proposal", help="Changes that agents and people propose.", no_args_is_help=True)

Proposal = Annotated[str, typer.Argument(help="The proposal's id.")]
Comment = Annotated[str, typer.Option("--comment", help="For whoever proposed.")]


@proposal.command("list")
def list_proposals(
    every: Annotated[bool, typer.Option("--all", help="Also those that were decided.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Proposals that wait, the newest first."""

    async def work() -> None:
        async with reading(data, workspace, by) as session:
            statement = select(KnowledgeProposal).order_by(KnowledgeProposal.id.desc())
            if not every:
                statement = statement.where(KnowledgeProposal.status == "proposed")
            names = ("id", "slug", "title", "reason", "proposed_by", "status", "created_at", "comment")
            rows = [{name: getattr(one, name) for name in names} for one in await session.scalars(statement)]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, list(names[:-1]), "No proposal waits.")

    run(work)


@proposal.command("show")
def show_proposal(
    proposal_id: Proposal, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """What would change, line by line."""

    async def work() -> None:
        async with reading(data, workspace, by) as session:
            found = await proposals.find_proposal(session, proposal_id)
            console.say(f"{found.slug}: proposed by {found.proposed_by}, {found.status}. Reason: {found.reason}")
            console.say(await proposals.difference(session, found))

    run(work)


@proposal.command("approve")
def approve(
    proposal_id: Proposal,
    comment: Comment = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Write the entry as proposed. Refused where the entry changed since."""
    _decide(proposal_id, "approved", comment, (data, workspace, by))


@proposal.command("reject")
def reject(
    proposal_id: Proposal,
    comment: Comment = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Leave the entry as it is."""
    _decide(proposal_id, "rejected", comment, (data, workspace, by))


def _decide(
    reference: str,
    verdict: Literal["approved", "rejected"],
    comment: str,
    where: tuple[Path | None, str | None, str | None],
) -> None:
    async def work() -> None:
        async with writing(*where, "operator") as (store, hub):
            found = await proposals.decide(store, reference, verdict, comment)
            note(hub, store.caller, f"knowledge:proposal:{found.status}", found.id, {"slug": found.slug})
        console.say(f"The proposal for {found.slug} is {found.status}.")

    run(work)
