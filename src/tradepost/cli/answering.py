"""What commands work with that answer approvals: a person with a name."""

import os

from tradepost.cli.session import Opened
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.audit.writer import AuditWriter

AT_THE_CONSOLE = How("console", proven=True)  # whoever works on the hub's own machine could do anything there


def verdicts_of(found: Opened) -> Verdicts:
    """What takes answers, over the databases of a command."""
    return Verdicts(found.hub, AuditWriter(found.hub), ActionClock())


def named_person(by: str | None) -> str:
    """Who answers, by e-mail address. Raises InvalidArgument."""
    email = by or os.environ.get("TRADEPOST_USER")
    if not email:
        raise InvalidArgument(
            "Approving, rejecting and undoing is done by a person with a name.",
            hint="Say who you are with --as E-MAIL or TRADEPOST_USER; `tradepost user list` shows who there is.",
        )
    return email
