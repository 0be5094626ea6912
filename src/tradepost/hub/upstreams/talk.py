"""What a server says and asks while a call runs, and how that reaches the client behind the call.

All of it is outsiders' text: cleaned, capped, without the credential, and limited in number. A server may ask only what
the client said it takes. Where the two speak different eras, questions are translated: a server of the newer one asks
by its result and is called again with the answers, a client of the older one is asked during its call. A server of the
older one that asks a client of the newer one is kept waiting (`Hold`) until that client comes back with its answer.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final, Protocol, Unpack

from tradepost.foundation.canonical import MAX_DEPTH
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.nesting import deeper_than
from tradepost.foundation.untrusted import clean
from tradepost.hub.upstreams.redaction import MASK, redact
from tradepost.protocol.channel import LOG, PROGRESS
from tradepost.protocol.hosting import NO_EXTRAS, CallExtras, ClientChannel
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.modern import LOG_LEVEL_META
from tradepost.protocol.options import Beside, Options
from tradepost.protocol.upstream_errors import MissingCapability, UpstreamFailed

MAX_NOTIFICATIONS = 1_000  # of one call; more are dropped
MAX_TEXT = 2_000
MAX_ROUNDS = 10
MAX_SECRETS = 8  # of one call that are kept out of answers: older ones are worth nothing any more
MAX_QUESTIONS = 20  # of one call: each may take a person's time, which does not count as the server's

CAPABILITY_FOR: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}


# What a request carries of its caller, and what of that nobody else may see.
Tells = Callable[[], tuple[Beside, str | None]]


class Hold(Protocol):
    """What keeps a call going while its client is away to answer. `channel` reaches the client while it waits."""

    @property
    def channel(self) -> ClientChannel | None: ...

    async def ask(self, method: str, params: Json) -> Json: ...


class Talk:
    """Of one call. Without extras that reach a client, everything is dropped and every question refused. `retry` is
    what a client that was asked before sends with its call: `inputResponses` and the server's own `requestState`.
    With a `hold`, a client that answers by a retry can be asked during the call, too. Texts of a server that is trusted
    with them are not cleaned: `cleans` is False then. `beside` gives what each request to the server carries of the
    caller; what of it is a secret is in `secrets` from then on."""

    def __init__(
        self,
        extras: CallExtras = NO_EXTRAS,
        retry: Json | None = None,
        hold: Hold | None = None,
        *,
        cleans: bool = True,
        beside: Tells | None = None,
    ) -> None:
        self._beside = beside
        self._secrets: tuple[str, ...] = ()
        self._given = extras.channel
        self._hold = hold
        self.takes_rounds = extras.rounds
        self.takes_tasks = extras.takes_tasks
        declared = extras.client_capabilities
        self._declared = (
            {name: declared[name] for name in CAPABILITY_FOR.values() if name in declared} if declared else {}
        )
        self._retry = retry
        self._told = 0
        self._rounds = 0
        self._asked = 0
        self._asking: asyncio.Lock | None = None
        self._clean = cleaned_value if cleans else _as_it_is
        self.asked_again = False
        self.waited_seconds = 0.0  # for answers

    @property
    def _channel(self) -> ClientChannel | None:
        return self._given if self._hold is None else self._hold.channel

    @property
    def asks_in_call(self) -> bool:
        """Whether the client takes questions while its call runs: then it is best to talk to the server in the older
        era, if that has it too."""
        channel = self._channel
        if channel is None or (self.takes_rounds and self._hold is None):
            return False
        return any(channel.can_ask(method) for method in CAPABILITY_FOR)

    def options(self, hidden: tuple[str, ...], **given: Unpack[Options]) -> Options:
        """What the client of the server needs beside what is given. `hidden` are the secrets of the connection."""

        async def hear(message: Json) -> Json | None:
            return await self._hear(message, self.hidden(hidden))

        capabilities = self._declared if self.takes_rounds or self.asks_in_call else {}
        options: Options = {**given, "on_message": hear, "capabilities": capabilities, "retry": self._retry}
        if self._beside is not None:
            options["beside"] = self.beside()
        return options

    def beside(self) -> Beside | None:
        """What the next request carries of the caller."""
        if self._beside is None:
            return None
        told, secret = self._beside()
        if secret is not None:
            self._secrets = (*self._secrets, secret)[-MAX_SECRETS:]
        return told

    def hidden(self, connection_secrets: tuple[str, ...]) -> tuple[str, ...]:
        """What must not come back from the server: the secrets of the connection, and those of this call."""
        return (*self._secrets, *connection_secrets) if self._secrets else connection_secrets

    def meta(self) -> Json | None:
        """What the server is told that the client wants to hear."""
        channel = self._channel
        if channel is None or not (channel.wants_progress or channel.log_level):
            return None
        meta: Json = {}
        if channel.wants_progress:
            meta["progressToken"] = secrets.token_urlsafe(9)
        if channel.log_level:
            meta[LOG_LEVEL_META] = channel.log_level
        return meta

    def require_capabilities(self, requests: Json) -> None:
        """Raises MissingCapability for questions of a task that its client cannot answer."""
        needed = {CAPABILITY_FOR[request["method"]] for request in requests.values()}
        missing = sorted(needed - self._declared.keys())
        if missing:
            raise MissingCapability({name: {} for name in missing})

    async def questions(self, result: Json, hidden: tuple[str, ...]) -> Json | None:
        """The result that asks for input, to be passed on to a client that answers with its retry. None for any other
        result, and None when the client was asked during its call: `asked_again` tells the two apart, for then the
        server is to be called again. Raises UpstreamFailed for questions that this client does not take."""
        self.asked_again = False
        if not asks_back(result):
            return None
        asked = requests_in(result)
        for request in asked.values():
            if not self._takes(request["method"], request.get("params") or {}):
                raise _cannot(request["method"])
        if self.takes_rounds:
            state = {"requestState": result["requestState"]} if "requestState" in result else {}  # goes back as it is
            return {"resultType": "input_required", "inputRequests": self._clean(redact(asked, hidden)), **state}
        responses = await self.answers(asked, hidden)
        self._retry = {"inputResponses": responses} if asked else {}
        if "requestState" in result:
            self._retry["requestState"] = result["requestState"]
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            raise UpstreamFailed(f"The server asked more than {MAX_ROUNDS} times.", dispatched=True, answered=True)
        self.asked_again = True
        return None

    async def answers(self, asked: Json, hidden: tuple[str, ...]) -> Json:
        """What a client that is asked during its call says to these questions. Raises UpstreamFailed for one that it
        does not answer."""
        responses: Json = {}
        for name, request in asked.items():
            reply = await self._ask(request["method"], request.get("params") or {}, hidden)
            if reply is None or "result" not in reply:
                raise _cannot(request["method"])
            responses[name] = reply["result"]
        return responses

    # ---

    async def _hear(self, message: Json, hidden: tuple[str, ...]) -> Json | None:
        method, params = message["method"], message.get("params")
        params = params if isinstance(params, dict) else {}
        if "id" in message:
            return await self._ask(method, params, hidden)
        self._told += 1
        if self._channel is None or self._told > MAX_NOTIFICATIONS:
            return None
        if method == PROGRESS:
            numbers = {key: params[key] for key in ("progress", "total") if isinstance(params.get(key), int | float)}
            if "progress" in numbers:
                await self._channel.notify(PROGRESS, {**numbers, **self._texts(params, ("message",), hidden)})
        elif method == LOG:
            shown = {
                "data": self._clean(redact(params.get("data"), hidden)),
                **self._texts(params, ("level", "logger"), hidden),
            }
            await self._channel.notify(LOG, shown)
        return None

    async def _ask(self, method: str, params: Json, hidden: tuple[str, ...]) -> Json | None:
        """The client's reply, None where it cannot be asked."""
        channel, hold = self._channel, self._hold
        if method not in CAPABILITY_FOR or (_is_by_url(method, params) and not self._takes(method, params)):
            return None
        if channel is not None and channel.can_ask(method):
            ask = channel.ask
        elif hold is not None and CAPABILITY_FOR[method] in self._declared:
            ask = hold.ask
        else:
            return None
        self._asked += 1
        if self._asked > MAX_QUESTIONS:
            return None
        shown = {name: value for name, value in params.items() if name != "_meta"}
        if self._asking is None:
            self._asking = asyncio.Lock()
        async with self._asking:  # one after the other: a server may also ask beside the answer to the call
            began = monotonic()
            try:
                return await ask(method, self._clean(redact(shown, hidden)))
            except TradepostError:
                return None
            finally:
                self.waited_seconds += monotonic() - began

    def _takes(self, method: str, params: Json) -> bool:
        """Whether the client declared what a question needs."""
        declared = self._declared.get(CAPABILITY_FOR[method])
        if _is_by_url(method, params):
            return isinstance(declared, dict) and "url" in declared
        return declared is not None

    def _texts(self, params: Mapping[str, Any], names: tuple[str, ...], hidden: tuple[str, ...]) -> Json:
        given = {name: params[name] for name in names if isinstance(params.get(name), str)}
        return dict(self._clean(redact(given, hidden)))


def asks_back(result: Json) -> bool:
    """Whether a result is questions."""
    return result.get("resultType") == "input_required"


def requests_in(result: Json) -> dict[str, Json]:
    """The questions in a result that asks for input. Raises UpstreamFailed for a form that is none."""
    asked = result.get("inputRequests", {})
    fits = isinstance(asked, dict) and all(
        isinstance(request, dict)
        and request.get("method") in CAPABILITY_FOR
        and isinstance(request.get("params", {}), dict)
        for request in asked.values()
    )
    state = result.get("requestState")
    if not fits or not (asked or state is not None) or not isinstance(state, str | None):
        raise UpstreamFailed("The server asked for input in a form that is none.", dispatched=True, answered=True)
    return dict(asked)


def _is_by_url(method: str, params: Json) -> bool:
    """Whether a person is to be led to a page: not every client that shows forms does that."""
    return method == "elicitation/create" and params.get("mode") == "url"


def _cannot(method: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"The server asks its client for something ({method}) that this client does not offer.",
        dispatched=True,
        answered=True,
        hint=f"Use a client with the capability '{CAPABILITY_FOR[method]}' for this tool, or another tool.",
    )


def _as_it_is(value: Any) -> Any:
    """The value itself, unless it is nested deeper than any message may be."""
    return cleaned_value(value) if deeper_than(value, MAX_DEPTH) else value


def cleaned_value(value: Any, levels: int = MAX_DEPTH) -> Any:
    """Every text cleaned and cut; what is nested deeper than any message may be is left out."""
    if isinstance(value, str):
        return clean(value, MAX_TEXT)
    if isinstance(value, dict | list) and levels == 0:
        return MASK
    if isinstance(value, list):
        return [cleaned_value(item, levels - 1) for item in value]
    if isinstance(value, dict):
        return {key: cleaned_value(inner, levels - 1) for key, inner in value.items()}
    return value
