"""`tradepost serve`: the hub, or one bundled server on its own."""

from importlib import import_module
from typing import Annotated

import typer

from tradepost import settings
from tradepost.cli import console, local
from tradepost.cli.late import open_or_wait
from tradepost.cli.session import DataOption, WorkspaceOption, in_words, run
from tradepost.cli.supervisor import Supervisor
from tradepost.cli.web import serve_asgi, take_port, warn_of_clear_text
from tradepost.cli.welcome import say_welcome

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on (TRADEPOST_HOST).")]
PortOption = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port (TRADEPOST_PORT).")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="The hub: processes on the port (TRADEPOST_WORKERS).")
]


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    server: Annotated[
        str | None, typer.Argument(help="One bundled server (orders, inventory, …); the hub without it.")
    ] = None,
    stdio: Annotated[bool, typer.Option("--stdio", help="With a server: on stdin and stdout.")] = False,
    http: Annotated[bool, typer.Option("--http", help="With a server: over HTTP, behind TRADEPOST_BEARER.")] = False,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Serve the hub on /mcp, or one bundled server alone over stdio or HTTP."""
    if server is not None:
        # Loaded when it is used: the official SDK, which it needs and the hub does not, takes as long as half a start.
        alone = import_module("tradepost.cli.alone")
        run(lambda: alone.serve_alone(server, stdio, http, host, port, workspace, data))
        return
    loaded = in_words(lambda: settings.load(data=data, host=host, port=port, workers=workers))
    if loaded.workers == 1:
        run(lambda: serve_hub(loaded))
    else:
        raise SystemExit(in_words(Supervisor(loaded).run))


async def serve_hub(loaded: settings.Settings) -> None:
    """Serve the hub until stopped."""
    listener = take_port(loaded.host, loaded.port)
    warn_of_clear_text(loaded)
    try:
        hub = await open_or_wait(loaded, on_open=say_welcome)
        local.write_running(loaded.data, loaded.url)
        console.say(f"The hub serves {loaded.url}/mcp. Ctrl-C stops it.")
        await serve_asgi(hub, listener, hub.end_streams, tls=loaded.tls)
    finally:
        listener.close()
        local.clear_running(loaded.data)
