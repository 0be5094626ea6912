"""Rules for what agents may do: kept, tried out, and what they would have meant for last week's writes."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from tradepost.api.access import Work, may
from tradepost.api.policy_shapes import (
    ChangedShown,
    DryRunSaid,
    Figures,
    FreezeGiven,
    RuleChange,
    RuleGiven,
    RuleShown,
    RulesShown,
    TableGiven,
    TableShown,
    TriedShown,
    ZoneGiven,
    ZoneShown,
    changed,
    compared,
    said_in,
    shown,
)
from tradepost.api.shapes import Reference, in_path
from tradepost.hub.policy.stored import read_ruleset, read_zone
from tradepost.hub.registration import dry_runs
from tradepost.hub.registration.policies import declaring, drafts, last_week, rules, trying

router = APIRouter(tags=["policy"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents"))]
ReadingTools = Annotated[Work, Depends(may("viewer", "read:servers"))]
WritingTools = Annotated[Work, Depends(may("admin", "write:servers"))]
Which = Annotated[Reference, in_path("The rule: its name or id.", "big-refunds")]
WhichServer = Annotated[Reference, in_path("The server: its short name or id.", "psp")]
WhichTool = Annotated[Reference, in_path("The tool: its name at the server, or its id.", "create_refund")]
DryRun = Annotated[bool, Query(description="Change nothing; tell what it would have meant last week.")]


@router.get("/policy/rules", summary="List the rules")
async def list_rules(work: Reading) -> RulesShown:
    """In the order in which they are looked at, the built-in ones last."""
    async with work.reading() as session:
        found, names = await rules.every(session)
        return RulesShown(time_zone=await read_zone(session), rules=[shown(rule, names) for rule in found])


@router.post("/policy/rules", status_code=201, summary="Add a rule")
async def add_rule(work: Writing, body: RuleGiven, response: Response, dry_run: DryRun = False) -> ChangedShown:
    """It acts on the very next call. A dry run only tells what it would have meant last week."""
    said = said_in(body)
    if dry_run:
        response.status_code = 200
        async with work.reading() as session:
            names = await drafts.read_names(session)
            rule = drafts.rule_from(said, names)
            return compared(rule, names, await last_week.compare(session, [rule], datetime.now(UTC)))
    async with work.writing() as session:
        rule = await rules.add(session, work.caller, said)
        return changed(rule, await drafts.read_names(session))


@router.get("/policy/rules/{rule}", summary="Show a rule")
async def get_rule(work: Reading, rule: Which) -> RuleShown:
    """Everything about it."""
    async with work.reading() as session:
        return shown(await rules.find(session, rule), await drafts.read_names(session))


@router.patch("/policy/rules/{rule}", summary="Change a rule")
async def change_rule(work: Writing, rule: Which, body: RuleChange, dry_run: DryRun = False) -> ChangedShown:
    """Only the members that are sent change."""
    said = said_in(body)
    if dry_run:
        async with work.reading() as session:
            names = await drafts.read_names(session)
            wanted = drafts.rule_from(said, names, await rules.find(session, rule))
            return compared(wanted, names, await last_week.compare(session, [wanted], datetime.now(UTC)))
    async with work.writing() as session:
        after = await rules.change(session, work.caller, rule, said)
        return changed(after, await drafts.read_names(session))


@router.delete("/policy/rules/{rule}", summary="Remove a rule")
async def remove_rule(work: Writing, rule: Which, dry_run: DryRun = False) -> ChangedShown:
    """It stops acting on the very next call. A dry run only tells what last week would have been without it."""
    if dry_run:
        async with work.reading() as session:
            names, gone = await drafts.read_names(session), await rules.find_own(session, rule)
            return compared(gone, names, await last_week.compare(session, [], datetime.now(UTC), without=gone.id))
    async with work.writing() as session:
        return changed(await rules.remove(session, work.caller, rule), await drafts.read_names(session))


@router.post("/policy/freezes", status_code=201, summary="Freeze writes")
async def freeze(work: Writing, body: FreezeGiven) -> RuleShown:
    """Now, or in its window. It is a rule that goes before all others."""
    async with work.writing() as session:
        found = await rules.freeze(session, work.caller, said_in(body))
        return shown(found, await drafts.read_names(session))


@router.delete("/policy/freezes/{rule}", summary="End a freeze")
async def unfreeze(work: Writing, rule: Which) -> RuleShown:
    """Writes go on with the very next call."""
    async with work.writing() as session:
        (ended,) = await rules.unfreeze(session, work.caller, rule)
        return shown(ended, await drafts.read_names(session))


@router.put("/policy/time-zone", summary="Set the workspace's time zone")
async def set_time_zone(work: Writing, body: ZoneGiven) -> ZoneShown:
    """Days of running totals, and the hours that conditions see, are those of this zone."""
    async with work.writing() as session:
        return ZoneShown(time_zone=await rules.set_zone(session, work.caller, body.time_zone))


@router.post("/policy/test", summary="Try the rules on a table of calls")
async def try_rules(work: Reading, body: TableGiven) -> TableShown:
    """Which rule decides each call, and whether that is as expected. Nothing is changed."""
    cases = trying.read_table(body.table)
    async with work.reading() as session:
        tried = await trying.try_table(session, await read_ruleset(session), cases, datetime.now(UTC))
    calls = [
        TriedShown(
            number=one.number,
            call=one.call,
            expected=one.expected,
            decided=one.decided,
            rule=one.rule,
            reason=one.reason,
            as_expected=one.as_expected,
        )
        for one in tried
    ]
    return TableShown(as_expected=all(one.as_expected for one in calls), calls=calls)


@router.get("/servers/{server}/tools/{tool}/figures", summary="Show where a tool's figures stand")
async def get_figures(work: ReadingTools, server: WhichServer, tool: WhichTool) -> Figures:
    """In which of its arguments rules find the amount, currency, quantity and customer of a call."""
    async with work.reading() as session:
        return Figures.model_validate(await declaring.declared(session, server, tool))


@router.patch("/servers/{server}/tools/{tool}/figures", summary="Say where a tool's figures stand")
async def change_figures(work: WritingTools, server: WhichServer, tool: WhichTool, body: Figures) -> Figures:
    """Only the members that are sent change; null lets go of one. Of a bundled tool the release knows."""
    async with work.writing() as session:
        said = body.model_dump(exclude_unset=True)
        return Figures.model_validate(await declaring.declare(session, work.caller, server, tool, said))


@router.get("/servers/{server}/tools/{tool}/dry-run", summary="Show how a dry run of a tool is made")
async def get_dry_run(work: ReadingTools, server: WhichServer, tool: WhichTool) -> DryRunSaid:
    """Which argument makes a foreign tool only say what it would do; null where nobody said so of it as it is now."""
    async with work.reading() as session:
        return DryRunSaid(argument=await dry_runs.declared(session, server, tool))


@router.put("/servers/{server}/tools/{tool}/dry-run", summary="Say how a dry run of a tool is made")
async def change_dry_run(work: WritingTools, server: WhichServer, tool: WhichTool, body: DryRunSaid) -> DryRunSaid:
    """People are shown what the tool answers then, before they approve the write. Only for tools that really do nothing
    with it; null takes it back."""
    async with work.writing() as session:
        return DryRunSaid(argument=await dry_runs.declare(session, work.caller, server, tool, body.argument))
