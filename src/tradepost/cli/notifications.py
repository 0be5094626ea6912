"""`tradepost notify`: how a person wants to hear of approvals."""

from enum import StrEnum
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.cli.telling import telling
from tradepost.foundation.errors import StateConflict, UpstreamError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.people import find_user
from tradepost.hub.notices.choices import want_mail, wants_mail
from tradepost.hub.notices.failures import NotSent

notify = typer.Typer(name="notify", help="How a person wants to hear of approvals.", no_args_is_help=True)


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    app.add_typer(notify)


@notify.command("show")
def show(
    workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """What holds for the person named by --as."""

    async def work() -> None:
        async with opened(data) as found:
            set_up = bool(found.settings.notify_mail_url.get_secret_value())
        async with hub_session(data, workspace, by, write=False) as (session, caller):
            mail = await wants_mail(session, caller)
        if as_json:
            console.show_json({"mail": mail, "mail_is_set_up": set_up})
            return
        console.say(f"Mail: {'on' if mail else 'off'}.")
        if not set_up:
            console.say("This hub sends no mails: TRADEPOST_NOTIFY_MAIL_URL is not set.")

    run(work)


@notify.command("mail")
def mail_command(
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Whether the person named by --as gets approvals by mail."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await want_mail(session, caller, switch is Switch.ON)
        console.say(f"Mail: {switch.value}.")

    run(work)


@notify.command("test")
def try_it(
    to: Annotated[str, typer.Argument(help="E-mail address of a user.")],
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Send a mail to a user now, to see that the account works."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            if notices.mailer is None:
                raise StateConflict(
                    "This hub sends no mails.", hint="Set TRADEPOST_NOTIFY_MAIL_URL to smtp://user@host:587?from=…"
                )
            caller = await found.acting(workspace)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                email = (await find_user(session, to)).email
            text = "Tradepost can write to you. This is a test: nothing waits for you.\n"
            try:
                await notices.mailer.send(new_id("msg"), email, "A test of Tradepost", text)
            except NotSent as failed:
                raise UpstreamError(str(failed), hint="Check TRADEPOST_NOTIFY_MAIL_URL.") from failed
        console.say(f"The mail server took a mail to {email}.")

    run(work)
