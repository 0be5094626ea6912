"""`tradepost workspace|user`: tenants and the people in them."""

from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli import console, people_commands
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access import people
from tradepost.hub.access.second_factor import require_second_factor
from tradepost.hub.access.workspaces import create_workspace, list_workspaces, set_workspace_active

workspaces = typer.Typer(name="workspace", help="Tenants.", no_args_is_help=True)
users = typer.Typer(name="user", help="The people of a workspace.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(workspaces)
    people_commands.add_to(users)
    app.add_typer(users)


@workspaces.command("create")
def workspace_create(
    slug: Annotated[str, typer.Argument(help="Short name, for example acme.")],
    owner: Annotated[str, typer.Option("--owner", help="E-mail address of its first owner.")],
    name: Annotated[str, typer.Option(help="Its full name.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A new workspace with its first owner."""

    async def work() -> None:
        async with opened(data) as found:
            made = await create_workspace(found.hub, slug, name, owner)
        if as_json:
            console.show_json({"id": made.workspace.id, "slug": made.workspace.slug, "owner": made.owner.email})
        else:
            console.say(f"The workspace {made.workspace.slug} is there; {made.owner.email} owns it.")

    run(work)


@workspaces.command("list")
def workspace_list(data: DataOption = None, as_json: JsonOption = False) -> None:
    """All workspaces."""

    async def work() -> None:
        async with opened(data) as found:
            rows = [
                {"slug": row.slug, "name": row.name, "status": row.status, "id": row.id}
                for row in await list_workspaces(found.hub)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["slug", "name", "status", "id"], "There is no workspace yet.")

    run(work)


@users.command("add")
def user_add(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    role: Annotated[str, typer.Option(help="owner, admin, operator (approves) or viewer.")] = "operator",
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """A new person in a workspace."""

    async def work() -> None:
        if role not in ("owner", "admin", "operator", "viewer"):
            raise InvalidArgument(f"'{role}' is no role.", hint="Use owner, admin, operator or viewer.", field="role")
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            user = await people.create_user(session, caller, email, name, role)  # type: ignore[arg-type]
        console.say(f"{user.email} is {user.role}. For a password: `tradepost user link {user.email}`.")

    run(work)


@workspaces.command("suspend")
def workspace_suspend(workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """Shut a workspace: its keys stop working, its people are signed out."""
    run(lambda: _set_active(data, workspace, by, active=False))


@workspaces.command("resume")
def workspace_resume(workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """Open a suspended workspace again."""
    run(lambda: _set_active(data, workspace, by, active=True))


async def _set_active(data: Path | None, workspace: str | None, by: str | None, *, active: bool) -> None:
    async with opened(data) as found:
        caller = await found.acting(workspace, by)
        changed = await set_workspace_active(found.hub, caller, active)
    console.say(f"The workspace {changed.slug} is {changed.status}.")


@workspaces.command("second-factor")
def workspace_second_factor(
    wish: Annotated[str, typer.Argument(help="required or optional.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Ask everybody in a workspace for a second factor, or no longer."""

    async def work() -> None:
        if wish not in ("required", "optional"):
            raise InvalidArgument(f"'{wish}' is neither required nor optional.", hint="Say one of the two.")
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await require_second_factor(session, caller, wish == "required")
        console.say(f"A second factor is {wish}.")

    run(work)


@users.command("list")
def user_list(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The people of a workspace."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = [
                {"email": row.email, "name": row.name, "role": row.role, "status": row.status, "id": row.id}
                for row in await people.list_users(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["email", "name", "role", "status"], "Nobody yet.")

    run(work)
