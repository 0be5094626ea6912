"""What each agent has used in one turn: its limits hold for all of it, reading and planning included, also after a
restart. So do the ids of its calls: each is one call's, whichever agent made it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.usage import RunUsage

from tradepost.agents.ports import Recorder, Spent, Step
from tradepost.foundation.ids import new_id

_MOST_NAMES = 1_000
_unpriced: set[tuple[str | None, str | None, str]] = set()  # models that were looked for in vain, which takes long

_ANSWERS = ("model", "reading", "routing")  # steps that are answers of a model


@dataclass(slots=True)
class _Used:
    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    tool_calls: int = 0


class Tally:
    """Satisfies Recorder: passes everything on, and counts it. `done` are the steps that were kept before."""

    def __init__(self, record: Recorder, done: Sequence[Step] = ()) -> None:
        self._record = record
        self._used: defaultdict[str, _Used] = defaultdict(_Used)
        self._calls: set[str] = set()
        for step in done:
            self._count(step)
            self._calls.update(str(call["id"]) for call in step.content.get("calls", ()))

    async def step(self, step: Step) -> None:
        """See Recorder."""
        await self._record.step(step)
        self._count(step)

    def delta(self, agent: str, text: str) -> None:
        """See Recorder."""
        self._record.delta(agent, text)

    def usage(self, agent: str) -> RunUsage:
        """What the agent has used so far, as Pydantic AI counts it."""
        used = self._used[agent]
        return RunUsage(
            requests=used.answers,
            input_tokens=used.tokens_in,
            output_tokens=used.tokens_out,
            tool_calls=used.tool_calls,
        )

    def cost_micros(self, agent: str) -> int:
        """Millionths of a US dollar, as far as prices are known."""
        return self._used[agent].cost_micros

    def id_of_call(self, given: str) -> str:
        """The id of a call that is made now: the one that its model gave, unless a call of this turn has it."""
        own = new_id("call") if given in self._calls else given
        self._calls.add(own)
        return own

    def _count(self, step: Step) -> None:
        used, spent = self._used[step.agent], step.spent
        used.answers += step.kind in _ANSWERS
        used.tokens_in += spent.tokens_in
        used.tokens_out += spent.tokens_out
        used.cost_micros += spent.cost_micros or 0
        used.tool_calls += step.kind == "tool_result"


def spent_on(messages: Sequence[ModelMessage], seconds: float) -> Spent:
    """What the answers among these messages cost."""
    answers = [one for one in messages if isinstance(one, ModelResponse)]
    costs = [cost for cost in (_cost(one) for one in answers) if cost is not None]
    return Spent(
        sum(one.usage.input_tokens for one in answers),
        sum(one.usage.output_tokens for one in answers),
        sum(costs) if costs else None,
        seconds * 1000,
    )


def _cost(response: ModelResponse) -> int | None:
    """In millionths of a US dollar; None where nobody knows a price."""
    if not response.model_name:
        return None
    model = response.provider_name, response.provider_url, response.model_name
    if model in _unpriced:
        return None
    try:
        price = response.cost().total_price
    except LookupError:
        if len(_unpriced) < _MOST_NAMES:
            _unpriced.add(model)
        return None
    except (ValueError, AssertionError):
        return None
    return int((Decimal(price) * 1_000_000).to_integral_value())
