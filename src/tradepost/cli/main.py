"""The commands' tree: each module brings its own, and is loaded when one of its commands is asked for.

Loading everything takes a second or two (the shop's tools, the protocol), which `approvals list` need not pay.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

_MODULES = {
    "demo": "demo",
    "serve": "serving",
    "call": "calling",
    "connect": "calling",
    "server": "servers",
    "approvals": "approvals",
    "audit": "audit",
    "agent": "agents",
    "profile": "agents",
    "key": "agents",
    "workspace": "access",
    "user": "access",
    "store": "stores",
    "db": "databases",
}


class _Commands(TyperGroup):
    """The top level: knows every name, loads what is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands and cmd_name in _MODULES:
            part = typer.Typer(callback=_nothing_in_common)  # with a callback it stays a group, also with one command
            import_module(f"tradepost.cli.{_MODULES[cmd_name]}").register(part)
            self.commands.update(get_group(part).commands)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in _MODULES:
            for name in _MODULES:  # all of them, for the sentence "Did you mean ...?"
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _nothing_in_common() -> None:
    """No option is common to all commands."""


app = typer.Typer(
    name="tradepost",
    help="The MCP hub for commerce teams: a shop's systems behind one governed door.",
    cls=_Commands,
    callback=_nothing_in_common,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the `tradepost` command."""
    app()
