"""What commands about messages work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tradepost.cli import local
from tradepost.cli.session import Opened
from tradepost.hub.notices.build import Notices, build_notices
from tradepost.hub.notices.mailing import Mailer, read_account
from tradepost.hub.registration.build import open_secrets
from tradepost.hub.upstreams.guard import Guard


@asynccontextmanager
async def telling(found: Opened) -> AsyncIterator[Notices]:
    """What tells people, over the databases of a command. Only the serving process sends what waits."""
    settings = found.settings
    vault = await open_secrets(found.hub, settings.keys, settings.secret_managers_file)
    url, password = settings.notify_mail_url.get_secret_value(), settings.notify_mail_password.get_secret_value()
    mailer = Mailer(read_account(url, password)) if url else None
    where = local.running_url(settings.data, settings.url)
    notices = build_notices(found.hub, vault, Guard(settings.private_networks), where, mailer)
    try:
        yield notices
    finally:
        await notices.courier.stop()
        await vault.close()
