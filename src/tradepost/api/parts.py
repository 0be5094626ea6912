"""What the REST door is built from."""

from dataclasses import dataclass

from tradepost.agents.conversations.build import Conversations
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.gateway.build import BuiltGateway
from tradepost.hub.notices.build import Notices
from tradepost.hub.registration.build import Registration
from tradepost.hub.registration.configuration.service import Configurations
from tradepost.hub.registration.registries import Registries
from tradepost.hub.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Parts:
    """The services behind the routes. `registration` should register no programs: no HTTP leads to one.
    `url` is the public address of the hub, `metadata_url` where clients read how to get a token (RFC 9728)."""

    database: Database
    vault: Vault
    gateway: BuiltGateway
    registration: Registration
    configurations: Configurations
    registries: Registries
    notices: Notices
    conversations: Conversations
    metadata_url: str | None = None
    url: str = ""
    now: Now = system_now
