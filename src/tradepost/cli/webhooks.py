"""`tradepost webhook`: where the workspace is told of approvals, over HTTP or in Slack."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.secret_values import HOW, secret_value
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.cli.telling import telling
from tradepost.foundation.errors import UpstreamError

webhook = typer.Typer(name="webhook", help="Where the workspace is told of approvals.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The webhook's name.")]
EventOption = Annotated[
    list[str] | None, typer.Option("--event", "-e", help="approval.requested and so on; none named is all.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(webhook)


@webhook.command("add")
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help=f"Where messages go. It is a secret: {HOW}.")],
    event: EventOption = None,
    slack: Annotated[bool, typer.Option("--slack", help="Messages in the form of Slack's incoming webhooks.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add one. The secret that signs is shown this once."""

    async def work() -> None:
        where = secret_value(url, "the URL")
        async with opened(data) as found, telling(found) as notices:
            caller = await found.acting(workspace, by)
            made = await notices.webhooks.add(caller, name, where, "slack" if slack else "standard", event or [])
        _show_made(made.webhook, made.secret, as_json=as_json)

    run(work)


@webhook.command("list")
def list_command(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All, with how it went lately."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            rows = await notices.webhooks.all(await found.acting(workspace))
        if as_json:
            console.show_json(rows)
            return
        columns = ["name", "form", "origin", "state", "failures", "last_sent_at", "last_error"]
        console.show_table(rows, columns, "There is no webhook.")

    run(work)


@webhook.command("test")
def try_it(
    name: Name, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Send a message of the type webhook.test now."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            tried = await notices.webhooks.test(await found.acting(workspace, by), name)
        if as_json:
            console.show_json(asdict(tried))
        elif tried.delivered:
            console.say(f"It arrived: status {tried.status} after {tried.milliseconds} ms.")
        else:
            raise UpstreamError(f"It did not arrive. {tried.error}", hint="Check the URL and what listens there.")

    run(work)


@webhook.command("rotate")
def rotate(
    name: Name,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help="How long the secret before signs, too.")] = 24,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give it another secret, shown this once; messages carry both signatures for a while."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            caller = await found.acting(workspace, by)
            made = await notices.webhooks.rotate(caller, name, timedelta(hours=overlap_hours))
        _show_made(made.webhook, made.secret, as_json=as_json)

    run(work)


@webhook.command("pause")
def pause(name: Name, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """Tell it nothing for now. What happens meanwhile is not told later."""
    _set_state(name, "paused", workspace, by, data)


@webhook.command("resume")
def resume(name: Name, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """Tell it again, also after it was disabled by failures."""
    _set_state(name, "active", workspace, by, data)


@webhook.command("remove")
def remove(name: Name, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None) -> None:
    """Forget it. What waits for it is not sent."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            await notices.webhooks.remove(await found.acting(workspace, by), name)
        console.say(f"The webhook {name} is gone.")

    run(work)


@webhook.command("deliveries")
def deliveries(
    name: Name, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Its last messages: sent, waiting, failed."""

    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            rows = await notices.webhooks.deliveries(await found.acting(workspace), name)
        if as_json:
            console.show_json(rows)
            return
        columns = ["id", "event_type", "state", "attempts", "created_at", "error"]
        console.show_table(rows, columns, "Nothing was sent there yet.")

    run(work)


def _set_state(name: str, state: str, workspace: str | None, by: str | None, data: DataOption) -> None:
    async def work() -> None:
        async with opened(data) as found, telling(found) as notices:
            await notices.webhooks.change(await found.acting(workspace, by), name, state=state)
        console.say(f"The webhook {name} is {state}.")

    run(work)


def _show_made(facts: dict[str, Any], secret: str | None, *, as_json: bool) -> None:
    if as_json:
        console.show_json({**facts, "secret": secret})
        return
    console.say(f"The webhook {facts['name']} goes to {facts['origin']}.")
    if secret is not None:
        console.say(f"Its secret, shown this once: {secret}")
