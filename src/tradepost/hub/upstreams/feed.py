"""What one server says of its own accord, over one connection: which of the resources that are watched changed, and
that its lists did.

One stream per server and credential, in the server's own era: the session's own, with a subscription per resource, or
the answer to `subscriptions/listen`, asked for anew whenever the resources are others. What breaks is opened again
after a pause; whatever may have been missed meanwhile counts as changed.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol

from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.upstreams.oauth.errors import NotConnected
from tradepost.hub.upstreams.pump import Pump, Pumps, goes_on
from tradepost.hub.upstreams.watched import Watched
from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND
from tradepost.protocol.notices import LISTS_CHANGED, UPDATED, Notices, params_of
from tradepost.protocol.server_identity import ServerIdentity
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

logger = logging.getLogger(__name__)

MOST_WATCHED = 500  # resources of one server with one credential
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 10.0  # a stream that held so long begins with the first pause again
FINISH_SECONDS = 3.0


class Speaker(Protocol):
    """A server that can be heard; McpClient satisfies it."""

    @property
    def session(self) -> tuple[int, str | None]: ...

    async def connect(self) -> ServerIdentity: ...

    async def listen(self, uris: Sequence[str], *, lists: bool) -> tuple[Notices, frozenset[str]]: ...

    async def session_notices(self, after: str | None = None) -> Notices: ...

    async def subscribe(self, uri: str, *, ending: bool = False) -> None: ...

    def answer(self, message: dict[str, Any], session: tuple[int, str | None] | None) -> None: ...


class Feed:
    """Hears one server. `updated` is told a URI, `lists_changed` that some list did. It runs as long as a resource is
    watched, the server says of itself that it tells when lists change, or it keeps a session, in whose stream it may
    ask something during a call. That over a person's account (`of_person`) gives up what is watched once nobody is
    connected."""

    def __init__(
        self,
        client: Speaker,
        updated: Callable[[str], None],
        lists_changed: Callable[[], None],
        name: str,
        *,
        of_person: bool = False,
    ) -> None:
        self.client = client
        self._lists_changed = lists_changed
        self.name = name
        self._of_person = of_person
        self._watched = Watched(updated)
        self._wants_lists = False
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pumps = Pumps(self._hear, name)
        self._subscribed: set[str] = set()
        self._session: tuple[int, str | None] | None = None
        self._last_id: str | None = None
        self._retry: float | None = None  # how long the server wants to be left alone, where its stream is gone on with

    async def add(self, uri: str) -> bool:
        """Watch a resource; again is once. False when the server does not tell of its changes. Raises LimitExceeded,
        and what the server refuses it with: UpstreamFailed, UpstreamTimedOut."""
        agreement = self._watched.agreement(uri)
        if agreement is None:
            if len(self._watched) >= MOST_WATCHED:
                raise LimitExceeded(
                    f"At most {MOST_WATCHED} resources of the server '{self.name}' can be watched at once.",
                    hint="Read it again when you need it.",
                )
            agreement = self._watched.begin(uri)
            self._stir()
        return await asyncio.shield(agreement)

    def remove(self, uri: str) -> None:
        """Watch a resource no more."""
        if self._watched.remove(uri):
            self._stir()

    def keep(self, uris: Sequence[str]) -> None:
        """Watch what was watched over another connection before: whatever changed in between was missed."""
        self._watched.keep(uris)
        self._stir()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is watched, and nothing to be told of that any more."""
        return (self._task is None or self._task.done()) and not self._is_wanted()

    def hear_lists(self) -> None:
        """Hear of changed lists, if the server tells of them, and what it asks in its session."""
        self._wants_lists = True
        self._stir()

    async def finish(self) -> list[str]:
        """Tell the server that nothing is watched any more, and give what was."""
        agreed = self._watched.agreed
        for uri in self._watched.uris:
            self._watched.remove(uri)
        self._wants_lists = False
        self._changed.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=FINISH_SECONDS)
        await self.close()
        return agreed

    async def close(self) -> list[str]:
        """Hear no more. What was watched."""
        tasks = [task for task in (self._task, *self._pumps.running) if task is not None]
        self._task, agreed = None, self._watched.agreed
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for uri in self._watched.uris:
            self._watched.remove(uri)
        return agreed

    # --- one stream after the other ----------------------------------------------------------------------------

    def _stir(self) -> None:
        self._changed.set()
        if (self._task is None or self._task.done()) and self._is_wanted():
            self._task = asyncio.create_task(self._run(), name=f"what {self.name} says")

    def _is_wanted(self) -> bool:
        return bool(self._watched) or self._wants_lists

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._is_wanted():
            began, self._retry = monotonic(), None
            self._changed.clear()
            try:
                identity = await self.client.connect()
                await (self._listen(identity) if identity.era == "modern" else self._follow(identity))
            except (UpstreamFailed, UpstreamTimedOut) as error:
                logger.info("the stream of %s broke: %s", self.name, error.message)
                if self._of_person and isinstance(error, NotConnected):
                    for uri in self._watched.uris:
                        self._watched.give_up(uri, error)
                self._watched.fail_new(error)
            if not self._is_wanted():
                break
            if self._retry is not None:
                await asyncio.sleep(min(self._retry, LONGEST_PAUSE_SECONDS))
                continue
            pause = FIRST_PAUSE_SECONDS if monotonic() - began > STEADY_SECONDS else pause
            await self._rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self._task = None

    async def _rest(self, seconds: float) -> None:
        """Wait before the next attempt, but not with somebody new who waits for it."""
        try:
            async with asyncio.timeout(seconds * random.uniform(0.8, 1.2)):  # noqa: S311 (only so that not all come at once)
                await self._changed.wait()
        except TimeoutError:
            return

    async def _listen(self, identity: ServerIdentity) -> None:
        """The newer era: a request that names all, and the next one when that changes."""
        self._wants_lists = self._wants_lists and _tells_of_lists(identity)
        asked: frozenset[str] | None = None
        pump: Pump | None = None
        try:
            while self._is_wanted():
                self._changed.clear()
                uris = frozenset(self._watched.uris)
                if uris != asked:
                    opened = await self._opened(sorted(uris))
                    if opened is None:
                        continue
                    stream, honored = opened
                    self._pumps.retire(pump)
                    pump, asked = self._pumps.start(stream), uris
                    for uri in uris:
                        self._watched.settle(uri, uri in honored)
                    self._watched.tell_what_was_missed()
                if pump is not None and not await goes_on(pump, self._changed):
                    return
        finally:
            self._watched.lost()
            self._pumps.retire(pump, 0.0)

    async def _opened(self, uris: Sequence[str]) -> tuple[Notices, frozenset[str]] | None:
        """A stream that tells of these. None when the server refused some, which are given up then. Raises
        UpstreamFailed, UpstreamTimedOut."""
        try:
            return await self.client.listen(uris, lists=self._wants_lists)
        except UpstreamFailed as error:
            if not error.answered:
                raise
            if not uris:
                self._wants_lists = False
                return None
            refused = await self._refused(uris, error)
            if not refused:
                raise
        for uri, why in refused.items():
            self._watched.give_up(uri, why)
        return None

    async def _refused(self, uris: Sequence[str], error: UpstreamFailed) -> dict[str, UpstreamFailed]:
        """Which ones the server refuses, and why, when it refuses them together."""
        if len(uris) == 1 or error.rpc_code == METHOD_NOT_FOUND:
            return dict.fromkeys(uris, error)
        refused: dict[str, UpstreamFailed] = {}
        for uri in uris:
            try:
                stream, _ = await self.client.listen([uri], lists=False)
            except UpstreamFailed as why:
                if not why.answered:
                    raise
                refused[uri] = why
            else:
                stream.close()
        return refused or dict.fromkeys((uri for uri in uris if uri not in self._watched.agreed), error)

    async def _follow(self, identity: ServerIdentity) -> None:
        """The older era: the session's own stream, and a subscription for each."""
        in_session = self.client.session[1] is not None
        self._wants_lists = self._wants_lists and (in_session or _tells_of_lists(identity))
        if not tells_of_updates(identity):
            for uri in self._watched.uris:
                self._watched.give_up(uri, None)
        if not self._is_wanted():
            return
        if self.client.session != self._session:
            if self._subscribed:
                self._watched.lost()
            self._subscribed, self._last_id, self._session = set(), None, self.client.session
        elif self._last_id is None and self._subscribed:
            self._watched.lost()
        try:
            stream = await self.client.session_notices(self._last_id)
        except UpstreamFailed as error:
            if not error.answered or error.status in (404, 429) or self._last_id is not None:
                self._last_id = None
                raise
            self._wants_lists = False  # it has no such stream
            for uri in self._watched.uris:
                self._watched.give_up(uri, None)
            return
        pump = self._pumps.start(stream)
        try:
            while self._is_wanted():
                self._changed.clear()
                await self._subscribe()
                self._watched.tell_what_was_missed()
                if self.client.session != self._session:
                    return
                if not await goes_on(pump, self._changed):
                    if stream.last_id is not None:  # it ends its stream to be asked again later
                        self._retry = max(FIRST_PAUSE_SECONDS, stream.retry_seconds or 0.0)
                    return
            await self._subscribe()
        finally:
            self._last_id = stream.last_id
            self._pumps.retire(pump, 0.0)

    async def _subscribe(self) -> None:
        """Make what the server tells of what is watched."""
        for uri in self._watched.uris:
            if uri not in self._subscribed:
                try:
                    await self.client.subscribe(uri)
                except UpstreamFailed as error:
                    if not error.answered:
                        raise
                    self._watched.give_up(uri, error)
                    continue
                self._subscribed.add(uri)
            self._watched.settle(uri, True)
        for uri in self._subscribed.difference(self._watched.uris):
            self._subscribed.discard(uri)
            try:
                await self.client.subscribe(uri, ending=True)
            except UpstreamFailed as error:
                if not error.answered:
                    raise

    def _hear(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self.client.answer(message, self._session)
        elif message["method"] in LISTS_CHANGED:
            self._lists_changed()
        elif message["method"] == UPDATED:
            self._watched.tell(params_of(message).get("uri"))


def tells_of_updates(identity: ServerIdentity) -> bool:
    """Whether a server says of itself that its resources can be watched."""
    resources = identity.capabilities.get("resources")
    return isinstance(resources, dict) and resources.get("subscribe") is True


def _tells_of_lists(identity: ServerIdentity) -> bool:
    kinds = (identity.capabilities.get(kind) for kind in ("tools", "resources", "prompts"))
    return any(isinstance(kind, dict) and kind.get("listChanged") is True for kind in kinds)
