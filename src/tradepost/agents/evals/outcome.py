"""What happened in one attempt of a case."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tradepost.agents.evals.datasets.schema import Fact, Json, Verdict

Wanted = Fact | str | int | float


class Made(BaseModel):
    """A call of a tool: by which agent, with what, whether it failed, and whether it could have changed anything."""

    agent: str
    tool: str
    arguments: Json
    is_error: bool = False
    may_write: bool = False
    said: str = ""


class Due(BaseModel):
    """An approval that was due, and how it was answered."""

    tool: str
    arguments: Json
    answer: Verdict


class Said(BaseModel):
    """Something that was said: by the person, or by the agent."""

    who: Literal["person", "agent"]
    text: str


class Found(BaseModel):
    """What was looked at in the store afterwards, and what is not as it should be; empty where all is."""

    what: str
    wrong: list[str] = Field(default_factory=list)


class Outcome(BaseModel):
    """One attempt. `cost_micros` None: no price is known of what was used. `missed` are requests to a model that a
    replay has no answer to."""

    model_config = ConfigDict(frozen=True)

    status: str
    said: list[Said]
    calls: list[Made] = Field(default_factory=list)
    approvals: list[Due] = Field(default_factory=list)
    expected: list[Wanted] = Field(default_factory=list)
    unwanted: list[Wanted] = Field(default_factory=list)
    end: list[Found] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    missed: list[str] = Field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int | None = None
    model_answers: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0
    today: str = "2026-02-24"

    @property
    def answers(self) -> str:
        """All that the agent said."""
        return "\n\n".join(one.text for one in self.said if one.who == "agent")
