"""What a server is told of its callers: rules for arguments, headers and `_meta`. The model neither sees nor sets
it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from tradepost.api.access import Work, may
from tradepost.api.server_settings import Tool
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Shown
from tradepost.hub.registration import injection
from tradepost.hub.registration.caller_assertion import set_assertion
from tradepost.hub.registry.injection_rules import MAX_RULES, MAX_TEXT, TargetKind

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Target = Annotated[TargetKind, Field(description="What is set: an argument, a header or a member of _meta.")]
Name = Annotated[
    str, Field(min_length=1, max_length=200, description="Its name; for an argument inside an object, customer.id.")
]
Constant = bool | int | float | Annotated[str, Field(max_length=MAX_TEXT)]


class RuleGiven(Given):
    """A rule: where the value goes, and either where it comes from or what it is."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["constant"]}]})

    target: Target
    name: Name
    source: str = Field("", max_length=100, description="Of the verified caller.", examples=["workspace.id"])
    constant: Constant = Field("", description="The same for everybody; nothing secret.")
    optional: bool = Field(False, description="Left out for callers that have no such thing, who are refused else.")


class RuleNamed(Given):
    """The rule for this."""

    target: Target
    name: Name


class RulesChange(Given):
    """Rules to set, each in place of the one for the same thing, and rules to remove."""

    set: list[RuleGiven] = Field(default_factory=list, max_length=MAX_RULES)
    remove: list[RuleNamed] = Field(default_factory=list, max_length=MAX_RULES)


class AssertionChange(Given):
    """Whether each request carries a signed statement about its caller."""

    enabled: bool
    audience: str | None = Field(
        None, min_length=1, max_length=500, description="Whom it is for; the server's URL without one."
    )


class RuleShown(Shown):
    """A rule as it holds."""

    target: Target
    name: str
    source: str | None
    constant: Constant | None
    optional: bool
    set_by: str = Field(description="tool or server.")


class RulesShown(Shown):
    """All rules that hold for it."""

    rules: list[RuleShown]
    caller_assertion: str | None = Field(description="Whom the signed statement is for; null where there is none.")


@router.get("/servers/{server}/rules", summary="Show what a server is told of its callers")
async def get_server_rules(work: Reading, server: Which) -> RulesShown:
    """The rules for all its tools, and its signed statement."""
    async with work.reading() as session:
        return _shown(await injection.in_force(session, server))


@router.patch("/servers/{server}/rules", summary="Change what a server is told of its callers")
async def change_server_rules(work: Writing, server: Which, body: RulesChange) -> RulesShown:
    """In force on the next call."""
    return await _changed(work, server, None, body)


@router.put("/servers/{server}/caller-assertion", summary="Send a server a signed statement about callers, or none")
async def put_caller_assertion(work: Writing, server: Which, body: AssertionChange) -> RulesShown:
    """In force on the next call. Not over plain http, except where the operator allowed it."""
    parts, wanted = work.parts, body.audience or True
    guard = parts.registration.connections.guard
    return _shown(await set_assertion(parts.database, guard, work.caller, server, wanted if body.enabled else False))


@router.get("/servers/{server}/tools/{tool}/rules", summary="Show what a server is told with one tool")
async def get_tool_rules(work: Reading, server: Which, tool: Tool) -> RulesShown:
    """A tool's own rules go before its server's for the same thing."""
    async with work.reading() as session:
        return _shown(await injection.in_force(session, server, tool))


@router.patch("/servers/{server}/tools/{tool}/rules", summary="Change what a server is told with one tool")
async def change_tool_rules(work: Writing, server: Which, tool: Tool, body: RulesChange) -> RulesShown:
    """In force on the next call."""
    return await _changed(work, server, tool, body)


async def _changed(work: Work, server: str, tool: str | None, body: RulesChange) -> RulesShown:
    given = [rule.model_dump(exclude_unset=True) for rule in body.set]
    removed = [(rule.target, rule.name) for rule in body.remove]
    async with work.writing() as session:
        return _shown(await injection.change_rules(session, work.caller, server, tool, given=given, removed=removed))


def _shown(found: injection.InForce) -> RulesShown:
    rules = [
        RuleShown(
            target=rule.target,
            name=rule.name,
            source=rule.source,
            constant=rule.constant,
            optional=rule.optional,
            set_by=whose,
        )
        for rule, whose in found.rules
    ]
    return RulesShown(rules=rules, caller_assertion=found.audience)
