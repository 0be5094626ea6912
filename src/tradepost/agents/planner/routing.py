"""Which specialists a message is for. A model decides without tools, in a form that is checked; the decision and its
reason are a step of the turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model

from tradepost.agents.ports import Json, Step
from tradepost.agents.runtime.asking import ask
from tradepost.agents.runtime.prompts import HARDENED
from tradepost.agents.runtime.tally import Tally
from tradepost.agents.setups.limits import Limits

MAX_PARTS, MAX_TASK = 4, 4_000


@dataclass(frozen=True, slots=True)
class Specialist:
    """A specialist as the planner knows one."""

    slug: str
    name: str
    description: str


class Assigned(BaseModel):
    """One specialist's share of the request."""

    specialist: str = Field(description="Its short name, as listed.")
    task: str = Field(
        min_length=1,
        max_length=MAX_TASK,
        description="The request for it, complete: with all numbers, names and limits said.",
    )


class Routing(BaseModel):
    """Who does what. No parts: then `answer` is said instead (a greeting, or a question back)."""

    parts: Annotated[list[Assigned], Field(max_length=MAX_PARTS)] = Field(default_factory=list)
    why: str = Field(min_length=1, max_length=500, description="Why these, in one sentence.")
    answer: str = Field("", max_length=2_000, description="Only where no specialist is needed.")


ROUTING = (
    "You are the planner of a commerce team's agents. Choose the specialist that the request is for; several only where"
    " parts of it are independent of each other, since they work at the same time and do not see each other's results."
    " Do not answer questions about the shop yourself: you know nothing of it."
)


async def route(
    model: Model, agent: str, message: str, specialists: Sequence[Specialist], history: Sequence[ModelMessage],
    instructions: str, limits: Limits, tally: Tally,
) -> Routing:  # fmt: skip
    """The decision, kept as a step. Raises what a run of a model raises, Halted."""
    names = {one.slug for one in specialists}
    listed = "\n".join(f"- {one.slug}: {one.name}. {one.description}" for one in specialists)
    asking: Agent[None, Routing] = Agent(model, output_type=Routing, name=agent, retries=2)

    @asking.output_validator
    def known(routing: Routing) -> Routing:
        wrong = [one.specialist for one in routing.parts if one.specialist not in names]
        if wrong:
            raise ModelRetry(f"There is no specialist {wrong[0]}. There are: {', '.join(sorted(names))}.")
        if not routing.parts and not routing.answer.strip():
            raise ModelRetry("Choose a specialist, or say something in `answer`.")
        return routing

    told = [part for part in (instructions.strip(), ROUTING, HARDENED, f"The specialists:\n{listed}") if part]
    routing, spent, by = await ask(asking, agent, message, limits, tally, history, told)
    routing.parts = _merged(routing.parts)
    content: Json = {**routing.model_dump(), "model": by}
    await tally.step(Step("routing", agent, content, spent=spent))
    return routing


def _merged(parts: Sequence[Assigned]) -> list[Assigned]:
    """One part for each specialist: it answers all that is for it in one go."""
    tasks: dict[str, list[str]] = {}
    for one in parts:
        tasks.setdefault(one.specialist, []).append(one.task)
    return [Assigned(specialist=name, task="\n".join(told)[:MAX_TASK]) for name, told in tasks.items()]
