"""Shapes of knowledge over REST: entries, editions, proposals."""

from typing import Annotated, Literal

from pydantic import Field

from tradepost.api.shapes import Given, Instant, PageQuery, Reference, Shown
from tradepost.commerce.flows.knowledge.entries import MAX_BODY, MAX_REASON, MAX_TITLE
from tradepost.commerce.support.models import (
    Audience,
    EntryKind,
    EntryStatus,
    KnowledgeEdition,
    KnowledgeEntry,
    KnowledgeProposal,
    PolicyTopic,
    ProposalStatus,
)

Slug = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", examples=["returns-policy"])
]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Body = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_BODY,
        pattern=r"^[^\x00]*$",
        description="Markdown. Each heading below the first level is a clause; in a policy it carries its id.",
        examples=["## RET-1 Return window\n\nGoods can be returned within 30 days of delivery."],
    ),
]
Reason = Annotated[str, Field(max_length=MAX_REASON, pattern=r"^[^\x00]*$")]
AudienceField = Annotated[Audience, Field(description="staff: the shop's customers do not find it.")]


class EntryQuery(PageQuery):
    """Which entries."""

    kind: EntryKind | None = None
    topic: PolicyTopic | None = None
    status: EntryStatus | None = None
    q: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="Words in one clause.")


class EntryGiven(Given):
    """An entry, whole. The one with this external_id is replaced, else the one with this slug, else it is new."""

    slug: Slug
    kind: EntryKind = "article"
    topic: PolicyTopic = "general"
    title: Title
    body: Body
    language: str = Field("", max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", examples=["en"])
    audience: AudienceField = "everyone"
    status: EntryStatus = "published"
    external_id: Reference | None = Field(None, description="Its id in the system it comes from.")
    reason: Reason = Field("", description="Why, for the edition.")
    expected_version: int | None = Field(None, ge=1, le=2**53, description="Write only if this is still its version.")


class StatusGiven(Given):
    """Publish, take back into drafts, or archive."""

    status: EntryStatus
    reason: Reason = ""
    expected_version: int | None = Field(None, ge=1, le=2**53)


class EntryLine(Shown):
    """An entry without its text."""

    id: str
    slug: str
    kind: EntryKind
    topic: PolicyTopic
    title: str
    language: str
    audience: Audience
    status: EntryStatus
    external_id: str | None
    version: int
    updated_at: Instant


class EntryShown(EntryLine):
    """An entry, whole."""

    body: str


class EntryWritten(EntryShown):
    """An entry after a write; `changed` is false where it was like that before."""

    changed: bool


class EditionShown(Shown):
    """An entry as it was."""

    edition: int
    topic: PolicyTopic
    title: str
    body: str
    audience: Audience
    status: EntryStatus
    made_by: str = Field(description="user:… or agent:…", examples=["user:usr_06fk3w9x0t"])
    reason: str
    proposal_id: str | None
    created_at: Instant


class ProposalQuery(PageQuery):
    """Which proposals."""

    status: ProposalStatus | None = None


class ProposalGiven(Given):
    """A change of an entry (`entry`, and what changes of it), or a new entry (slug, title, body)."""

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON, pattern=r"^[^\x00]*$")]
    entry: Reference | None = Field(None, description="The entry to change, by slug or id.")
    slug: Slug | None = None
    kind: EntryKind | None = None
    topic: PolicyTopic | None = None
    title: Title | None = None
    body: Body | None = None
    audience: Audience | None = None


class Decision(Given):
    """The answer to a proposal."""

    status: Literal["approved", "rejected"]
    comment: Reason = Field("", description="For whoever proposed.")


class ProposalLine(Shown):
    """A proposal without its text."""

    id: str
    entry_id: str | None = Field(description="The entry it is about; null for a new one that is not approved.")
    based_on: int | None = Field(description="The version that whoever proposed had read.")
    slug: str
    kind: EntryKind
    topic: PolicyTopic
    title: str
    audience: Audience
    reason: str
    proposed_by: str = Field(examples=["agent:agt_06fk3w9x0t"])
    status: ProposalStatus
    decided_by: str | None
    decided_at: Instant | None
    comment: str
    version: int
    created_at: Instant


class ProposalShown(ProposalLine):
    """A proposal with its text, and what would change."""

    body: str
    difference: str = Field(description="Unified diff against the entry as it is now.")


def entry_shown(entry: KnowledgeEntry) -> EntryShown:
    """An entry, whole."""
    return EntryShown.model_validate(entry, from_attributes=True)


def entry_line(entry: KnowledgeEntry) -> EntryLine:
    """An entry in a list."""
    return EntryLine.model_validate(entry, from_attributes=True)


def edition_shown(edition: KnowledgeEdition) -> EditionShown:
    """An edition."""
    return EditionShown.model_validate(edition, from_attributes=True)


def proposal_line(proposal: KnowledgeProposal) -> ProposalLine:
    """A proposal in a list."""
    return ProposalLine.model_validate(proposal, from_attributes=True)


def proposal_shown(proposal: KnowledgeProposal, difference: str) -> ProposalShown:
    """A proposal, whole."""
    line = proposal_line(proposal).model_dump()
    return ProposalShown(**line, body=proposal.body, difference=difference)
