"""One answer out of several specialists'."""

from collections.abc import Mapping

from pydantic_ai import Agent
from pydantic_ai.models import Model

from tradepost.agents.ports import Step
from tradepost.agents.runtime.asking import ask
from tradepost.agents.runtime.prompts import ANSWERS, HARDENED
from tradepost.agents.runtime.tally import Tally
from tradepost.agents.setups.limits import Limits

JOINING = (
    "Several specialists worked on parts of a request. Make one answer of theirs: say each thing once, keep every"
    " number and id, say where they contradict each other, and what one of them could not do. Add nothing of your own."
)


async def join(model: Model, agent: str, message: str, answers: Mapping[str, str], limits: Limits, tally: Tally) -> str:
    """The answer, kept as a step of the planner's model. Raises what a run of a model raises, Halted."""
    said = "\n\n".join(f"## {name}\n{answer}" for name, answer in answers.items())
    asking: Agent[None, str] = Agent(model, name=agent, instructions=[JOINING, HARDENED, ANSWERS])
    question = f"The request:\n{message}\n\nThe answers:\n\n{said}"
    joined, spent, by = await ask(asking, agent, question, limits, tally)
    content = {"text": joined, "calls": [], "joined": list(answers), "model": by}
    await tally.step(Step("model", agent, content, spent=spent))
    return joined
