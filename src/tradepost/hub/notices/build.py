"""Joining what tells people."""

from dataclasses import dataclass

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.notices.attempting import Attempting
from tradepost.hub.notices.courier import Courier
from tradepost.hub.notices.mailing import Mailer
from tradepost.hub.notices.posting import Poster
from tradepost.hub.notices.webhooks import Webhooks
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Notices:
    """The courier, which only a serving process starts, and the webhooks, which everybody may use."""

    courier: Courier
    webhooks: Webhooks
    mailer: Mailer | None


def build_notices(
    database: Database, vault: Vault, guard: Guard, url: str, mailer: Mailer | None = None, now: Now = system_now
) -> Notices:
    """What tells people who reach the hub at `url`; without a mailer there are no mails."""
    attempting = Attempting(database, vault, Poster(guard), mailer, url, now)
    courier = Courier(database, attempting, url, now)
    return Notices(courier, Webhooks(database, vault, guard, attempting, now), mailer)
