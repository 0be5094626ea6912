"""Credentials of servers: replacing them, and connecting the servers for which a person has to agree."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.credential_options import NOTHING_GIVEN, CredentialOptions, takes_credential
from tradepost.cli.secret_values import HOW, secret_value
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.registration.oauth_terms import OAuthTerms

WAIT_SECONDS = 600.0
LOOK_SECONDS = 0.5

SecretUrlOption = Annotated[bool, typer.Option("--secret-url", help=f"The whole URL is a secret; URL is then {HOW}.")]


@takes_credential
def credential(
    slug: Slug,
    given: CredentialOptions = NOTHING_GIVEN,
    none: Annotated[bool, typer.Option("--none", help="No credential any more.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Give a server another credential. Whoever was connected before is not any more."""

    async def work() -> None:
        wanted = given.credential()
        if (wanted is None) != none:
            raise InvalidArgument(
                "Say which credential.", hint="Use one of --bearer, --api-key and --oauth, or --none for none."
            )
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            if wanted is None:
                await registration.credentials.remove(caller, slug)
            elif isinstance(wanted, OAuthTerms):
                await registration.credentials.set_oauth(caller, slug, wanted)
            else:
                await registration.credentials.set_header(caller, slug, wanted)
        console.say(f"{slug} has {'no' if wanted is None else 'another'} credential now.")
        if isinstance(wanted, OAuthTerms) and wanted.flow == "authorization_code":
            console.say(f"Connect it next: tradepost server connect {slug}")

    run(work)


def url(
    slug: Slug,
    url: Annotated[str, typer.Argument(help="Its MCP endpoint.")],
    secret_url: SecretUrlOption = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Point a server elsewhere. Another scheme, host or port clears its credential. A URL that was a secret stays
    one."""

    async def work() -> None:
        whole = secret_value(url, "the URL") if secret_url else url
        async with opened(data) as found, registering(found) as registration:
            caller, hide = await found.acting(workspace, by), True if secret_url else None
            await registration.servers.set_url(caller, slug, whole, hide=hide)
        console.say(f"{slug} is elsewhere now. Test it next: tradepost server test {slug}")

    run(work)


def connect(
    slug: Slug,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is done, at most ten minutes.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Print the link on which a person connects a server in a browser."""

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            caller, connecting = await found.acting(workspace, by), registration.connecting
            await led_there(connecting, caller, slug, wait=wait)

    run(work)


async def led_there(connecting: Connecting, caller: Caller, slug: str, *, wait: bool) -> None:
    """Print the link, and wait until somebody has connected. Raises StateConflict where nobody does, or can."""
    began = system_now()
    server, way = await connecting.look(caller, slug)
    if way.connection is None:
        raise StateConflict(
            f"'{slug}' is not a server that people connect.",
            hint=f"Set it up for that: tradepost server credential {slug} --oauth workspace (or user).",
        )
    if wait and way.credential == "oauth_user" and caller.user_id is None:
        raise InvalidArgument(f"At '{slug}' each person has an account of their own.", hint="Say whose: --as E-MAIL.")
    who = "Whoever uses it opens" if way.credential == "oauth_user" else "An admin opens"
    console.say(f"{who} this link, while the hub runs, and agrees there:\n{connecting.link(server)}")
    if wait:
        await _done(connecting, caller, slug, began)
        console.say(f"{slug} is connected.")


def disconnect(slug: Slug, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """End the connection of a server: everybody's, or your own where each person has one (--as)."""

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            was = await registration.connecting.disconnect(await found.acting(workspace, by), slug)
        console.say(f"{slug} is not connected any more." if was else f"{slug} was not connected.")

    run(work)


async def _done(connecting: Connecting, caller: Caller, slug: str, began: datetime) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT_SECONDS
    while loop.time() < end:
        _, way = await connecting.look(caller, slug)
        if way.connection == "connected" and way.connected_at is not None and way.connected_at >= began:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise StateConflict(
        f"Nobody has connected '{slug}' in ten minutes.", hint=f"Run it again: tradepost server connect {slug} --wait"
    )


COMMANDS: dict[str, Callable[..., None]] = {
    "credential": credential,
    "url": url,
    "connect": connect,
    "disconnect": disconnect,
}
