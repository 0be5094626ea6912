"""The tool with which an agent proposes a change of the shop's knowledge: a person reads the difference and decides."""

import re
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.knowledge.entries import MAX_REASON, MAX_TITLE, find_entry
from tradepost.commerce.flows.knowledge.proposals import Change, difference, propose
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.privacy import is_shopper
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import KnowledgeProposal, PolicyClause, PolicyTopic
from tradepost.commerce.support.sections import MAX_SECTION_CHARACTERS, with_section
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound

Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_SECTION_CHARACTERS,
        description="The whole new text of the clause or article, in Markdown, without its heading.",
        examples=["Gift cards are not taken back."],
    ),
]
Why = Annotated[
    str,
    Field(
        min_length=10,
        max_length=MAX_REASON,
        description="What is wrong or missing, and how you know.",
        examples=["Two customers asked about gift cards, and no clause says anything."],
    ),
]
ClauseRef = Annotated[
    str | None,
    Field(min_length=1, max_length=60, description="The clause to change, by its id.", examples=["RET-1"]),
]
Title = Annotated[
    str | None,
    Field(min_length=3, max_length=MAX_TITLE, description="Title of a new article.", examples=["Gift cards"]),
]
Topic = Annotated[PolicyTopic | None, Field(description="Topic of a new article.", examples=["returns"])]


class ProposalView(TypedDict):
    """A proposal that waits; `difference` is what would change, as a unified diff."""

    id: str
    entry: str
    title: str
    proposal_status: str
    difference: str


@write_tool(title="Propose a policy change", scope="write:support")
async def propose_policy_change(
    store: Store,
    text: Text,
    why: Why,
    clause: ClauseRef = None,
    title: Title = None,
    topic: Topic = None,
) -> Answer[ProposalView]:
    """Propose another text for a clause of the shop's policies, or a new article. Use when search_policies finds a
    clause that is wrong or outdated, or nothing for what people ask; read the clause first. Give clause to change one,
    or title for a new article. Changes no policy: people of the shop read the difference and decide, so do not act on
    it before. Returns the proposal's id and the difference."""
    if is_shopper(store.caller):
        raise ForbiddenScope("Customers propose no changes of the shop's policies.")
    if (clause is None) == (title is None):
        raise InvalidArgument(
            "A proposal changes a clause or brings a new article.",
            hint="Give clause, or title: one of both.",
            field="clause",
        )
    if clause is not None and topic is not None:
        raise InvalidArgument("A clause has its topic already.", hint="Leave topic out.", field="topic")
    change = (
        await _of_clause(store, clause, text, why)
        if clause is not None
        else Change(why, slug=_slug(title or ""), title=title, topic=topic, body=text)
    )
    if change.entry is None:
        await _require_new(store, change.slug or "")
    proposal = await propose(store, change)
    view: ProposalView = {
        "id": proposal.id,
        "entry": proposal.slug,
        "title": proposal.title,
        "proposal_status": proposal.status,
        "difference": await difference(store.session, proposal),
    }
    return Answer(
        view, f"The proposal {proposal.id} for '{proposal.title}' waits for a person; nothing has changed yet."
    )


async def _of_clause(store: Store, clause: str, text: str, why: str) -> Change:
    row = await store.one_or_none(
        select(PolicyClause).where(func.upper(PolicyClause.clause) == clause.strip().upper())
    ) or await store.get(PolicyClause, clause.strip())
    if row is None:
        raise NotFound(
            f"No policy clause '{clause}' was found.", hint="Search policies to see the clause ids.", field="clause"
        )
    if row.entry_id is None:
        raise InvalidArgument(
            f"The clause {row.clause} came with the shop's data and stands in no entry.",
            hint="Propose an article with the text instead; a person can give it the clause's id.",
            field="clause",
        )
    entry = await find_entry(store.session, row.entry_id)
    body = with_section(entry.slug, entry.title, entry.body, row.clause, text)
    if body is None or body.strip() == entry.body.strip():
        raise InvalidArgument(
            f"The clause {row.clause} says just this already.", hint="Say what should be different.", field="text"
        )
    return Change(why, entry=entry.id, body=body)


async def _require_new(store: Store, slug: str) -> None:
    """Raises InvalidArgument where there is an entry of this name, or somebody proposed one."""
    try:
        found = await find_entry(store.session, slug)
    except NotFound:
        waiting = select(KnowledgeProposal.id).where(
            KnowledgeProposal.slug == slug, KnowledgeProposal.status == "proposed"
        )
        if (await store.session.scalars(waiting.limit(1))).first() is None:
            return
        raise InvalidArgument(
            f"Somebody proposed an article '{slug}' already.", hint="A person will decide.", field="title"
        ) from None
    raise InvalidArgument(
        f"There is an article '{found.slug}' already.",
        hint="Find its clauses and propose to change one.",
        field="title",
    )


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:80].strip("-")


TOOLS = (propose_policy_change,)
