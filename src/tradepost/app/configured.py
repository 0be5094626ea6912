"""Parts as the settings want them."""

from functools import partial
from urllib.parse import urlsplit

from tradepost.commerce.store.models import StoreEvent
from tradepost.database.engine import Database
from tradepost.database.marks import Marks
from tradepost.database.outbox import OutboxRow
from tradepost.hub.access.workspaces import list_workspaces
from tradepost.hub.events.models import HubEvent
from tradepost.hub.limits.addresses import Addresses
from tradepost.hub.limits.pace import Pace
from tradepost.hub.limits.shares import Shares
from tradepost.hub.notices.mailing import Mailer, read_account
from tradepost.settings import Settings


def marks_of(hub: Database, store: Database, settings: Settings) -> Marks:
    """How far the two databases are. Those of another hub have other workspaces."""
    outboxes: dict[str, tuple[Database, type[OutboxRow]]] = {"hub": (hub, HubEvent), "store": (store, StoreEvent)}
    return Marks(settings.data / "seen.json", outboxes, partial(workspace_ids, hub))


async def workspace_ids(hub: Database) -> list[str]:
    return [workspace.id for workspace in await list_workspaces(hub)]


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """The Host values this hub answers to: those named, else its own address under the usual names."""
    if settings.allowed_hosts:
        return settings.allowed_hosts
    public = urlsplit(settings.url).netloc
    return tuple(dict.fromkeys([public, *(f"{name}:{settings.port}" for name in ("127.0.0.1", "localhost", "[::1]"))]))


def origins_of(settings: Settings) -> tuple[str, ...]:
    """The origins of pages that may talk to this hub, its own among them."""
    return (*settings.allowed_origins, settings.origin)


def pace_of(hub: Database, settings: Settings) -> Pace:
    """What this process counts calls and requests with."""
    shares = Shares(hub)
    return Pace(shares, Addresses(shares, settings.address_wrong_credentials, settings.address_requests))


def mailer_of(settings: Settings) -> Mailer | None:
    """What writes to people about what waits for them, where an account is set up. Raises SetupError."""
    url, password = settings.notify_mail_url.get_secret_value(), settings.notify_mail_password.get_secret_value()
    return Mailer(read_account(url, password)) if url else None
