"""`tradepost user …`: letting people in and out, their roles, what binds their tools."""

from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.local import running_url
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access import people, person_links
from tradepost.hub.access.profile_roles import set_profile_role
from tradepost.hub.access.second_factor import SecondFactors
from tradepost.hub.vault.vault import open_vault
from tradepost.settings import Settings

EmailArgument = Annotated[str, typer.Argument(help="E-mail address.")]
RoleOption = Annotated[str, typer.Option(help="owner, admin, operator (approves) or viewer.")]


def add_to(users: typer.Typer) -> None:
    """Add the commands to `tradepost user`."""
    users.command("invite")(user_invite)
    users.command("invitations")(user_invitations)
    users.command("uninvite")(user_uninvite)
    users.command("link")(user_link)
    users.command("role")(user_role)
    users.command("disable")(user_disable)
    users.command("enable")(user_enable)
    users.command("attributes")(user_attributes)
    users.command("reset-second-factor")(user_reset_second_factor)


def user_invite(
    email: EmailArgument,
    role: RoleOption = "operator",
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A one-time link with which somebody becomes a user. It is shown once: send it to them."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=True) as session:
                made = await person_links.invite(session, caller, email, role, name)  # type: ignore[arg-type]
        _show_link(found.settings, made, as_json, f"{made.email} becomes {role} by opening this, once")

    run(work)


def user_invitations(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The invitations that can still be accepted."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = [
                {"email": row.email, "role": row.role, "expires_at": row.expires_at, "id": row.id}
                for row in await person_links.list_invitations(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["email", "role", "expires_at", "id"], "Nobody is invited.")

    run(work)


def user_uninvite(
    who: Annotated[str, typer.Argument(help="E-mail address or id of an open invitation.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Take an invitation back."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await person_links.revoke_invitation(session, caller, who)
        console.say(f"The invitation of {row.email} is not valid any more.")

    run(work)


def user_link(
    email: EmailArgument,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A one-time link with which a user sets a new password. It is shown once: send it to them."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=True) as session:
                made = await person_links.link_for(session, caller, email)
        _show_link(found.settings, made, as_json, f"{made.email} sets a password by opening this, once")

    run(work)


def user_role(
    email: EmailArgument,
    role: Annotated[str, typer.Argument(help="owner, admin, operator (approves) or viewer; in a profile also none.")],
    profile: Annotated[
        str | None, typer.Option(help="In this profile alone, beside the role in the workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Give a person another role, from the next click on."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            if profile is None:
                user = await people.set_role(session, caller, email, role)  # type: ignore[arg-type]
                said = user.role
            else:
                wished = None if role == "none" else role
                user, found = await set_profile_role(session, caller, email, profile, wished)  # type: ignore[arg-type]
                said = f"{wished or 'nobody in particular'} in {found.slug}, and {user.role} in the workspace"
        console.say(f"{user.email} is {said}.")

    run(work)


def user_disable(
    email: EmailArgument, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Shut a person out: keys stop working and browsers are signed out at once."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            user = await people.disable_user(session, caller, email)
        console.say(f"{user.email} is {user.status}.")

    run(work)


def user_enable(
    email: EmailArgument, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Let a disabled person in again."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            user = await people.enable_user(session, caller, email)
        console.say(f"{user.email} is {user.status}.")

    run(work)


def user_attributes(
    email: EmailArgument,
    given: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE, for example region=EU; NAME= takes it away.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What binds the tools of whoever acts for a person; without NAME=VALUE it is only shown."""

    async def work() -> None:
        wished = [part.partition("=") for part in given or []]
        if any(not is_pair for _, is_pair, _ in wished):
            raise InvalidArgument("An attribute is written NAME=VALUE.", hint="For example region=EU.")
        async with hub_session(data, workspace, by, write=bool(wished)) as (session, caller):
            user = await people.find_user(session, email)
            if wished:
                changes = {name: value for name, _, value in wished}
                user = await people.set_attributes(session, caller, email, changes)
        if as_json:
            console.show_json(user.attributes)
        else:
            shown = ", ".join(f"{name}={value}" for name, value in user.attributes.items())
            console.say(f"{user.email}: {shown or 'no attributes'}.")

    run(work)


def user_reset_second_factor(
    email: EmailArgument, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """For somebody who has lost the authenticator and the recovery codes: they sign in without, and set up another."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace, by)
            vault = await open_vault(found.hub, found.settings.keys)
            async with found.hub.transaction(caller.workspace_id, write=True) as session:
                user = await SecondFactors(vault).remove(session, caller, email)
        console.say(f"{user.email} has no second factor any more, and is signed out everywhere.")

    run(work)


def _show_link(settings: Settings, made: person_links.NewLink, as_json: bool, sentence: str) -> None:
    link = running_url(settings.data, settings.url) + made.path
    if as_json:
        console.show_json({"id": made.id, "email": made.email, "link": link, "expires_at": made.expires_at})
        return
    console.say(f"{sentence}, until {to_rfc3339(made.expires_at.replace(microsecond=0))}:")
    console.say(link)
