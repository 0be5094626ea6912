"""One question to a model that has no tools: within the agent's limits, like everything it does."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any, TypeVar

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse

from tradepost.agents.ports import Spent
from tradepost.agents.runtime.limits import require_money, usage_limits
from tradepost.agents.runtime.tally import Tally, spent_on
from tradepost.agents.setups.limits import Limits

T = TypeVar("T")

MODEL_SECONDS = 120.0  # for one answer of a model; the limits of an agent are for all of them


async def ask(
    asking: Agent[None, T], agent: str, question: str, limits: Limits, tally: Tally,
    history: Sequence[ModelMessage] = (), instructions: Sequence[str] = (),
) -> tuple[T, Spent, str | None]:  # fmt: skip
    """The answer, what it cost, and which model gave it. Raises what a run of a model raises, Halted."""
    require_money(limits, tally.cost_micros(agent))
    settings: Any = {"timeout": MODEL_SECONDS}
    started = perf_counter()
    async with asyncio.timeout(limits.seconds):
        done = await asking.run(
            question,
            message_history=list(history) or None,
            instructions=list(instructions) or None,
            model_settings=settings,
            usage_limits=usage_limits(limits),
            usage=tally.usage(agent),
        )
    messages = done.new_messages()
    model = next((one.model_name for one in reversed(messages) if isinstance(one, ModelResponse)), None)
    return done.output, spent_on(messages, perf_counter() - started), model
