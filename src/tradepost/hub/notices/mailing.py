"""Mails by SMTP: an account as a URL, one connection per mail."""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from tradepost.foundation.errors import SetupError
from tradepost.hub.notices.failures import NotSent

SECONDS = 20.0
_PERMANENT = range(500, 600)
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Where mail goes out and as whom. `security`: "tls" from the first byte, "starttls", or "none" on this machine."""

    host: str
    port: int
    sender: str
    user: str | None
    password: str | None = field(repr=False)
    security: str


def read_account(url: str, password: str = "") -> MailAccount:
    """smtp://user:password@host:587?from=hub@example.com (STARTTLS), smtps://… (TLS from the start), or
    smtp://localhost:25?from=… without either. A `password` beside it counts more. Raises SetupError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unusable() from None
    sender = parse_qs(parts.query).get("from", [""])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender or not sender.isprintable():
        raise _unusable()
    here = parts.hostname in _LOCAL and not parts.username
    security = "tls" if parts.scheme == "smtps" else "none" if here else "starttls"
    return MailAccount(
        host=parts.hostname,
        port=port or {"tls": 465, "starttls": 587, "none": 25}[security],
        sender=sender,
        user=unquote(parts.username) if parts.username else None,
        password=password or (unquote(parts.password) if parts.password else None),
        security=security,
    )


class Mailer:
    """Sends mails. `tls` says whose certificates count, where it is not the usual authorities."""

    def __init__(self, account: MailAccount, tls: ssl.SSLContext | None = None) -> None:
        self.account = account
        self._tls = tls

    async def send(self, notice_id: str, to: str, subject: str, text: str) -> None:
        """Hand one mail to the server; each attempt has the same Message-ID. Raises NotSent."""
        account = self.account
        domain = account.sender.rpartition("@")[2].rstrip(">")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = account.sender, to, subject
        message["Message-ID"] = f"<{notice_id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=account.host,
                port=account.port,
                username=account.user,
                password=account.password if account.user else None,
                use_tls=account.security == "tls",
                start_tls=account.security == "starttls",
                tls_context=self._tls or (ssl.create_default_context() if account.security != "none" else None),
                local_hostname=domain,
                timeout=SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = refused.recipients[0].code if refused.recipients else 0
            raise NotSent(f"The mail server refused the address: {code}.", final=code in _PERMANENT) from refused
        except aiosmtplib.SMTPAuthenticationError as refused:  # an operator mends it; until then the mail waits
            raise NotSent("The mail server did not take user and password.") from refused
        except aiosmtplib.SMTPResponseException as said:
            raise NotSent(f"The mail server said {said.code}.", final=said.code in _PERMANENT) from said
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(f"The mail server cannot be used: {type(error).__name__}.") from error


def _unusable() -> SetupError:
    return SetupError(
        "The URL of the mail account cannot be used.",
        hint="Set TRADEPOST_NOTIFY_MAIL_URL to smtp://user@host:587?from=hub@example.com or smtps://…",
    )
