"""What REST shows of conversations."""

from typing import Any, Literal

from pydantic import Field

from tradepost.agents.conversations.looking import Hit, StepView, TurnView
from tradepost.agents.conversations.models import (
    Conversation,
    ConversationFeedback,
    ConversationSettings,
    ConversationStep,
    ConversationTurn,
    ConversationWait,
)
from tradepost.api.shapes import Instant, Page, Shown

Status = Literal["queued", "running", "waiting", "finished", "failed", "stopped"]


class StepShown(Shown):
    """One thing that happened in a turn."""

    number: int = Field(description="Counts the steps of the conversation; the id of the stream's event.")
    turn_id: str
    kind: str = Field(description="message, reading, routing, model, tool_call, tool_result, waiting, answer, trouble.")
    agent: str
    content: dict[str, Any]
    tokens_in: int
    tokens_out: int
    cost_micros: int | None = Field(description="Millionths of a US dollar; null where no price is known.")
    latency_ms: float
    tool_call_id: str | None
    request_id: str | None = Field(description="That of the call in the audit.")
    at: Instant


class WaitShown(Shown):
    """A call that waits for a person, or did."""

    approval_id: str
    tool: str
    agent: str
    tool_call_id: str
    ended_at: Instant | None


class FindingShown(Shown):
    """What takes off something of the score."""

    criterion: str
    takes: int
    why: str


class FeedbackShown(Shown):
    """What one person thought of an answer."""

    turn_id: str
    user_id: str | None
    score: int = Field(description="1 (bad) to 5 (good).")
    words: str
    at: Instant


class TurnShown(Shown):
    """A message and what became of it."""

    id: str
    conversation_id: str
    number: int
    run_id: str = Field(description="That of its calls in the audit.")
    request_id: str
    message: str
    status: Status
    answer: str
    waits: list[WaitShown]
    tokens_in: int
    tokens_out: int
    cost_micros: int | None
    tool_calls: int
    latency_ms: int = Field(description="What it took, without waiting for people.")
    score: int | None = Field(description="How appropriate the answer is by fixed criteria, 0 to 100.")
    findings: list[FindingShown] | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class TurnInFull(TurnShown):
    """The same, with its steps and what people thought of it."""

    steps: list[StepShown]
    feedback: list[FeedbackShown]


class ConversationShown(Shown):
    """A conversation with an agent."""

    id: str
    agent: str
    agent_id: str
    title: str
    user_id: str | None
    holder: str = Field(description="Whose it is: a person's, a customer's, or a key's.")
    turns: int
    steps: int
    created_at: Instant
    last_at: Instant
    redacted_at: Instant | None
    with_person: str | None = Field(
        description="Where it is while the assistant keeps silent: waiting for a person, taken by one, or closed."
    )


class ConversationInFull(ConversationShown):
    """The same, with a page of its turns."""

    page: Page[TurnInFull] = Field(description="Its turns, the first one first.")


class HitShown(Shown):
    """A turn that was found."""

    conversation: ConversationShown
    turn: TurnShown


class RulesShown(Shown):
    """For how long conversations are kept."""

    redact_days: int | None = Field(description="So long after the last word personal data is taken out; null: never.")
    keep_days: int | None = Field(description="So long after the last word they are deleted; null: never.")


class MetricsRow(Shown):
    """Of one agent on one day (UTC), by when the message came."""

    day: str
    agent: str
    conversations: int
    turns: int
    finished: int
    failed: int
    stopped: int
    open: int = Field(description="Turns that are queued, running or waiting.")
    tool_calls: int
    tokens_in: int
    tokens_out: int
    cost_micros: int | None = Field(description="Millionths of a US dollar, as far as prices are known.")
    p50_ms: int | None
    p95_ms: int | None
    score: float | None = Field(description="How appropriate the answers are by fixed criteria, 0 to 100, on average.")
    judged: int
    feedback: float | None = Field(description="What people thought, 1 to 5, on average.")
    feedbacks: int


class Counted(Shown):
    """Conversations in numbers."""

    items: list[MetricsRow]


class Stopped(Shown):
    """How many turns were called off."""

    stopped: int


class Begun(ConversationShown):
    """A conversation, and the turn of its first message."""

    turn: TurnShown | None


def conversation_shown(found: Conversation) -> ConversationShown:
    return ConversationShown(**_facts(found))


def in_full(found: Conversation, turns: Page[TurnInFull]) -> ConversationInFull:
    return ConversationInFull(**_facts(found), page=turns)


def turn_shown(found: ConversationTurn, waits: tuple[ConversationWait, ...] = ()) -> TurnShown:
    return TurnShown(**_turn(found, waits))


def turn_in_full(view: TurnView) -> TurnInFull:
    steps, feedback = [step_shown(one) for one in view.steps], [feedback_shown(one) for one in view.feedback]
    return TurnInFull(**_turn(view.turn, view.waits), steps=steps, feedback=feedback)


def hit_shown(hit: Hit) -> HitShown:
    return HitShown(conversation=conversation_shown(hit.conversation), turn=turn_shown(hit.turn))


def step_shown(step: ConversationStep | StepView) -> StepShown:
    return StepShown(**{name: getattr(step, name) for name in StepShown.model_fields})


def feedback_shown(found: ConversationFeedback) -> FeedbackShown:
    return FeedbackShown(
        turn_id=found.turn_id, user_id=found.user_id, score=found.score, words=found.words, at=found.updated_at
    )


def rules_shown(found: ConversationSettings) -> RulesShown:
    return RulesShown(redact_days=found.redact_days, keep_days=found.keep_days)


def _facts(found: Conversation) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ConversationShown.model_fields}


def _turn(found: ConversationTurn, waits: tuple[ConversationWait, ...]) -> dict[str, Any]:
    facts = {name: getattr(found, name) for name in TurnShown.model_fields if name not in ("waits", "findings")}
    findings = None if found.findings is None else [FindingShown(**one) for one in found.findings]
    shown = [WaitShown(**{name: getattr(one, name) for name in WaitShown.model_fields}) for one in waits]
    return {**facts, "findings": findings, "waits": shown}
