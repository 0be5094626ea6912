"""One answer out of several specialists'."""

from collections.abc import Mapping
from time import perf_counter

from pydantic_ai import Agent
from pydantic_ai.models import Model

from tradepost.agents.ports import Recorder, Spent, Step
from tradepost.agents.runtime.prompts import ANSWERS, HARDENED

JOINING = (
    "Several specialists worked on parts of a request. Make one answer of theirs: say each thing once, keep every"
    " number and id, say where they contradict each other, and what one of them could not do. Add nothing of your own."
)


async def join(model: Model, agent: str, message: str, answers: Mapping[str, str], record: Recorder) -> str:
    """The answer, kept as a step of the planner's model. Raises what a run of a model raises."""
    told = "\n\n".join(f"## {name}\n{answer}" for name, answer in answers.items())
    asking: Agent[None, str] = Agent(model, name=agent, instructions=[JOINING, HARDENED, ANSWERS])
    started = perf_counter()
    done = await asking.run(f"The request:\n{message}\n\nThe answers:\n\n{told}")
    spent = Spent(done.usage.input_tokens, done.usage.output_tokens, None, (perf_counter() - started) * 1000)
    await record.step(Step("model", agent, {"text": done.output, "calls": [], "joined": list(answers)}, spent=spent))
    return done.output
