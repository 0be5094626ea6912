"""`tradepost demo`: a filled shop behind a running hub, and the lines to paste into a client."""

import asyncio
import gc
import json
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tradepost import settings
from tradepost.cli import console, local
from tradepost.cli.serving import HostOption, PortOption
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, opened, run
from tradepost.cli.web import serve_asgi, take_port
from tradepost.cli.welcome import say_welcome
from tradepost.commerce.demo.guide import TRY_THESE
from tradepost.commerce.demo.volume import Loaded, bring_to, require_count
from tradepost.database.engine import Database
from tradepost.foundation.clock import from_rfc3339, system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.workspaces import find_workspace
from tradepost.settings import LOOPBACK
from tradepost.starter import demo as starter

SeedOption = Annotated[int, typer.Option(help="Another seed makes another shop; the named cases stay.")]


group = typer.Typer(name="demo", help="A filled shop behind a running hub.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group)


@group.callback()
def demo(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    now: Annotated[
        str | None,
        typer.Option(help="Load the shop as of this time and hold its clock there, for example 2026-02-24T09:00:00Z."),
    ] = None,
    seed: SeedOption = 1,
    orders: Annotated[
        int | None, typer.Option(help="Bring the first shop to so many orders before serving, for example 1000000.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Make a demo (databases, two shops, agents, a foreign server) or take up the one that is there, and serve it."""
    if context.invoked_subcommand is None:
        run(lambda: _demo(data, host, port, now, seed, orders))


@group.command("load")
def load_command(
    orders: Annotated[int, typer.Option(help="How many orders the shop shall have in all; those there are count.")],
    workspace: WorkspaceOption = None,
    seed: SeedOption = 1,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a demo shop a history of two years, up to millions of orders. Run again, it goes on where it stopped."""

    async def work() -> None:
        require_count(orders)
        async with opened(data) as found:
            target = await found.workspace(workspace)
            loaded, seconds = await _bring_to(found.store, target.id, orders, seed)
        if as_json:
            told = {"workspace": target.slug, "orders": loaded.before + loaded.orders, "rows": loaded.by_table}
            console.show_json({**told, "seconds": round(seconds, 1)})
        elif not loaded.orders:
            console.say(f"{target.slug} has {loaded.before:,} orders already: nothing was loaded.")
        else:
            console.say(
                f"{target.slug} has {loaded.before + loaded.orders:,} orders now: {loaded.rows:,} rows in "
                f"{seconds:.1f} s, {loaded.rows / seconds:,.0f} a second."
            )

    run(work)


async def _bring_to(store: Database, workspace_id: str, orders: int, seed: int) -> tuple[Loaded, float]:
    """Load the history under a progress bar. Returns what was loaded, and the seconds it took."""
    columns = (TextColumn("Loading orders"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    started = time.monotonic()
    with Progress(*columns, TimeRemainingColumn(), console=console.err, disable=not console.err.is_terminal) as bar:
        task = bar.add_task("orders", total=orders, speed="")

        def show(done: int, total: int, rows: int) -> None:
            speed = f"{rows / (time.monotonic() - started):,.0f} rows/s"
            bar.update(task, completed=done, total=total, speed=speed)

        try:
            loaded = await bring_to(store, workspace_id, orders, now=system_now(), seed=seed, on_progress=show)
        except asyncio.CancelledError:
            console.err.print("Broken off. The weeks that are loaded stay; the same command goes on from there.")
            raise
    return loaded, time.monotonic() - started


async def _demo(
    data: Path | None, host: str | None, port: int | None, now: str | None, seed: int, orders: int | None
) -> None:
    if orders is not None:
        require_count(orders)
    loaded = settings.load(data=data, host=host, port=port)
    loaded = loaded.model_copy(update={"allow_private": (*loaded.allow_private, *LOOPBACK)})
    try:
        moment = from_rfc3339(now) if now else system_now()
    except ValueError:
        raise InvalidArgument(f"'{now}' is not a time.", hint="Write it like 2026-02-24T09:00:00Z.") from None
    listener = take_port(loaded.host, loaded.port)
    try:
        wish = starter.ShopWish(moment, hold_clock=now is not None, seed=seed)
        made = await starter.prepare(loaded, wish, local.KeyFile(loaded.data), console.say)
    except BaseException:
        listener.close()
        raise
    try:
        if orders is not None:
            console.say(f"Bringing the demo shop to {orders:,} orders …")
            workspace = await find_workspace(made.hub.hub, starter.MAIN)
            await _bring_to(made.hub.store, workspace.id, orders, seed)
        keys = local.kept_keys(loaded.data, starter.MAIN)
        await starter.propose(made.hub, keys)
    except BaseException:
        listener.close()
        await made.stop()
        await made.hub.stop()
        raise
    local.write_running(loaded.data, loaded.url)
    _screen(loaded, keys)
    if made.shop is not None:
        _heading("The shop's page, with the chat of its customers")
        console.say(made.shop.url)
    await say_welcome(made.hub)
    made.hub.behind.on_end = gc.freeze  # as in serving it
    try:
        await serve_asgi(made.hub, listener, made.hub.end_streams)
    finally:
        local.clear_running(loaded.data)
        await made.stop()
        console.say("Stopped. `make demo` takes it up again where it was.")


def _command() -> str:
    """How this very program is started from anywhere."""
    found = Path(sys.argv[0])
    return str(found.absolute() if found.name == "tradepost" else shutil.which("tradepost") or "tradepost")


def _screen(loaded: settings.Settings, keys: dict[str, str]) -> None:
    url, data, command = f"{loaded.url}/mcp", str(loaded.data.resolve()), _command()
    agent = "supply_chain_manager"
    bearer = keys.get(agent, "YOUR_KEY")
    desktop = {"mcpServers": {"tradepost": {"command": command, "args": ["connect", "--agent", agent, "--data", data]}}}
    cursor = {"mcpServers": {"tradepost": {"url": url, "headers": {"Authorization": f"Bearer {bearer}"}}}}
    inspector = (
        f"npx @modelcontextprotocol/inspector@latest --cli {url} --transport http "
        f"--header {shlex.quote(f'Authorization: Bearer {bearer}')} --method tools/list"
    )
    _heading("MCP URL")
    console.say(url)
    _heading(f"A key per agent (kept in {data}/keys.json, readable by you only)")
    for name, secret in keys.items():
        console.say(f"{name:22} {secret}")
    _heading("Claude Desktop (claude_desktop_config.json)")
    console.say(json.dumps(desktop))
    _heading("Cursor (.cursor/mcp.json)")
    console.say(json.dumps(cursor))
    _heading("Codex")
    console.say(f"codex mcp add tradepost -- {command} connect --agent {agent} --data {shlex.quote(data)}")
    _heading("MCP Inspector")
    console.say(inspector)
    _heading("Try")
    for line in TRY_THESE:
        console.say(line.format(command=command, data=shlex.quote(data), approver=starter.APPROVER))
    _heading("The dashboard, in a browser")
    console.say(f"{loaded.url}/today")


def _heading(text: str) -> None:
    console.out.print(f"\n[bold]{escape(text)}[/bold]", soft_wrap=True)
