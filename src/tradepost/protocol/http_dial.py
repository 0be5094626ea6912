"""Opening a connection to a server: the addresses that somebody has checked, one after the other, then TLS."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence

from tradepost.protocol.http_connection import HttpConnection
from tradepost.protocol.http_request import HttpUrl, unreachable
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

Addresses = Callable[[str, int], Awaitable[Sequence[str]]]
Tls = ssl.SSLContext | Callable[[], ssl.SSLContext] | None
MAX_ADDRESSES = 4
# By OpenSSL's number of what it found.
_CERTIFICATES = {
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by nobody but itself",
    19: "is signed by nobody who is trusted here",
    20: "is signed by nobody who is trusted here",
    62: "is for another name",
    64: "is for another address",
}


class Dialer:
    """`addresses` says which addresses of a host and port may be dialled, in which order (raises OSError for none); it
    is asked for each connection. `tls` says whose certificates count, or loads that when it is first needed, in a
    thread of its own; without it there is only http."""

    def __init__(self, addresses: Addresses, tls: Tls) -> None:
        self._addresses = addresses
        self._tls = tls

    async def dial(self, url: HttpUrl, make: Callable[[], HttpConnection], seconds: float) -> HttpConnection:
        """A connection that is ready for a request, TLS verified for the host of the URL. Raises UpstreamFailed,
        UpstreamTimedOut (not dispatched)."""
        if url.scheme == "https" and self._tls is None:
            raise unreachable()
        try:
            async with asyncio.timeout(seconds):
                connection = await self._dialled(url, make, seconds)
        except TimeoutError:
            raise UpstreamTimedOut(
                f"The server could not be reached within {seconds:g} seconds.", dispatched=False
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise _not_trusted(error) from error
        except (OSError, UnicodeError):
            # The same for a private address and a closed port.
            raise unreachable() from None
        if not connection.usable:
            raise unreachable()
        return connection

    async def _dialled(self, url: HttpUrl, make: Callable[[], HttpConnection], seconds: float) -> HttpConnection:
        """Each address has its share of the time. Raises OSError, TimeoutError."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        failure = OSError("no address")
        addresses = (await self._addresses(url.host, url.port))[:MAX_ADDRESSES]
        tls, name = (await self._certificates(), url.host) if url.scheme == "https" else (None, None)
        for number, address in enumerate(addresses):
            try:
                async with asyncio.timeout((end - loop.time()) / (len(addresses) - number)):
                    # The address is a literal: nothing is resolved between the check and the connection.
                    return (await loop.create_connection(make, address, url.port, ssl=tls, server_hostname=name))[1]
            except OSError as error:  # TimeoutError is one
                failure = error
        raise failure

    async def _certificates(self) -> ssl.SSLContext | None:
        if callable(self._tls):
            self._tls = await asyncio.to_thread(self._tls)
        return self._tls


def flaw_of_certificate(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate: "has expired"."""
    return _CERTIFICATES.get(error.verify_code, "cannot be trusted")


def _not_trusted(error: ssl.SSLCertVerificationError) -> UpstreamFailed:
    """That somebody listens there is no secret: the address was allowed."""
    return UpstreamFailed(
        f"The server's certificate {flaw_of_certificate(error)}.",
        dispatched=False,
        hint="Nothing was sent. Its owner has to mend it.",
    )
