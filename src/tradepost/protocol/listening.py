"""`subscriptions/listen` of 2026-07-28: the answer to one request is a stream of what the client asked to hear.

The acknowledgement comes first and says what will be told: of the resources those that can be watched. A resource that
the caller may not read is refused with the error of reading it, and then there is no stream. Of a list it is told when
the caller itself sees another one than before.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.protocol.exchange import ClientGone, Exchange, Refused
from tradepost.protocol.headers import accepts
from tradepost.protocol.hosting import CallExtras, HostedCatalog
from tradepost.protocol.jsonrpc import Json, Message
from tradepost.protocol.list_changes import KINDS
from tradepost.protocol.methods import MAX_URI_CHARACTERS
from tradepost.protocol.notices import ACKNOWLEDGED, SUBSCRIPTION_META
from tradepost.protocol.sessions import owner_of
from tradepost.protocol.streams import OF_TASKS, Streams, View
from tradepost.protocol.task_methods import require_tasks
from tradepost.protocol.tasks import GET
from tradepost.protocol.updates import MOST_WATCHED, Mailbox, Updates

LISTEN = "subscriptions/listen"


class PlainShape(Protocol):
    """How the era dresses the last message of a stream."""

    def plain(self, result: Json) -> bytes: ...


class Listening:
    """Serves listening clients; nothing of them is left when they are gone."""

    def __init__(self, host: HostedCatalog, updates: Updates, streams: Streams) -> None:
        self._host = host
        self._updates = updates
        self._streams = streams

    async def listen(
        self,
        caller: Caller,
        server: str | None,
        message: Message,
        exchange: Exchange,
        shape: PlainShape,
        declared: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Stream until an end; the result when this side ended it. Raises Refused, TradepostError before the first
        message, ClientGone when the client ended it."""
        if not accepts(exchange.headers.get("accept"), "text/event-stream"):
            raise Refused(406, f"{LISTEN} is answered by an event stream: send Accept: text/event-stream.")
        wanted = _wanted(message.params)
        uris, kinds, tasks = _resources(wanted), _lists(wanted), _tasks(wanted, declared)
        meta: Json = {SUBSCRIPTION_META: message.id}
        owner = owner_of(caller)
        mailbox = Mailbox(self._updates)
        with self._streams.place(owner):
            try:
                for uri in uris:
                    record = await self._host.watch(caller, server, uri)
                    if record is not None:  # else the acknowledgement leaves it out
                        await mailbox.watch(uri, (caller.workspace_id, record))
                if kinds:
                    marks = await self._host.list_marks(caller, server)
                    mailbox.hear_lists(caller.workspace_id, {KINDS[kind]: marks[KINDS[kind]] for kind in kinds})
                honored: Json = dict.fromkeys(kinds, True)
                if mailbox.uris:
                    honored["resourceSubscriptions"] = mailbox.uris
                told = [task_id for task_id in tasks if await self._hear_of(caller, server, mailbox, task_id)]
                if told:
                    honored["taskIds"] = told
                await exchange.event(_notification(ACKNOWLEDGED, {"notifications": honored}, meta))
                ended_here = await self._streams.serve(
                    exchange,
                    mailbox,
                    lambda: self._check(exchange, owner, server, CallExtras(client_capabilities=declared, rounds=True)),
                    lambda method, params: _notification(method, params, meta),
                )
            finally:
                mailbox.end()
        if not ended_here:
            raise ClientGone
        return shape.plain({"_meta": meta})

    async def _hear_of(self, caller: Caller, server: str | None, mailbox: Mailbox, task_id: str) -> bool:
        """Whether the client will hear of a task: of one of its own that leaves a record here. It hears at once how it
        stands, so that nothing is missed between its call and this."""
        record = await self._host.watch_task(caller, server, task_id)
        if record is None:
            return False
        await mailbox.watch(OF_TASKS + task_id, (caller.workspace_id, record))
        mailbox.tell(OF_TASKS + task_id)
        return True

    async def _check(self, exchange: Exchange, owner: str, server: str | None, extras: CallExtras) -> View | None:
        try:
            caller = await self._host.authenticate(exchange.arrival())
        except TradepostError:
            return None
        if owner_of(caller) != owner:
            return None

        async def task(task_id: str) -> Json | None:
            try:
                return await self._host.ask_task(caller, server, GET, task_id, extras)
            except TradepostError:
                return None

        return View(partial(self._host.may_read, caller, server), partial(self._host.list_marks, caller, server), task)


def _wanted(params: Mapping[str, Any]) -> Json:
    wanted = params.get("notifications")
    if not isinstance(wanted, dict):
        raise InvalidArgument("params.notifications must be an object: what to hear of.", field="notifications")
    return wanted


def _lists(wanted: Json) -> list[str]:
    """The kinds of lists the client wants to hear of."""
    for kind in KINDS:
        if not isinstance(wanted.get(kind), bool | None):
            raise InvalidArgument(f"notifications.{kind} is true or false.", field=f"notifications.{kind}")
    return [kind for kind in KINDS if wanted.get(kind)]


def _tasks(wanted: Json, declared: Mapping[str, Any] | None) -> list[str]:
    """The ids of tasks the client wants to hear of. Raises Refusal (-32021) for one that did not declare the
    extension."""
    if "taskIds" not in wanted:
        return []
    require_tasks(declared)
    ids = wanted["taskIds"]
    if not isinstance(ids, list) or len(ids) > MOST_WATCHED or not all(isinstance(task_id, str) for task_id in ids):
        raise InvalidArgument(f"notifications.taskIds is a list of at most {MOST_WATCHED} ids.", field="taskIds")
    return list(dict.fromkeys(ids))


def _resources(wanted: Json) -> list[str]:
    """The URIs the client wants to hear of, each once."""
    uris = wanted.get("resourceSubscriptions") or []
    field = "notifications.resourceSubscriptions"
    if not isinstance(uris, list) or not all(
        isinstance(uri, str) and 0 < len(uri) <= MAX_URI_CHARACTERS for uri in uris
    ):
        raise InvalidArgument(f"{field} is a list of URIs.", field=field)
    if len(set(uris)) > MOST_WATCHED:
        raise InvalidArgument(f"{field} has more than {MOST_WATCHED} URIs.", hint="Open several streams.", field=field)
    return list(dict.fromkeys(uris))


def _notification(method: str, params: Json, meta: Json) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "method": method, "params": {"_meta": meta, **params}})
