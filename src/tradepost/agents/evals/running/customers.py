"""A simulated customer: a second model that is told who it is, and hears only what the agent says."""

from collections.abc import Sequence

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import Model

from tradepost.agents.evals.datasets.schema import Customer
from tradepost.agents.evals.outcome import Said
from tradepost.agents.evals.running.attempting import Speaker

OVER = "###STOP###"
PLAYING = (
    "You play a customer who talks with the customer care agent of a shop, to test that agent. Say one short message at"
    " a time, in your own words, as a person would; do not say everything at once, and never say what stands nowhere"
    " below. Answer what you are asked if you know it. Agree to what the agent proposes if it is what you want."
    f" When your wish is fulfilled, or the agent cannot do it, or hands you to a person, say {OVER} and nothing else."
)
GREETING = "Hello, how can I help you?"


def playing(model: Model, customer: Customer) -> Speaker:
    """Somebody who wants something."""
    told = [PLAYING, f"What you want: {customer.wants}"]
    if customer.knows:
        told.append(f"What you know: {customer.knows}")
    actor: Agent[None, str] = Agent(model, instructions=told, name="customer")

    async def speak(said: Sequence[Said]) -> str | None:
        heard = said[-1].text if said else GREETING
        done = await actor.run(heard, message_history=_history(said[:-1]) or None)
        words = done.output.replace(OVER, "").strip()
        return None if OVER in done.output or not words else words

    return speak


def _history(said: Sequence[Said]) -> list[ModelMessage]:
    """What was said so far, as the customer remembers it."""
    if not said:
        return []
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(content=GREETING)])]
    for one in said:
        if one.who == "person":
            messages.append(ModelResponse(parts=[TextPart(content=one.text)]))
        else:
            messages.append(ModelRequest(parts=[UserPromptPart(content=one.text)]))
    return messages
