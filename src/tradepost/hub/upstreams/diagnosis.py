"""Why a server could not be reached, in one sentence for the admin who tests it: its name, its port, its certificate.

Looked at once more, by addresses that the guard allows and by no other: what is refused says the same whether or not
anything listens there.
"""

import asyncio
import ssl

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.guard import Guard, Origin, read_url
from tradepost.protocol.http_dial import flaw_of_certificate

SECONDS = 3.0


async def why_unreachable(guard: Guard, url: str, tls: ssl.SSLContext | None = None) -> str | None:
    """The sentence; None where it can be reached now. `tls` says whose certificates count, where it is not the usual
    authorities."""
    try:
        origin = read_url(url)
        await guard.check(url)
        address = str((await guard.addresses(origin.host, origin.port))[0])
    except InvalidArgument as refused:
        return refused.message
    except (OSError, UnicodeError):
        return f"The name '{_host(url)}' cannot be resolved."
    try:
        async with asyncio.timeout(SECONDS):
            secure = (tls or ssl.create_default_context()) if origin.scheme == "https" else None
            name = origin.host if secure is not None else None
            _, writer = await asyncio.open_connection(address, origin.port, ssl=secure, server_hostname=name)
        writer.close()
    except TimeoutError:
        return f"Nothing answers at {_place(origin)} within {SECONDS:g} seconds."
    except ssl.SSLCertVerificationError as wrong:
        return f"The certificate of {origin.host} {flaw_of_certificate(wrong)}."
    except ssl.SSLError:
        return f"What listens at {_place(origin)} does not speak TLS."
    except ConnectionRefusedError:
        return f"Nothing listens at {_place(origin)}."
    except OSError as wrong:
        return f"{_place(origin)} cannot be reached: {wrong.strerror or type(wrong).__name__}."
    return None


def _place(origin: Origin) -> str:
    return f"{origin.host}, port {origin.port}"


def _host(url: str) -> str:
    return read_url(url).host
