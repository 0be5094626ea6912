"""What a client carries between a call that was answered with questions and its retry, sealed: the server's own state,
or where the call is held.

It opens for the same principal, with the same call, for a while: nobody can change it, hand it on or use it elsewhere.
"""

import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.rotating import Rotating
from tradepost.hub.gateway.call import Call, Json

MINUTES = 30
_NONCE_BYTES = 12
_OWN = "the hub's own question"


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """Where a call waits for an answer: the process, its name for the call, the number of the question. `action_id` is
    that of a write, which tells what became of it when the process is not there any more."""

    process: str
    held_id: str
    number: int
    action_id: str | None


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question of the hub itself: whether the person who calls wants the write of this action as it looked in this
    round. The action has this key."""

    action_id: str
    key: str
    round: int


class RoundSeal:
    """Seals and opens `requestState`. `own` are secrets that are the same in every process; without them, this process
    has one until it ends."""

    def __init__(self, own: Rotating | None = None, now: Callable[[], float] = time.time) -> None:
        alone = (secrets.token_bytes(32),)
        self._secrets = own or (lambda: alone)
        self._now = now

    def sealed(self, call: Call, result: Json) -> Json:
        """An InputRequiredResult with its state sealed, where it has one."""
        if "requestState" not in result:
            return result
        state = {"state": result["requestState"], "server": _server(call)}
        return {**result, "requestState": self._token(call, state)}

    def question(self, call: Call, name: str, question: Json, held: HeldPlace) -> Json:
        """The InputRequiredResult that puts the question of a call that is held."""
        # A list, where a server's own state is an object: no server can name a place of ours.
        state = self._token(call, [held.process, held.held_id, held.number, held.action_id])
        return {"resultType": "input_required", "inputRequests": {name: question}, "requestState": state}

    def own_question(self, call: Call, name: str, question: Json, asked: OwnQuestion) -> Json:
        """The InputRequiredResult that puts a question of the hub's own."""
        # No process is called that, so none of a held call can be taken for it.
        state = self._token(call, [_OWN, asked.action_id, asked.key, asked.round])
        return {"resultType": "input_required", "inputRequests": {name: question}, "requestState": state}

    def _token(self, call: Call, state: Any) -> str:
        return self.seal(state, _place(call), MINUTES * 60)

    def opened(self, call: Call, token: str) -> str | HeldPlace | OwnQuestion:
        """The server's own state, or where the call is held. Raises WrongState for anything but what was given for
        this very call."""
        found = self._unsealed(token, _place(call))
        if found is None:
            raise _refused("is not one that was given for this call")
        state, until = found
        if self._now() > until:
            raise _refused(f"is older than {MINUTES} minutes")
        if isinstance(state, list):
            return OwnQuestion(*state[1:]) if state[0] == _OWN else HeldPlace(*state)
        if state["server"] != _server(call):
            # Another server has taken its place since: what the first one said stays between it and us.
            raise _refused("belongs to the server that asked, which does not serve this tool any more")
        return str(state["state"])

    def seal(self, content: Any, place: bytes, seconds: float) -> str:
        """A token with some plain JSON in it, that opens at this place for so long."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = orjson.dumps([content, int(self._now() + seconds)])
        return base64.urlsafe_b64encode(nonce + AESGCM(self._secrets()[0]).encrypt(nonce, text, place)).decode("ascii")

    def open(self, token: str, place: bytes) -> Any:
        """What is in a token; None for one that is not of this place, or is over."""
        found = self._unsealed(token, place)
        return found[0] if found is not None and self._now() <= found[1] else None

    def _unsealed(self, token: str, place: bytes) -> tuple[Any, int] | None:
        try:
            raw = _bytes_of(token)
        except (binascii.Error, ValueError):
            return None
        for secret in self._secrets():  # with which of them it was sealed does not stand in it
            try:
                content, until = orjson.loads(AESGCM(secret).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place))
            except (InvalidTag, ValueError):
                continue
            return content, until
        return None


def _bytes_of(token: str) -> bytes:
    """Only the one spelling that `sealed` gave: base64 would let the last character vary."""
    raw = base64.b64decode(token.encode("ascii", "replace"), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).decode("ascii") != token:
        raise ValueError("not the canonical spelling")
    return raw


class WrongState(InvalidArgument):
    """A `requestState` that was not given for this call."""


def _refused(what: str) -> WrongState:
    return WrongState(f"The requestState {what}.", hint="Begin again: make the call without it.", field="requestState")


def _server(call: Call) -> str | None:
    return call.entry.server_id if call.entry is not None else None


def _place(call: Call) -> bytes:
    principal = call.caller.principal
    who = [call.caller.workspace_id, principal.kind, principal.id]
    arguments = hashlib.sha256(canonical(call.arguments)).hexdigest()
    return canonical([*who, call.kind, call.server or "", call.name, arguments])
