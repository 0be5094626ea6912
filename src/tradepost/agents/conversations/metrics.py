"""Conversations in numbers, by agent and day (UTC): how many, how well, how long, how dear. No text is read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import Row, and_, select

from tradepost.agents.conversations.models import Conversation, ConversationFeedback, ConversationTurn
from tradepost.database.engine import Database


@dataclass(slots=True)
class Figures:
    """Of one agent on one day. Times in milliseconds, cost in millionths of a US dollar; None: nothing is known."""

    day: str
    agent: str
    conversations: int = 0
    turns: int = 0
    finished: int = 0
    failed: int = 0
    stopped: int = 0
    open: int = 0
    tool_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int | None = None
    p50_ms: int | None = None
    p95_ms: int | None = None
    score: float | None = None
    judged: int = 0
    feedback: float | None = None
    feedbacks: int = 0


@dataclass(slots=True)
class _Gathered:
    figures: Figures
    conversations: set[str] = field(default_factory=set)
    times: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    feedback: list[int] = field(default_factory=list)


class Metrics:
    """Counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(
        self, workspace_id: str, since: datetime, until: datetime, agent: str | None = None
    ) -> Sequence[Figures]:
        """Turns whose message came between two times, by day and agent; with `agent` of that one (slug or id) alone."""
        turn, talk, said = ConversationTurn, Conversation, ConversationFeedback
        of_turn = and_(talk.workspace_id == turn.workspace_id, talk.id == turn.conversation_id)
        within = [turn.created_at >= since, turn.created_at < until]
        if agent is not None:
            within.append((talk.agent == agent) | (talk.agent_id == agent))
        columns = (
            talk.agent, turn.created_at, turn.conversation_id, turn.status, turn.tool_calls, turn.tokens_in,
            turn.tokens_out, turn.cost_micros, turn.latency_ms, turn.score,
        )  # fmt: skip
        of_feedback = and_(said.workspace_id == turn.workspace_id, said.turn_id == turn.id)
        by_key: dict[tuple[str, str], _Gathered] = {}
        async with self._database.transaction(workspace_id, write=False) as session:
            for row in await session.execute(select(*columns).join(talk, of_turn).where(*within)):
                key = f"{row.created_at:%Y-%m-%d}", row.agent
                _add(by_key.setdefault(key, _Gathered(Figures(*key))), row)
            judged = select(talk.agent, turn.created_at, said.score).join(talk, of_turn).join(said, of_feedback)
            opinions: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
            for slug, at, score in await session.execute(judged.where(*within)):
                opinions[(f"{at:%Y-%m-%d}", slug)].append(score)
        for key, scores in opinions.items():
            by_key[key].feedback = scores
        return [_summed(by_key[key]) for key in sorted(by_key)]


def _add(gathered: _Gathered, row: Row[*tuple[Any, ...]]) -> None:
    figures = gathered.figures
    gathered.conversations.add(row.conversation_id)
    figures.turns += 1
    if row.status in ("finished", "failed", "stopped"):
        setattr(figures, row.status, getattr(figures, row.status) + 1)
        gathered.times.append(row.latency_ms)
    else:
        figures.open += 1
    figures.tool_calls += row.tool_calls
    figures.tokens_in += row.tokens_in
    figures.tokens_out += row.tokens_out
    if row.cost_micros is not None:
        figures.cost_micros = (figures.cost_micros or 0) + row.cost_micros
    if row.score is not None:
        gathered.scores.append(row.score)


def _summed(gathered: _Gathered) -> Figures:
    figures = gathered.figures
    figures.conversations = len(gathered.conversations)
    figures.p50_ms, figures.p95_ms = _share(gathered.times, 0.5), _share(gathered.times, 0.95)
    figures.judged, figures.score = len(gathered.scores), _mean(gathered.scores)
    figures.feedbacks, figures.feedback = len(gathered.feedback), _mean(gathered.feedback)
    return figures


def _share(times: list[int], share: float) -> int | None:
    """The time that so many of them took at most."""
    return sorted(times)[ceil(share * len(times)) - 1] if times else None


def _mean(values: list[int]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None
