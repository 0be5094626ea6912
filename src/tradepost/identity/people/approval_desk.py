"""What the pages work with on which approvals are answered."""

from dataclasses import dataclass
from datetime import timedelta

from tradepost.hub.actions.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """`fresh` is how long ago somebody may have signed in who approves a write that moves money; zero asks nobody.
    `money_by_link`: whether a link in a mail is enough for that."""

    verdicts: Verdicts
    fresh: timedelta
    money_by_link: bool = False
