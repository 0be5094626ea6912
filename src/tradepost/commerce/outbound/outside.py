"""Where the ways out lead, as settings say it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outside:
    """Where effects go: URLs, each with its token, or "" for files in `folder`."""

    folder: Path
    mail_url: str = ""
    sms_url: str = ""
    sms_token: str = ""
    carrier_url: str = ""
    carrier_token: str = ""
    payments_url: str = ""
    payments_token: str = ""
