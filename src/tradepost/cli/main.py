"""The commands' tree: each module brings its own."""

import typer

from tradepost.cli import access, agents, approvals, audit, calling, databases, demo, servers, serving, stores

app = typer.Typer(
    name="tradepost",
    help="The MCP hub for commerce teams: a shop's systems behind one governed door.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (demo, serving, calling, servers, approvals, audit, agents, access, stores, databases):
    module.register(app)


def main() -> None:
    """Entry point of the `tradepost` command."""
    app()
