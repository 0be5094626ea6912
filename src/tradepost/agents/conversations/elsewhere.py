"""Words that a model is writing in one process, for those who watch the conversation in another one.

Who watches says so in the database; the process that runs turns looks there once a second while models write, in one
short read for all its turns, and writes words down only where somebody listens elsewhere. Who listens looks for them
five times a second, as for events (docs/decisions/0007). Words are for show: a step has the whole text, so what cannot
be passed on is left out.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from tradepost.agents.conversations.claims import Claim, held
from tradepost.agents.conversations.elsewhere_models import ConversationListener, ConversationWords
from tradepost.agents.conversations.models import Conversation, ConversationTurn
from tradepost.agents.conversations.watching import MOST_DELTAS, Delta, Watcher, Watchers
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id
from tradepost.protocol.updates import Updates

PACE_SECONDS = 0.15  # words are written down so often
LOOK_SECONDS = 1.0  # and so often it is asked who listens
HEAR_SECONDS = 0.2
COUNTS = timedelta(seconds=30)  # that a listener counts for without saying so again
RENEW_SECONDS = 10.0
KEPT = 50  # pieces of a turn that are kept for listeners
_PIECES = 1_000_000  # of one claim, at most: so the next claim's come after them

_log = logging.getLogger(__name__)
_Key = tuple[str, str]  # workspace, conversation
_Said = tuple[str, int, str]  # agent, the step before it, text

_word = ConversationWords
_COLUMNS = (
    _word.workspace_id,
    _word.conversation_id,
    _word.turn_id,
    _word.place,
    _word.agent,
    _word.text,
    _word.after_step,
)
_FROM_OTHERS = select(*_COLUMNS).order_by(_word.turn_id, _word.place)
# Looked up after every step of every turn that somebody watches: built once.
_OF_ONE = Lookup(
    _FROM_OTHERS.where(_word.conversation_id == bindparam("conversation"), _word.process != bindparam("process"))
)


class Telling:
    """Passes on what is written in the turns of this process, which is called `process`."""

    def __init__(self, database: Database, process: str, now: Now) -> None:
        self._database = database
        self._process = process
        self._now = now
        self._said: dict[Claim, list[_Said]] = {}
        self._written: Counter[Claim] = Counter()
        self._listened: frozenset[_Key] = frozenset()
        self._looked_at: float | None = None
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def say(self, claim: Claim, agent: str, text: str, after: int) -> None:
        """A model is writing, after a step of this number."""
        said = self._said.setdefault(claim, [])
        if len(said) < MOST_DELTAS:
            said.append((agent, after, text))
        if self._task is None:
            self._task = asyncio.create_task(self._tell(), name="words for other processes")

    async def before_step(self, claim: Claim) -> None:
        """Write down what was said up to a step, so that nobody hears of it after the step."""
        if self._task is None:
            return
        async with self._writing:  # they may be being written just now
            await self._round()
            self._said.pop(claim, None)

    def ended(self, claim: Claim) -> bool:
        """A turn is over here. Whether words of it may be written down."""
        self._said.pop(claim, None)
        return self._written.pop(claim, 0) > 0 or claim.fence > 1

    async def stop(self) -> None:
        """Write no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell(self) -> None:
        try:
            while self._said:
                async with self._writing:
                    await self._round()
                await asyncio.sleep(PACE_SECONDS)
        finally:
            self._task = None  # nothing is awaited since it was looked at

    async def _round(self) -> None:
        if self._looked_at is None or monotonic() - self._looked_at >= LOOK_SECONDS:
            await self._look()
            for claim in [one for one in self._said if _key(one) not in self._listened]:
                del self._said[claim]
        for claim in [one for one in self._said if _key(one) in self._listened]:
            await self._write(claim, self._said.pop(claim))

    async def _look(self) -> None:
        row = ConversationListener
        wanted = select(row.workspace_id, row.conversation_id).where(
            row.until > self._now(), row.process != self._process
        )
        try:
            async with self._database.system(write=False, quick=True) as session:
                self._listened = frozenset((one, of) for one, of in await session.execute(wanted))
        except (SQLAlchemyError, OSError) as error:
            _log.warning("who listens elsewhere is not known now: %s", error)
            self._listened = frozenset()
        self._looked_at = monotonic()

    async def _write(self, claim: Claim, said: list[_Said]) -> None:
        row, first = ConversationWords, claim.fence * _PIECES
        try:
            async with self._database.transaction(claim.workspace_id, write=True) as session:
                mine = select(ConversationTurn.id).where(*held(claim)).with_for_update(read=True)
                if await session.scalar(mine) is None:
                    self._written.pop(claim, None)
                    return  # another process goes on with it
                for (agent, after), pieces in groupby(said, key=itemgetter(0, 1)):
                    self._written[claim] += 1
                    session.add(
                        row(
                            id=new_id("wrd"),
                            conversation_id=claim.conversation_id,
                            turn_id=claim.turn_id,
                            process=self._process,
                            place=first + self._written[claim],
                            after_step=after,
                            agent=agent,
                            text="".join(text for _, _, text in pieces).replace("\0", ""),
                        )
                    )
                old = row.conversation_id == claim.conversation_id, row.turn_id == claim.turn_id
                last = first + self._written[claim] - KEPT
                await session.execute(delete(row).where(*old, row.place <= last))
        except (SQLAlchemyError, OSError, UnicodeError) as error:
            _log.warning("words of %s are not passed on: %s", claim.turn_id, error)


class Hearing:
    """Those who watch conversations in this process, and the words that reach them from others."""

    def __init__(self, database: Database, watchers: Watchers, updates: Updates, process: str, now: Now) -> None:
        self._database = database
        self._watchers = watchers
        self._updates = updates
        self._process = process
        self._now = now
        self._watched: Counter[_Key] = Counter()
        self._rows: dict[_Key, str] = {}
        self._heard: dict[_Key, dict[str, int]] = {}  # the last place of each turn
        self._renewed_at = monotonic()
        self._changing = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def watching(self, workspace_id: str, conversation_id: str) -> AsyncGenerator[Watcher, None]:
        """Somebody who hears of a conversation wherever its turns run, of what is kept and what is being written.
        Raises LimitExceeded, Unavailable."""
        watcher, topic = self._watchers.add(conversation_id), (workspace_id, conversation_id)
        try:
            await self._updates.add(topic, conversation_id, watcher)
            try:
                async with self._listening(topic):
                    yield watcher
            finally:
                self._updates.remove(topic, conversation_id, watcher)
        finally:
            self._watchers.remove(conversation_id, watcher)

    async def look(self) -> None:
        """Bring what was written down until now, of all that is watched here."""
        async with self._looking:
            if not self._rows:
                return
            among = _word.conversation_id.in_([conversation_id for _, conversation_id in self._rows])
            wanted = _FROM_OTHERS.where(among, _word.process != self._process)
            async with self._database.system(write=False, quick=True) as session:
                self._bring((await session.execute(wanted)).all())

    async def look_at(self, workspace_id: str, conversation_id: str) -> None:
        """Bring what was written down until now of one conversation. Whoever watches it asks after every step, so what
        that costs must not grow with how many others are watched."""
        async with self._looking:
            if (workspace_id, conversation_id) not in self._rows:
                return
            asked = {"conversation": conversation_id, "process": self._process}
            async with self._database.transaction(workspace_id, write=False, quick=True) as session:
                self._bring(await _OF_ONE.rows(session, asked))

    async def stop(self) -> None:
        """Hear no more."""
        self._watched.clear()
        self._wake.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _bring(self, found: Sequence[Sequence[Any]]) -> None:
        for workspace_id, conversation_id, turn_id, place, agent, text, after in found:
            heard = self._heard.get((workspace_id, conversation_id))
            if heard is not None and place > heard.get(turn_id, 0):
                heard[turn_id] = place
                self._watchers.delta(conversation_id, Delta(turn_id, agent, text, after))

    @contextlib.asynccontextmanager
    async def _listening(self, key: _Key) -> AsyncGenerator[None, None]:
        self._watched[key] += 1
        try:
            async with self._changing:
                if key not in self._rows:
                    await self._begin(key)
            if self._task is None:
                self._task = asyncio.create_task(self._hear(), name="words of other processes")
            yield
        finally:
            self._watched[key] -= 1
            if self._watched[key] <= 0:
                del self._watched[key]
            self._wake.set()

    async def _begin(self, key: _Key) -> None:
        """Say that somebody listens, if there is such a conversation. What is being written already is not told
        again."""
        workspace_id, conversation_id = key
        row, words = ConversationListener, ConversationWords
        there = select(words.turn_id, func.max(words.place)).where(words.conversation_id == conversation_id)
        async with self._database.transaction(workspace_id, write=True) as session:
            if await session.get(Conversation, key) is None:
                return
            listener = row(
                id=new_id("lsn"),
                conversation_id=conversation_id,
                process=self._process,
                until=self._now() + COUNTS,
            )
            session.add(listener)
            await session.flush()
            found = await session.execute(there.group_by(words.turn_id))
            before = {turn_id: int(place) for turn_id, place in found}
        self._rows[key], self._heard[key] = listener.id, before

    async def _hear(self) -> None:
        try:
            while self._watched or self._rows:
                self._wake.clear()
                try:
                    async with self._changing:
                        await self._tidy()
                    await self.look()
                except (SQLAlchemyError, OSError) as error:
                    _log.warning("words of other processes cannot be read now: %s", error)
                    if not self._watched:  # the rows end by themselves
                        self._rows.clear()
                        self._heard.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), HEAR_SECONDS)
        finally:
            self._task = None

    async def _tidy(self) -> None:
        """Take back what nobody here listens to any more, and say again what somebody does."""
        row = ConversationListener
        gone = [key for key in self._rows if key not in self._watched]
        renews = monotonic() - self._renewed_at >= RENEW_SECONDS
        if not gone and not renews:
            return
        async with self._database.system(write=True) as session:
            ids = [self._rows[key] for key in gone]
            await session.execute(delete(row).where((row.id.in_(ids)) | (row.until < self._now() - COUNTS)))
            mine = update(row).where(row.process == self._process).values(until=self._now() + COUNTS)
            renewed = mine.returning(row.id).execution_options(synchronize_session=False)
            there = set(await session.scalars(renewed))
        lost = [key for key, row_id in self._rows.items() if row_id not in there and key not in gone]
        for key in (*gone, *lost):
            del self._rows[key], self._heard[key]
        self._renewed_at = monotonic()
        for key in lost:  # another process took it for that of one that has died
            await self._begin(key)


def _key(claim: Claim) -> _Key:
    return claim.workspace_id, claim.conversation_id
