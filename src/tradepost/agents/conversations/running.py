"""Running one claimed turn to its end, or to where it waits for people."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from tradepost.agents.conversations.claims import Claim, Claims, change, set_free
from tradepost.agents.conversations.elsewhere import Telling
from tradepost.agents.conversations.elsewhere_models import ConversationWords
from tradepost.agents.conversations.handovers import hand_over
from tradepost.agents.conversations.keeping import Record
from tradepost.agents.conversations.loading import Loaded, Unheard, load
from tradepost.agents.conversations.models import ConversationStep, ConversationTurn, ConversationWait
from tradepost.agents.conversations.ports import Cleaning, Hub
from tradepost.agents.conversations.scoring.score import Appropriateness, judge
from tradepost.agents.conversations.watching import Watchers
from tradepost.agents.conversations.words import index
from tradepost.agents.ports import BY_HUB, Callers, Json, Runtime, Step, ToolDoor, TurnEnd
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import TradepostError, Unauthenticated, Unavailable
from tradepost.foundation.ids import new_id

MOST_ATTEMPTS = 6
MOST_LOOKED_AT = 300  # steps, when an answer is judged
AGAIN = timedelta(seconds=5)
GET_APPROVAL = "get_approval"
STOPPED = "Stopped."
BROKEN = "Something went wrong in the hub while this was answered. It is in the hub's log; please ask again."
TOO_OFTEN = f"This was begun {MOST_ATTEMPTS} times and broken off each time, so it is given up. Please ask again."

_log = logging.getLogger(__name__)


class Runs:
    """Runs turns, one `run` for each claim."""

    def __init__(
        self, database: Database, hub: Hub, runtime: Runtime, callers: Callers, door: ToolDoor, cleaning: Cleaning,
        claims: Claims, watchers: Watchers, telling: Telling, now: Now,
    ) -> None:  # fmt: skip
        self._database = database
        self._hub = hub
        self._runtime = runtime
        self._callers = callers
        self._door = door
        self._cleaning = cleaning
        self._claims = claims
        self._watchers = watchers
        self._telling = telling
        self._now = now

    async def run(self, claim: Claim, task: asyncio.Task[None], records: dict[str, Record]) -> None:
        """Run a turn, in its own task. Whatever happens, it ends with a sentence or somebody goes on with it later."""
        loaded = await load(self._database, claim)
        by = loaded.turn.asked_by
        record = Record(self._database, self._hub, self._watchers, self._telling, by, claim, self._now, task.cancel)
        records[claim.turn_id] = record
        try:
            end = await self._end_of(claim, loaded, record)
        except asyncio.CancelledError:
            if record.canceled_by is None:
                if record.error is not None:
                    _log.warning("%s is tried again: a step could not be kept", claim.turn_id, exc_info=record.error)
                raise
            task.uncancel()
            end = TurnEnd("stopped", STOPPED)
        record.is_over = True
        await self._keep_end(claim, by, end)

    async def _end_of(self, claim: Claim, loaded: Loaded, record: Record) -> TurnEnd:
        turn = loaded.turn
        if claim.attempts > MOST_ATTEMPTS:
            return await _trouble(record, loaded, TOO_OFTEN)
        try:
            await self._hub.confirm(turn.asked_by)
            if loaded.unheard and await self._is_over(turn.asked_by):
                return await self._told(loaded, record)
            heard = {one.awaited.tool_call_id: await self._outcome(claim, loaded, one) for one in loaded.unheard}
            return await self._runtime.run(loaded.with_decided(heard), record)
        except Unauthenticated as error:
            return await _trouble(record, loaded, f"Whoever asked may not act here any more: {error.message}")
        except (SQLAlchemyError, Unavailable):
            raise  # the database is away: somebody tries again
        except TradepostError as error:
            return await _trouble(record, loaded, error.message)
        except Exception:  # noqa: BLE001 (the edge: whatever it is, the person gets a sentence)
            _log.exception("the run of %s failed", claim.turn_id)
            return await _trouble(record, loaded, BROKEN)

    async def _is_over(self, by: Caller) -> bool:
        """Whether a customer's session has ended by itself. What they asked for in it goes on, but no model acts for
        them any more."""
        if by.principal.kind != "shopper":
            return False
        try:
            await self._hub.confirm_now(by)
        except Unauthenticated:
            return True
        return False

    async def _told(self, loaded: Loaded, record: Record) -> TurnEnd:
        """The end of such a turn: what became of its writes, said by the hub, and known to the agent from then on."""
        turn = loaded.turn
        said = [await self._hub.outcome(turn.asked_by, one.awaited.approval_id) for one in loaded.unheard]
        answer = "\n".join(dict.fromkeys(said))
        if not any(step.kind == "answer" and step.content.get("by") == BY_HUB for step in turn.done):
            await record.step(Step("answer", turn.agent, {"text": answer, "by": BY_HUB}))
        return TurnEnd("finished", answer)

    async def _outcome(self, claim: Claim, loaded: Loaded, unheard: Unheard) -> Json:
        """What became of a write that waited: asked for by the agent itself, through the same door as everything."""
        wait = unheard.awaited
        turn = loaded.turn
        caller = await self._callers.for_agent(turn.asked_by, wait.agent, turn.run_id)
        result = await self._door.call(caller, GET_APPROVAL, {"approval_id": wait.approval_id}, turn.run_id)
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            kept = update(ConversationWait).where(ConversationWait.id == unheard.wait_id).values(result=result)
            await session.execute(kept)
        return result

    async def _keep_end(self, claim: Claim, by: Caller, end: TurnEnd) -> None:
        waits = end.status == "waiting"
        judged = None if end.status != "finished" else await self._judged(claim, end)
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            now = self._now()
            values: dict[str, Any] = {
                "status": end.status,
                "answer": _storable(end.answer),
                "lease_owner": None,
                "lease_until": None,
            }
            if waits:
                values["attempts"] = 0
            else:
                values["finished_at"] = now
            if judged is not None:
                values["score"], values["findings"] = judged.score, judged.as_list()
            if not await change(session, claim, **values):
                _log.warning("the end of %s is not kept: another process has taken it over", claim.turn_id)
                return
            await set_free(session, claim, now)
            if self._telling.ended(claim):
                of_turn = ConversationWords.conversation_id == claim.conversation_id
                await session.execute(delete(ConversationWords).where(of_turn))
            for one in end.awaited if waits else ():
                wait = ConversationWait(
                    id=new_id("cwt"),
                    conversation_id=claim.conversation_id,
                    turn_id=claim.turn_id,
                    agent=one.agent,
                    tool_call_id=one.tool_call_id,
                    tool=one.tool,
                    approval_id=one.approval_id,
                )
                session.add(wait)
            message = await session.scalar(select(ConversationTurn.message).where(ConversationTurn.id == claim.turn_id))
            texts = (self._cleaning.secrets(message or ""), self._cleaning.secrets(end.answer))
            await index(session, claim.conversation_id, claim.turn_id, *texts)
            self._hub.publish(session, by, f"conversation:{end.status}", claim.conversation_id)
            if end.hand_over is not None:
                await hand_over(session, self._hub, by, claim.conversation_id, "assistant", end.hand_over, self._now())
        self._watchers.stir(claim.conversation_id)

    async def _judged(self, claim: Claim, end: TurnEnd) -> Appropriateness | None:
        """In a thread: results may be long, and others wait for their turn."""
        async with self._database.transaction(claim.workspace_id, write=False) as session:
            turn = (await session.scalars(select(ConversationTurn).where(ConversationTurn.id == claim.turn_id))).one()
            rows = await session.execute(
                select(ConversationStep.kind, ConversationStep.content)
                .where(ConversationStep.conversation_id == claim.conversation_id)
                .order_by(ConversationStep.number.desc())
                .limit(MOST_LOOKED_AT)
            )
            steps = [(kind, content) for kind, content in rows][::-1]
        try:
            return await asyncio.to_thread(judge, turn.message, end.answer, steps, self._cleaning)
        except Exception:  # noqa: BLE001 (an answer without a score is better than none)
            _log.exception("the answer of %s was not judged", claim.turn_id)
            return None


def _storable(text: str) -> str:
    """What a model wrote, without what no database takes: halves of characters, and the character 0."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


async def _trouble(record: Record, loaded: Loaded, sentence: str) -> TurnEnd:
    await record.step(Step("trouble", loaded.turn.agent, {"text": sentence}))
    return TurnEnd("failed", sentence)
