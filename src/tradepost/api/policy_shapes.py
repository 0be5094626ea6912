"""What the REST routes of policy take and show."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tradepost.api.shapes import Given, Reference, Shown
from tradepost.hub.policy.rule import Approver, Rule
from tradepost.hub.registration.policies import drafts, last_week, trying

Text = Annotated[str, Field(max_length=2_000)]
Argument = Annotated[str, Field(min_length=1, max_length=200)]


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
    gone: bool = Field(description="Whether its tool is no longer there.")


class ChangedShown(Shown):
    """The rule, and of a dry run what it would have meant."""

    rule: RuleShown
    looked_at: int | None = Field(description="How many writes a dry run looked at; null where it is none.")
    differences: list[DifferenceShown]
    gone: list[str] = Field(description="Tools (server.tool) that a dry run looked at writes of, and that are gone.")


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


class Figures(Given):
    """In which arguments of a tool its figures stand, as paths. `fixed_currency` is for a tool without one."""

    amount: Argument | None = Field(None, examples=["payment.amount"])
    currency: Argument | None = Field(None, examples=["payment.currency"])
    quantity: Argument | None = None
    customer: Argument | None = Field(None, examples=["customer.id"])
    unit: Literal["minor", "major"] | None = Field(None, description="Whether 24.90 is sent as 2490 or as 24.90.")
    fixed_currency: Annotated[str, Field(max_length=3)] | None = Field(None, examples=["EUR"])


class DryRunSaid(Given):
    """The argument that is true for a dry run of a foreign tool."""

    argument: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = Field(
        examples=["try_only"]
    )


class ZoneGiven(Given):
    """The workspace's time zone."""

    time_zone: Annotated[str, Field(max_length=64)] = Field(examples=["Europe/Rome"])


class ZoneShown(Shown):
    """The workspace's time zone."""

    time_zone: str


def said_in(body: RuleMembers) -> dict[str, Any]:
    """What a body says of a rule, as services take it."""
    said = body.model_dump(exclude_unset=True, by_alias=True)
    for member in ("outcome", "reason", "name"):  # null says nothing here
        if member in said and said[member] is None:
            del said[member]
    if said.get("window") is not None:
        said["window"] = {name: value for name, value in said["window"].items() if value is not None}
    return said


def shown(rule: Rule, names: drafts.Names) -> RuleShown:
    """A rule as it stands."""
    members = {**drafts.shown(rule, names), "id": rule.id, "built_in": rule.built_in, "version": rule.version}
    return RuleShown.model_validate(members)


def changed(rule: Rule, names: drafts.Names) -> ChangedShown:
    """A rule after a change."""
    return ChangedShown(rule=shown(rule, names), looked_at=None, differences=[], gone=[])


def compared(rule: Rule, names: drafts.Names, found: last_week.Comparison) -> ChangedShown:
    """A rule, and what a dry run of it found."""
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
            gone=one.gone,
        )
        for one in found.differences
    ]
    gone = list(found.gone)
    return ChangedShown(rule=shown(rule, names), looked_at=found.looked_at, differences=differences, gone=gone)
