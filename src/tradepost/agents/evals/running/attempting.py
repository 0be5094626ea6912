"""One attempt of a case: the conversation, the approvals, and a look at the store afterwards."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from tradepost.agents.evals.datasets.schema import Case, Store
from tradepost.agents.evals.outcome import Made, Outcome, Said
from tradepost.agents.evals.ports import World
from tradepost.agents.evals.running.approving import Approving
from tradepost.agents.evals.running.keeping import Kept, calls_of
from tradepost.agents.evals.running.looking import looked, resolved
from tradepost.agents.ports import Step, Turn, TurnEnd
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id

MOST_TURNS = 30  # of a conversation with a simulated customer
SPENDING = ("model", "routing", "reading")  # kinds of steps that a model was asked for

# What the person says next, after what was said so far; None where they have nothing more to say.
Speaker = Callable[[Sequence[Said]], Awaitable[str | None]]


@dataclass
class Attempt:
    """One run of one case, in a world of its own."""

    case: Case
    agent: str
    store: Store
    world: World
    speaker: Speaker
    said: list[Said] = field(default_factory=list)
    earlier: list[Step] = field(default_factory=list)
    calls: list[Made] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Raises TradepostError where the case cannot be run at all."""
        case, world = self.case, self.world
        for change in case.changes:
            await world.operate(change.tool, change.arguments)
        expected = await resolved(world, list(case.facts))
        unwanted = await resolved(world, list(case.never_said))
        before = await world.footprint() if case.end.unchanged else None
        asked_by = await world.asker(case.shopper)
        approving = Approving(case.approvals)
        started = perf_counter()
        status = await self._talk(asked_by, approving)
        seconds = perf_counter() - started
        spent = [step for step in self.earlier if step.kind in SPENDING]
        costs = [step.spent.cost_micros for step in spent if step.spent.cost_micros is not None]
        named = [str(step.content["model"]) for step in spent if step.content.get("model")]
        return Outcome(
            status=status,
            said=self.said,
            calls=self.calls,
            approvals=approving.due,
            expected=expected,
            unwanted=unwanted,
            end=await looked(world, case, before),
            models=sorted(set(named)),
            tokens_in=sum(step.spent.tokens_in for step in spent),
            tokens_out=sum(step.spent.tokens_out for step in spent),
            cost_micros=sum(costs) if costs else None,
            model_answers=len(spent),
            model_seconds=sum(step.spent.latency_ms for step in spent) / 1000,
            seconds=seconds,
            today=self.store.now[:10],
        )

    async def _talk(self, asked_by: Caller, approving: Approving) -> str:
        """The conversation to its end. Returns how the last turn ended."""
        status = "finished"
        conversation = new_id("cnv")
        for _ in range(MOST_TURNS):
            message = await self.speaker(self.said)
            if message is None:
                return status
            self.said.append(Said(who="person", text=message))
            turn = Turn(new_id("run"), conversation, asked_by, self.agent, message, earlier=tuple(self.earlier))
            end = await self._turn(turn, approving)
            self.said.append(Said(who="agent", text=end.answer))
            status = end.status
            if status in ("failed", "stopped"):
                return status
        return status

    async def _turn(self, turn: Turn, approving: Approving) -> TurnEnd:
        """One turn until it is answered, or waits for somebody who does not answer."""
        kept = Kept()
        end = await self.world.runtime.run(turn, kept)
        while end.status == "waiting":
            waiting = [one for one in end.awaited if one.tool_call_id not in turn.decided]
            decided = await approving.answer(self.world, turn.asked_by, waiting, turn.run_id, kept.steps)
            turn = replace(turn, done=tuple(kept.steps), decided={**turn.decided, **decided})
            if len(decided) < len(waiting):
                break
            end = await self.world.runtime.run(turn, kept)
        self.earlier += kept.steps
        self.calls += calls_of(kept.steps, turn.decided, await self._writers(turn.asked_by, kept.steps))
        return end

    async def _writers(self, asked_by: Caller, steps: Sequence[Step]) -> dict[str, set[str]]:
        """The tools that may write, of each agent that called one."""
        found: dict[str, set[str]] = {}
        for agent in {step.agent for step in steps if step.kind == "tool_call"}:
            caller = await self.world.callers.for_agent(asked_by, agent, new_id("run"))
            found[agent] = {
                tool["name"]
                for tool in await self.world.door.list(caller)
                if not tool.get("annotations", {}).get("readOnlyHint")
            }
        return found


def saying(messages: Sequence[str]) -> Speaker:
    """Somebody who says these messages, whatever is answered."""

    async def speak(said: Sequence[Said]) -> str | None:
        so_far = sum(one.who == "person" for one in said)
        return messages[so_far] if so_far < len(messages) else None

    return speak
