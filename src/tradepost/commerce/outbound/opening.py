"""Opening the ports a shop is set up with: files where nothing else is named."""

from importlib import import_module

from tradepost.commerce.outbound.files import FileCarrier, FileLedger, FileMail
from tradepost.commerce.outbound.outside import Outside
from tradepost.commerce.outbound.ports import Port
from tradepost.commerce.outbound.smtp import SmtpMail, parse_mail_url
from tradepost.foundation.errors import SetupError

FILES_FROM = "shop@localhost"


def open_ports(outside: Outside) -> dict[str, Port]:
    """The four ports. Raises SetupError for a URL that cannot be one."""
    mail: Port = FileMail(outside.folder, FILES_FROM)
    if outside.mail_url:
        mail = SmtpMail(parse_mail_url(outside.mail_url))
    sms: Port = FileLedger(outside.folder / "sms.jsonl")
    if outside.sms_url:
        sms = _http("sms", outside.sms_url, outside.sms_token)
    carrier: Port = FileCarrier(outside.folder)
    if outside.carrier_url:
        carrier = _http("carrier", outside.carrier_url, outside.carrier_token)
    payments: Port = FileLedger(outside.folder / "payments.jsonl")
    if outside.payments_url:
        payments = _http("payments", outside.payments_url, outside.payments_token)
    return {"mail": mail, "sms": sms, "carrier": carrier, "payments": payments}


def _http(name: str, url: str, token: str) -> Port:
    if not url.startswith(("http://", "https://")):
        raise SetupError(
            f"The {name} URL cannot be used: it is not http or https.",
            hint=f"Mend TRADEPOST_{name.upper()}_URL, or leave it out to write files.",
        )
    # Loaded where a URL is set: without one, no client is needed.
    port: Port = import_module("tradepost.commerce.outbound.http").HttpPort(f"the {name} service", url, token)
    return port
