"""Writes that wait for a person, and what became of those that were asked about. People answer; an agent never can, and
sees its own alone."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tradepost.api.access import Work, may, may_answer
from tradepost.api.paging import Place, within
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Reference, Shown, in_path, page
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.roles import Deciding, deciding
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.card import Card, cards_of
from tradepost.hub.actions.models import ActionState
from tradepost.hub.actions.settling import Found
from tradepost.hub.actions.shapes import MOST_AT_ONCE
from tradepost.hub.actions.verdicts import MAX_COMMENT_CHARACTERS
from tradepost.hub.actions.views import ActionView, list_views, view

router = APIRouter(tags=["approvals"])
MOST_GROUPED = 200

Reading = Annotated[Work, Depends(may("viewer", "read:approvals", agents=True))]
Answering = Annotated[Work, Depends(may_answer("write:approvals"))]
Undoing = Annotated[Work, Depends(may("operator", "write:approvals", agents=True))]
Which = Annotated[str, in_path("The approval's id.", "act_06fk3w9x0t")]

HERE = Deciding(everywhere=True)  # whoever has just answered was let to


class ApprovalQuery(PageQuery):
    """Which approvals."""

    state: ActionState | Literal["all"] = Field("pending", description="Where it stands; all for every one.")
    agent: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Only those of this agent, by slug or id.",
    )


class Said(Given):
    """A person's words with their answer, and what it is for."""

    comment: str | None = Field(
        None, max_length=MAX_COMMENT_CHARACTERS, pattern=r"^[^\x00]*$", description="Why; kept with the decision."
    )
    code: str | None = Field(
        None,
        max_length=40,
        pattern=r"^[^\x00]*$",
        description="A code of the person's authenticator, where money moves.",
    )
    round: int | None = Field(None, ge=1, le=2**31, description="That of what was looked at: no other is answered.")
    fingerprint: str | None = Field(None, max_length=100, description="That of the arguments that were looked at.")

    def how(self) -> How:
        """As the service has it."""
        return How("rest", self.code, False, self.round, self.fingerprint)


class FoundOut(Given):
    """What a person found out about a write whose outcome is unknown."""

    found: Found = Field(description="succeeded: it took effect; failed: it did not.")
    comment: str | None = Field(None, max_length=MAX_COMMENT_CHARACTERS, pattern=r"^[^\x00]*$")
    code: str | None = Field(None, max_length=40, pattern=r"^[^\x00]*$")


class Member(Given):
    """One action of a group, with the fingerprint of its arguments."""

    id: Reference
    fingerprint: Reference


class GroupSaid(Given):
    """One answer to exactly these actions of one agent, tool and shape."""

    answer: Literal["approve", "reject"]
    members: list[Member] = Field(min_length=1, max_length=MOST_AT_ONCE)
    comment: str | None = Field(None, max_length=MAX_COMMENT_CHARACTERS, pattern=r"^[^\x00]*$")
    code: str | None = Field(None, max_length=40, pattern=r"^[^\x00]*$")


class VerdictShown(Shown):
    """What one person said."""

    user_id: str
    user_name: str
    verdict: Literal["approve", "reject"]
    comment: str | None
    at: Instant
    way: str = Field(description="console, rest, page, link (of a mail), or confirmed by whoever made the call.")
    on_behalf_of: str | None = Field(description="The person whose right was handed over and used.")


class ApprovalShown(Shown):
    """A write: every argument in full, what would change, why it asks, who said what, what became of it."""

    id: str
    state: ActionState
    message: str = Field(description="One sentence about where it stands.")
    tool: str
    exposed_name: str
    server: str
    tool_class: str
    agent_id: str | None
    principal_kind: str
    principal_id: str
    user_id: str | None
    request_id: str
    run_id: str | None
    key: str = Field(description="The idempotency key of the call.")
    arguments: dict[str, Any] = Field(description="Exactly as they will be executed.")
    fingerprint: str = Field(description="Digest of the arguments.")
    definition_digest: str
    preview: dict[str, Any] | None
    decision: str
    decision_reason: str
    rule_id: str | None
    approvals_needed: int
    approver_role: str | None = Field(description="The least role of who answers; null is operator.")
    moves_money: bool
    taint: dict[str, Any] | None = Field(
        description="What its run had read that outsiders wrote: what, by which tool of which server, and when. "
        "`signal` is there where the detector saw instructions in it: level (possible, likely), kinds, and reasons."
    )
    round: int = Field(description="How often people were asked: once more when what they saw has changed.")
    verdicts: list[VerdictShown]
    created_at: Instant
    expires_at: Instant | None
    decided_at: Instant | None
    finished_at: Instant | None
    result: dict[str, Any] | None
    error_code: str | None
    undo: dict[str, Any] | None = Field(description="What takes it back: the tool, until when, and a sentence.")
    undoes: str | None = Field(description="The action that this one takes back.")
    undone_by: str | None = Field(description="The action that takes this one back, or tried to.")


class CardShown(ApprovalShown):
    """The same, with what is odd about it."""

    warnings: list[str] = Field(description="Hidden characters, long texts, similar requests.")
    shape: str = Field(description="Equal for actions that may be answered together.")


class Group(Shown):
    """Pending actions of one agent, tool and shape: their arguments are equal but for references."""

    shape: str
    agent_id: str | None
    exposed_name: str
    members: list[CardShown]


class Groups(Shown):
    """All groups of two and more among what waits longest."""

    groups: list[Group]


class Answered(Shown):
    """The actions that were answered."""

    items: list[ApprovalShown]


@router.get("/approvals", summary="List approvals")
async def list_approvals(work: Reading, query: Annotated[ApprovalQuery, Query()]) -> Page[ApprovalShown]:
    """Writes that wait for a person, or those in another state, the oldest first. An agent gets its own."""
    place = Place("approvals", work.caller.workspace_id, query.limit, query.cursor, (query.state, query.agent))
    states: tuple[ActionState, ...] = get_args(ActionState) if query.state == "all" else (query.state,)
    inner = within(place)
    async with work.reading() as session:
        agent_id = work.caller.agent_id
        if query.agent is not None:
            wanted = (await find_agent(session, query.agent)).id
            if agent_id not in (None, wanted):
                raise NotFound("There is no such agent.")
            agent_id = wanted
        found, more = await list_views(session, states=states, agent_id=agent_id, limit=query.limit, cursor=inner)
        sees = await deciding(session, work.caller)
        seen = [_seen(work.caller, one, sees) for one in found if _is_visible(work.caller, one)]
    return page([_shown(one) for one in seen], place.around(more))


@router.get("/approvals/groups", summary="List groups of pending approvals")
async def list_groups(work: Answering) -> Groups:
    """Of the 200 that wait longest, those that can be answered together."""
    found: dict[str, list[CardShown]] = {}
    async with work.reading() as session:
        listed, _ = await list_views(session, limit=MOST_GROUPED)
        shown = [_seen(work.caller, one, HERE) for one in listed]
        for one, card in zip(shown, await cards_of(session, shown), strict=True):
            found.setdefault(card.shape, []).append(_card(one, card))
    groups = [
        Group(shape=shape, agent_id=members[0].agent_id, exposed_name=members[0].exposed_name, members=members)
        for shape, members in found.items()
        if len(members) > 1
    ]
    return Groups(groups=groups)


@router.post("/approvals/groups/answer", summary="Answer a group of approvals")
async def answer_group(work: Answering, body: GroupSaid) -> Answered:
    """One answer to exactly the members named, each with its fingerprint: to all of them, or to none."""
    members = {one.id: one.fingerprint for one in body.members}
    how = How("rest", body.code)
    found = await work.parts.gateway.verdicts.answer_group(work.caller, body.answer, members, body.comment, how)
    return Answered(items=[_shown(_seen(work.caller, one, HERE)) for one in found])


@router.get("/approvals/{approval}", summary="Show an approval")
async def get_approval(work: Reading, approval: Which) -> CardShown:
    """Everything about one."""
    async with work.reading() as session:
        found = await view(session, approval)
        if not _is_visible(work.caller, found):
            raise NotFound("There is no such approval.")
        seen = _seen(work.caller, found, await deciding(session, work.caller))
        (card,) = await cards_of(session, [seen])
    return _card(seen, card)


@router.post("/approvals/{approval}/approve", summary="Approve a write")
async def approve(work: Answering, approval: Which, body: Said) -> ApprovalShown:
    """Approve it exactly as shown. With enough approvals the hub carries it out, once."""
    found = await work.parts.gateway.verdicts.approve(work.caller, approval, body.comment, body.how())
    return _shown(_seen(work.caller, found, HERE))


@router.post("/approvals/{approval}/reject", summary="Reject a write")
async def reject(work: Answering, approval: Which, body: Said) -> ApprovalShown:
    """Reject it for good."""
    found = await work.parts.gateway.verdicts.reject(work.caller, approval, body.comment, body.how())
    return _shown(_seen(work.caller, found, HERE))


@router.post("/approvals/{approval}/settle", summary="Settle a write of unknown outcome")
async def settle(work: Answering, approval: Which, body: FoundOut) -> ApprovalShown:
    """Say what became of a write whose outcome is unknown, after having looked. Nothing is carried out by it; whoever
    repeats the call hears it from then on."""
    how = How("rest", body.code)
    found = await work.parts.gateway.verdicts.settle(work.caller, approval, body.found, body.comment, how)
    return _shown(_seen(work.caller, found, HERE))


def _is_visible(caller: Caller, found: ActionView) -> bool:
    """People see all of them. An agent's key sees what the agent asked for itself: shoppers share an agent, and what
    they ask for is theirs."""
    return caller.agent_id is None or (found.agent_id == caller.agent_id and found.principal_kind != "shopper")


@router.post("/actions/{approval}/undo", summary="Undo a write")
async def undo(work: Undoing, approval: Which) -> ApprovalShown:
    """Take a write back by the call that its record offers. That is a write of its own, which may wait for a person;
    an agent undoes its own. Asked for twice, it is the same one."""
    done = await work.parts.gateway.undoing.undo(work.caller, approval)
    return _shown(_seen(work.caller, done, HERE))


def _seen(by: Caller, found: ActionView, sees: Deciding) -> ActionView:
    """As an agent sees its own, or a person who may see personal data or not."""
    return (
        found.for_person(sees_personal=sees.about(found.profile_id)) if by.agent_id is None else found.for_its_caller()
    )


def _card(seen: ActionView, card: Card) -> CardShown:
    return CardShown.model_validate({**_facts(seen), "warnings": list(card.warnings), "shape": card.shape})


def _shown(seen: ActionView) -> ApprovalShown:
    return ApprovalShown.model_validate(_facts(seen))


def _facts(seen: ActionView) -> dict[str, Any]:
    return {**seen.as_dict(), "message": seen.what_happened()}
