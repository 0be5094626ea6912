"""Rules for what agents may do: kept, tried out, and what they would have meant for last week's writes."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Given, Reference, Shown, in_path
from tradepost.hub.policy.rule import Approver, Rule
from tradepost.hub.policy.stored import read_ruleset, read_zone
from tradepost.hub.registration.policies import drafts, last_week, rules, trying

router = APIRouter(prefix="/policy", tags=["policy"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents"))]
Which = Annotated[Reference, in_path("The rule: its name or id.", "big-refunds")]
Text = Annotated[str, Field(max_length=2_000)]
DryRun = Annotated[bool, Query(description="Change nothing; tell what it would have meant last week.")]


class Window(Given):
    """When it holds: from one moment to another, or hours of days of the week, or both."""

    from_: Annotated[str, Field(max_length=40)] | None = Field(None, alias="from", examples=["2026-11-27T00:00:00Z"])
    to: Annotated[str, Field(max_length=40)] | None = None
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = None
    start: Annotated[str, Field(max_length=5)] | None = Field(None, examples=["18:00"])
    end: Annotated[str, Field(max_length=5)] | None = Field(None, examples=["08:00"])
    zone: Annotated[str, Field(max_length=64)] | None = Field(None, examples=["Europe/Rome"])


class RuleMembers(Given):
    """What is said of a rule. What is left out is as usual, or stays."""

    reason: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(None, description="Why, in words.")
    when: Text | None = Field(None, description="A condition in CEL.", examples=["call.amount > 50 * call.unit"])
    profile: Reference | None = None
    agent: Reference | None = None
    server: Reference | None = Field(None, description="Its short name, or a pattern.")
    tool: Reference | None = Field(None, description="The server's own name for it, or a pattern.")
    class_: Literal["read", "write", "destructive"] | None = Field(None, alias="class")
    order: int = Field(100, ge=0, le=1_000_000, description="Smaller ones are looked at first.")
    enabled: bool = True
    approvals: int = Field(1, ge=1, le=2, description="How many different people say yes.")
    expires_minutes: int | None = Field(None, ge=1, le=43_200)
    caller_may_confirm: bool = Field(False, description="The person who is calling may say yes.")
    approver_role: Approver | None = Field(None, description="The least role of who answers; null is operator.")
    loosens: bool = Field(False, description="It may let through what the posture would ask about.")
    window: Window | None = None


class RuleGiven(RuleMembers):
    """A new rule."""

    name: Reference
    outcome: Literal["allow", "ask", "deny"]
    reason: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="Why, in words.")


class RuleChange(RuleMembers):
    """Members to change."""

    name: Reference | None = None
    outcome: Literal["allow", "ask", "deny"] | None = None


class FreezeGiven(RuleMembers):
    """A freeze: from now on where it has no window, of all writes where nothing narrows it."""

    name: Reference | None = None
    outcome: Literal["ask", "deny"] = "deny"
    reason: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="Why, in words.")


class RuleShown(Shown):
    """A rule as it stands. Built-in ones come with the release."""

    id: str
    name: str
    kind: str
    outcome: str
    reason: str
    when: str | None
    profile: str | None
    agent: str | None
    server: str | None
    tool: str | None
    class_: str | None = Field(alias="class")
    order: int
    enabled: bool
    approvals: int
    expires_minutes: int | None
    caller_may_confirm: bool
    approver_role: Approver | None
    loosens: bool
    window: dict[str, Any] | None
    built_in: bool
    version: int


class RulesShown(Shown):
    """All rules in the order in which they are looked at."""

    time_zone: str
    rules: list[RuleShown]


class DifferenceShown(Shown):
    """A write of last week that would be decided differently."""

    action_id: str
    at: str
    agent_id: str | None
    tool: str
    before: str
    after: str
    rule: str | None
    reason: str


class ChangedShown(Shown):
    """The rule, and of a dry run what it would have meant."""

    rule: RuleShown
    looked_at: int | None = Field(description="How many writes a dry run looked at; null where it is none.")
    differences: list[DifferenceShown]


class TableGiven(Given):
    """Calls with what is expected of them, like in a file for `tradepost policy test`."""

    table: Annotated[str, Field(max_length=trying.MAX_BYTES)] = Field(description="YAML or CSV.")


class TriedShown(Shown):
    """One call of a table."""

    number: int
    call: str
    expected: str | None
    decided: str
    rule: str | None
    reason: str
    as_expected: bool


class TableShown(Shown):
    """All of them."""

    as_expected: bool
    calls: list[TriedShown]


class ZoneGiven(Given):
    """The workspace's time zone."""

    time_zone: Annotated[str, Field(max_length=64)] = Field(examples=["Europe/Rome"])


class ZoneShown(Shown):
    """The workspace's time zone."""

    time_zone: str


@router.get("/rules", summary="List the rules")
async def list_rules(work: Reading) -> RulesShown:
    """In the order in which they are looked at, the built-in ones last."""
    async with work.reading() as session:
        found, names = await rules.every(session)
        return RulesShown(time_zone=await read_zone(session), rules=[_shown(rule, names) for rule in found])


@router.post("/rules", status_code=201, summary="Add a rule")
async def add_rule(work: Writing, body: RuleGiven, response: Response, dry_run: DryRun = False) -> ChangedShown:
    """It acts on the very next call. A dry run only tells what it would have meant last week."""
    said = _said(body)
    if dry_run:
        response.status_code = 200
        async with work.reading() as session:
            names = await drafts.read_names(session)
            rule = drafts.rule_from(said, names)
            return _compared(rule, names, await last_week.compare(session, [rule], datetime.now(UTC)))
    async with work.writing() as session:
        rule = await rules.add(session, work.caller, said)
        return _changed(rule, await drafts.read_names(session))


@router.get("/rules/{rule}", summary="Show a rule")
async def get_rule(work: Reading, rule: Which) -> RuleShown:
    """Everything about it."""
    async with work.reading() as session:
        return _shown(await rules.find(session, rule), await drafts.read_names(session))


@router.patch("/rules/{rule}", summary="Change a rule")
async def change_rule(work: Writing, rule: Which, body: RuleChange, dry_run: DryRun = False) -> ChangedShown:
    """Only the members that are sent change."""
    said = _said(body)
    if dry_run:
        async with work.reading() as session:
            names = await drafts.read_names(session)
            wanted = drafts.rule_from(said, names, await rules.find(session, rule))
            return _compared(wanted, names, await last_week.compare(session, [wanted], datetime.now(UTC)))
    async with work.writing() as session:
        changed = await rules.change(session, work.caller, rule, said)
        return _changed(changed, await drafts.read_names(session))


@router.delete("/rules/{rule}", summary="Remove a rule")
async def remove_rule(work: Writing, rule: Which, dry_run: DryRun = False) -> ChangedShown:
    """It stops acting on the very next call. A dry run only tells what last week would have been without it."""
    if dry_run:
        async with work.reading() as session:
            names, gone = await drafts.read_names(session), await rules.find_own(session, rule)
            return _compared(gone, names, await last_week.compare(session, [], datetime.now(UTC), without=gone.id))
    async with work.writing() as session:
        return _changed(await rules.remove(session, work.caller, rule), await drafts.read_names(session))


@router.post("/freezes", status_code=201, summary="Freeze writes")
async def freeze(work: Writing, body: FreezeGiven) -> RuleShown:
    """Now, or in its window. It is a rule that goes before all others."""
    async with work.writing() as session:
        found = await rules.freeze(session, work.caller, _said(body))
        return _shown(found, await drafts.read_names(session))


@router.delete("/freezes/{rule}", summary="End a freeze")
async def unfreeze(work: Writing, rule: Which) -> RuleShown:
    """Writes go on with the very next call."""
    async with work.writing() as session:
        (ended,) = await rules.unfreeze(session, work.caller, rule)
        return _shown(ended, await drafts.read_names(session))


@router.put("/time-zone", summary="Set the workspace's time zone")
async def set_time_zone(work: Writing, body: ZoneGiven) -> ZoneShown:
    """Days of running totals, and the hours that conditions see, are those of this zone."""
    async with work.writing() as session:
        return ZoneShown(time_zone=await rules.set_zone(session, work.caller, body.time_zone))


@router.post("/test", summary="Try the rules on a table of calls")
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


def _said(body: RuleMembers) -> dict[str, Any]:
    said = body.model_dump(exclude_unset=True, by_alias=True)
    for member in ("outcome", "reason", "name"):  # null says nothing here
        if member in said and said[member] is None:
            del said[member]
    if said.get("window") is not None:
        said["window"] = {name: value for name, value in said["window"].items() if value is not None}
    return said


def _shown(rule: Rule, names: drafts.Names) -> RuleShown:
    shown = {**drafts.shown(rule, names), "id": rule.id, "built_in": rule.built_in, "version": rule.version}
    return RuleShown.model_validate(shown)


def _changed(rule: Rule, names: drafts.Names) -> ChangedShown:
    return ChangedShown(rule=_shown(rule, names), looked_at=None, differences=[])


def _compared(rule: Rule, names: drafts.Names, found: last_week.Comparison) -> ChangedShown:
    differences = [
        DifferenceShown(
            action_id=one.action_id,
            at=one.at,
            agent_id=one.agent,
            tool=one.tool,
            before=one.before,
            after=one.after,
            rule=one.rule,
            reason=one.reason,
        )
        for one in found.differences
    ]
    return ChangedShown(rule=_shown(rule, names), looked_at=found.looked_at, differences=differences)
