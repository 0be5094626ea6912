"""Mail by SMTP."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tradepost.commerce.outbound.files import mail_of
from tradepost.commerce.outbound.ports import Outcome, Refused, Unreachable
from tradepost.foundation.errors import SetupError

TIMEOUT_SECONDS = 20
PERMANENT = range(500, 600)


@dataclass(frozen=True)
class SmtpAccount:
    """Where mail goes out and as whom."""

    host: str
    port: int
    sender: str
    user: str | None
    password: str | None
    security: str  # "tls": from the first byte; "starttls": asked for; "none": only to this machine


def parse_mail_url(url: str) -> SmtpAccount:
    """smtp://user:password@host:587?from=shop@example.com (STARTTLS), smtps://… (TLS from the start), or
    smtp://localhost:25?from=… without either. Raises SetupError."""
    parts = urlsplit(url)
    sender = parse_qs(parts.query).get("from", [""])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender:
        raise SetupError(
            "The mail URL cannot be used.",
            hint="Set TRADEPOST_MAIL_URL to smtp://user:password@host:587?from=shop@example.com or smtps://…",
        )
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    security = "tls" if parts.scheme == "smtps" else "none" if local and not parts.username else "starttls"
    return SmtpAccount(
        host=parts.hostname,
        port=parts.port or (465 if security == "tls" else 587 if security == "starttls" else 25),
        sender=sender,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        security=security,
    )


class SmtpMail:
    """One connection per mail: a shop sends few, and a kept one goes stale."""

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account

    async def send(self, _kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """Hand the mail to the server. Raises Refused where it will never take it, else Unreachable."""
        try:
            await asyncio.to_thread(self._deliver, key, request)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _judged(code, said) from error
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(f"The mail server {self._account.host} cannot be reached: {error}") from error
        return Outcome(reference=key)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _deliver(self, key: str, request: Mapping[str, Any]) -> None:
        account = self._account
        message = mail_of(account.sender, key, request)
        name = account.sender.rpartition("@")[2].rstrip(">")  # or Python asks the network what this machine is called
        if account.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                account.host, account.port, name, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(account.host, account.port, name, timeout=TIMEOUT_SECONDS)
        with server:
            if account.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if account.user:
                server.login(account.user, account.password or "")
            server.send_message(message)


def _judged(code: int, said: bytes | str) -> Exception:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kind = Refused if code in PERMANENT else Unreachable
    return kind(f"The mail server said {code} {words}"[:300])
