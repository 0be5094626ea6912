"""The resources that are watched over one connection to a server, and whether it has agreed to tell of each."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

Agreement = asyncio.Future[bool]


class Watched:
    """By URI, with the agreement that those who asked for it wait for. `updated` is told a URI that has changed, or may
    have."""

    def __init__(self, updated: Callable[[str], None]) -> None:
        self._updated = updated
        self._agreements: dict[str, Agreement] = {}
        self._missed = False

    def __len__(self) -> int:
        return len(self._agreements)

    @property
    def uris(self) -> list[str]:
        """All of them."""
        return list(self._agreements)

    @property
    def agreed(self) -> list[str]:
        """Those of which the server has agreed to tell."""
        return [uri for uri, agreement in self._agreements.items() if agreement.done()]

    def agreement(self, uri: str) -> Agreement | None:
        """The agreement about a URI; None for one that is not watched."""
        return self._agreements.get(uri)

    def begin(self, uri: str) -> Agreement:
        """Watch one more; the agreement is to come."""
        agreement = self._agreements[uri] = asyncio.get_running_loop().create_future()
        agreement.add_done_callback(seen)
        return agreement

    def keep(self, uris: Iterable[str]) -> None:
        """Watch what was watched over another connection before: whatever changed in between was missed."""
        self._missed = True
        for uri in uris:
            if uri not in self._agreements:
                self.begin(uri).set_result(True)

    def remove(self, uri: str) -> bool:
        """Watch one no more. False when it was not watched."""
        agreement = self._agreements.pop(uri, None)
        if agreement is not None and not agreement.done():
            agreement.set_exception(
                UpstreamFailed("The connection to the server was changed at this moment.", dispatched=False)
            )
        return agreement is not None

    def settle(self, uri: str, accepted: bool) -> None:
        """The server has said whether it tells of a URI."""
        if not accepted:
            self.give_up(uri, None)
            return
        agreement = self._agreements.get(uri)
        if agreement is not None and not agreement.done():
            agreement.set_result(True)

    def give_up(self, uri: str, error: UpstreamFailed | None) -> None:
        """The server does not, or no longer, tell of it. Who watched it reads it again and sees for himself."""
        agreement = self._agreements.pop(uri, None)
        if agreement is None:
            return
        if agreement.done():
            self._updated(uri)
        elif error is None or error.rpc_code == METHOD_NOT_FOUND:
            agreement.set_result(False)
        else:
            agreement.set_exception(error)

    def fail_new(self, error: UpstreamFailed | UpstreamTimedOut) -> None:
        """Those who wait hear that it did not work; those who were told before wait for the next attempt."""
        for uri, agreement in list(self._agreements.items()):
            if not agreement.done():
                agreement.set_exception(error)
                del self._agreements[uri]

    def lost(self) -> None:
        """The stream is gone: what changes from now on is missed."""
        self._missed = self._missed or bool(self._agreements)

    def tell_what_was_missed(self) -> None:
        """The stream is there again: whatever is watched may have changed meanwhile."""
        if self._missed:
            self._missed = False
            for uri in self.uris:
                self._updated(uri)

    def tell(self, uri: object) -> None:
        """The server says that a resource changed."""
        if isinstance(uri, str) and uri in self._agreements:
            self._updated(uri)


def seen(ended: "asyncio.Future[Any]") -> None:
    """Take note of a failure, so that nobody complains that nobody did."""
    if not ended.cancelled():
        ended.exception()
