"""Runs turns: one agent alone, or a planner and its specialists at the same time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_ai.models import Model

from tradepost.agents.models.naming import Models
from tradepost.agents.planner.joining import join
from tradepost.agents.planner.routing import Assigned, Routing, Specialist, route
from tradepost.agents.ports import Callers, Directory, Recorder, Step, ToolDoor, Turn, TurnEnd
from tradepost.agents.runtime.builtin import builtin_tools
from tradepost.agents.runtime.handing_over import HANDED_OVER, Noting, person_tools, reason_in, wish_in
from tradepost.agents.runtime.history import of_earlier
from tradepost.agents.runtime.reading import quoted_in, read, told
from tradepost.agents.runtime.running import Part, run_part
from tradepost.agents.runtime.tally import Tally
from tradepost.agents.runtime.troubles import FORESEEN, STOPPED, sentence_for
from tradepost.agents.setups.limits import Limits
from tradepost.agents.setups.service import Setup, read_setup, specialists_beside
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now


@dataclass(frozen=True, slots=True)
class Runner:
    """Satisfies Runtime. `default_model` is for agents that name none; `now` is what the time is for agents."""

    database: Database
    door: ToolDoor
    callers: Callers
    directory: Directory
    models: Models
    default_model: str
    now: Now = system_now

    async def run(self, turn: Turn, record: Recorder) -> TurnEnd:
        """See Runtime."""
        setup, beside = await self._setups(turn)
        if setup.role == "shopper" and turn.asked_by.principal.kind == "shopper":
            noting = Noting(record, turn.done)
            end = await self._run(turn, setup, beside, noting, noting)
            return replace(end, hand_over=reason_in(noting.steps))
        return await self._run(turn, setup, beside, record)

    async def _run(
        self, turn: Turn, setup: Setup, beside: Sequence[Setup], record: Recorder, noting: Noting | None = None
    ) -> TurnEnd:
        slug = setup.facts.slug
        kept = _kept_answer(turn.done, slug)
        if kept is not None:  # only its end was not kept
            return TurnEnd("finished", kept)
        if not any(step.kind == "message" for step in turn.done):
            await record.step(Step("message", slug, {"text": turn.message}))
        try:
            end = await self._answered(turn, setup, beside, Tally(record, turn.done), noting)
        except FORESEEN as error:
            return await _trouble(error, slug, record)
        if end.status == "finished":
            await record.step(Step("answer", slug, {"text": end.answer}))
        return end

    async def close(self) -> None:
        """Let go of what models hold."""
        await self.models.close()

    async def _setups(self, turn: Turn) -> tuple[Setup, list[Setup]]:
        async with self.database.transaction(turn.asked_by.workspace_id, write=False, quick=True) as session:
            setup = await read_setup(session, await self.directory.agent(session, turn.agent))
            if setup.role != "planner":
                return setup, []
            return setup, await specialists_beside(session, self.directory, setup.facts)

    async def _answered(
        self, turn: Turn, setup: Setup, beside: Sequence[Setup], tally: Tally, noting: Noting | None
    ) -> TurnEnd:
        model = await self._model(setup)
        task = await _task(turn, setup, model, tally)
        if noting is not None and wish_in(noting.steps) is not None:
            return TurnEnd("finished", HANDED_OVER)
        if setup.role == "planner":
            return await self._planned(turn, setup, model, task, beside, tally)
        return await self._part(turn, setup, task, turn.earlier, tally, noting)

    async def _planned(
        self, turn: Turn, setup: Setup, model: Model, task: str, beside: Sequence[Setup], tally: Tally
    ) -> TurnEnd:
        slug = setup.facts.slug
        if not beside:
            return TurnEnd("finished", "There is no specialist in this profile yet. An admin can make one.")
        limits, routing = Limits.of(setup.limits), _kept_routing(turn.done, slug)
        if routing is None:
            known = [Specialist(one.facts.slug, one.facts.name, one.facts.description) for one in beside]
            history = of_earlier(turn.earlier, "")  # what was asked and answered; calls are the specialists'
            routing = await route(model, slug, task, known, history, setup.instructions, limits, tally)
        if not routing.parts:
            return TurnEnd("finished", routing.answer)
        by_slug = {one.facts.slug: one for one in beside}
        async with asyncio.TaskGroup() as together:
            tasks = [
                together.create_task(self._specialist(turn, by_slug.get(one.specialist), one, tally))
                for one in routing.parts
            ]
        ends = [task.result() for task in tasks]
        awaited = [one for end in ends for one in end.awaited]
        if awaited:
            return TurnEnd("waiting", "\n".join(end.answer for end in ends if end.awaited), awaited)
        answers = {
            f"{one.specialist} ({number})": end.answer
            for number, (one, end) in enumerate(zip(routing.parts, ends, strict=True), 1)
        }
        if len(ends) == 1:
            return ends[0]
        if all(end.status != "finished" for end in ends):
            return TurnEnd(ends[0].status, "\n".join(dict.fromkeys(end.answer for end in ends)))
        return TurnEnd("finished", await join(model, slug, turn.message, answers, limits, tally))

    async def _specialist(self, turn: Turn, setup: Setup | None, part: Assigned, tally: Tally) -> TurnEnd:
        if setup is None:  # it was switched off while the turn waited
            return TurnEnd("failed", f"The agent {part.specialist} is not there any more.")
        kept = next((s for s in turn.done if s.agent == part.specialist and s.kind == "answer"), None)
        if kept is not None:
            return TurnEnd("finished", str(kept.content.get("text", "")))
        try:
            end = await self._part(turn, setup, part.task, turn.earlier, tally)
        except FORESEEN as error:  # it may not act for this person, or its model is not set up: others go on
            end = await _trouble(error, part.specialist, tally)
        if end.status == "finished":
            await tally.step(Step("answer", part.specialist, {"text": end.answer, "to": "planner"}))
        return end

    async def _part(
        self,
        turn: Turn,
        setup: Setup,
        task: str,
        earlier: Sequence[Step],
        tally: Tally,
        noting: Noting | None = None,
    ) -> TurnEnd:
        slug = setup.facts.slug
        caller = await self.callers.for_agent(turn.asked_by, slug, turn.run_id)
        part = Part(
            agent=slug,
            name=setup.facts.name,
            instructions=setup.instructions or setup.facts.description,
            model=await self._model(setup),
            limits=Limits.of(setup.limits),
            caller=caller,
            task=task,
            earlier=earlier,
            done=turn.done,
            decided=turn.decided,
            own=() if noting is None else (person_tools(noting, slug),),
            builtin=(builtin_tools(self.now),),
        )
        return await run_part(part, self.door, tally)

    async def _model(self, setup: Setup) -> Model:
        return await self.models.model(setup.model or self.default_model, setup.fallback_model or None)


async def _trouble(error: BaseException, agent: str, record: Recorder) -> TurnEnd:
    sentence = sentence_for(error)
    await record.step(Step("trouble", agent, {"text": sentence, "kind": type(error).__name__}))
    return TurnEnd("stopped" if isinstance(error, STOPPED) else "failed", sentence)


async def _task(turn: Turn, setup: Setup, model: Model, tally: Tally) -> str:
    """The message as whoever has tools gets it: a customer's own words, and what somebody quotes, only as fields."""
    own, quoted = ("", turn.message) if setup.role == "shopper" else quoted_in(turn.message)
    if not quoted:
        return turn.message
    kept = next((step for step in turn.done if step.kind == "reading"), None)
    fields = (
        told(kept.content["fields"])
        if kept
        else await read(model, setup.facts.slug, quoted, Limits.of(setup.limits), tally)
    )
    return f"{own}\n\n{fields}".strip()


def _kept_answer(done: Sequence[Step], agent: str) -> str | None:
    """The whole turn's answer; a specialist's own goes to the planner."""
    kept = [step for step in done if step.kind == "answer" and step.agent == agent and "to" not in step.content]
    return str(kept[-1].content.get("text", "")) if kept else None


def _kept_routing(done: Sequence[Step], agent: str) -> Routing | None:
    kept = next((step for step in done if step.kind == "routing" and step.agent == agent), None)
    return None if kept is None else Routing.model_validate({k: kept.content[k] for k in ("parts", "why", "answer")})
