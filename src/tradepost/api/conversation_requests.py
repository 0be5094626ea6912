"""What REST takes about conversations."""

from typing import Annotated

from pydantic import Field

from tradepost.agents.conversations.asking import MAX_MESSAGE, MAX_TITLE
from tradepost.agents.conversations.forgetting import LEAST_DAYS, MOST_DAYS
from tradepost.agents.conversations.judging import MAX_WORDS
from tradepost.api.shapes import Given, Moment, PageQuery, Reference

MOST_EVENT_DIGITS = 15


class New(Given):
    """A conversation to begin, with its first message where there is one already."""

    agent: Reference | None = Field(None, description="By slug or id; an agent's key talks with that agent.")
    title: Annotated[str, Field(max_length=MAX_TITLE, pattern=r"^[^\x00-\x1f]*$")] = ""
    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE, pattern=r"^[^\x00]*$")] | None = None


class Message(Given):
    """What somebody says."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE, pattern=r"^[^\x00]*$")]


class Cancel(Given):
    """Which answer is not wanted any more."""

    turn: Reference | None = Field(None, description="The turn's id; every turn that is under way without it.")


class Opinion(Given):
    """What an answer was worth."""

    score: int | None = Field(None, ge=1, le=5, description="1 (bad) to 5 (good).")
    thumb: Annotated[str, Field(pattern="^(up|down)$")] | None = Field(None, description="up is 5, down is 1.")
    words: Annotated[str, Field(max_length=MAX_WORDS, pattern=r"^[^\x00]*$")] = ""
    turn: Reference | None = Field(None, description="The turn's id; the last one that was answered without it.")


class RulesChange(Given):
    """What to change of the rules; null keeps for good."""

    redact_days: Annotated[int, Field(ge=LEAST_DAYS, le=MOST_DAYS)] | None = None
    keep_days: Annotated[int, Field(ge=LEAST_DAYS, le=MOST_DAYS)] | None = None


class ListQuery(PageQuery):
    """Which conversations."""

    agent: Reference | None = Field(None, description="With this agent, by slug or id.")
    mine: bool = Field(False, description="Only one's own, also where one may see others.")
    since: Moment | None = Field(None, description="In which somebody said something since then.")
    run: Reference | None = Field(None, description="The one that this run belongs to, as audit and approvals name it.")


class SearchQuery(PageQuery):
    """What to look for."""

    q: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")] = Field(
        description="Words that all occur in the message or its answer; their last letters may be missing."
    )
    agent: Reference | None = Field(None, description="With this agent, by slug or id.")
    mine: bool = False


class StreamQuery(Given):
    """From where to watch, and for how long."""

    after: int | None = Field(None, ge=0, lt=10**MOST_EVENT_DIGITS, description="After the step with this number.")
    stay: bool = Field(False, description="Stay when no turn is under way: for waits and for what is said next.")


class MetricsQuery(Given):
    """What to count."""

    since: Moment | None = Field(None, description="30 days before `until` without it.")
    until: Moment | None = Field(None, description="Now without it. At most 92 days.")
    agent: Reference | None = Field(None, description="With this agent, by slug or id.")
