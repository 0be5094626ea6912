"""The commands' tree: each module brings its own, and is loaded when one of its commands is used.

Loading everything takes seconds (the shop's tools, the protocol), which neither `--help` nor `approvals list` need pay.
"""

import gc
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from tradepost import __version__

# Name: the module that has it, and its line in the list of commands.
_COMMANDS = {
    "demo": ("demo", "Make a demo shop with its hub, or take up the one that is there, and serve it."),
    "serve": ("serving", "Serve the hub on /mcp, or one bundled server alone over stdio or HTTP."),
    "call": ("calling", "Call a tool of the running hub as an agent."),
    "chat": ("chatting", "Talk with an agent of the running hub, in a terminal."),
    "conversation": ("conversations", "What people said to agents: look back, search, judge, redact, count."),
    "eval": ("evals", "Ask agents questions with known answers, and compare runs."),
    "handover": ("handovers", "Conversations of customers that a person of the shop takes over."),
    "connect": ("calling", "A stdio bridge to the running hub, for desktop clients that only start a command."),
    "server": ("servers", "Registered MCP servers and their tools."),
    "export": ("configuration", "Give out servers, tools, assignments, agents and limits as YAML, without secrets."),
    "import": ("configuration", "Bring a workspace to what such a file says; --dry-run shows the plan."),
    "approvals": ("approvals", "Writes that wait for a person."),
    "action": ("actions", "Writes that were carried out: taking one back."),
    "notify": ("notifications", "How a person wants to hear of approvals."),
    "webhook": ("webhooks", "Where the workspace is told of approvals."),
    "audit": ("audit", "The record of every call and decision."),
    "usage": ("usage", "How much was called, by whom and how well."),
    "agent": ("agents", "Agents: specialists and outside MCP clients."),
    "profile": ("agents", "Groups of agents with one posture."),
    "key": ("keys", "Bearer keys of agents and people."),
    "shopper-session": ("shoppers", "Short-lived tokens for a shop's own customers."),
    "workspace": ("access", "Tenants."),
    "user": ("access", "The people of a workspace."),
    "vault": ("vault", "The keys that seal secrets."),
    "assertion-keys": ("assertion_keys", "Keys that sign what servers are told of callers."),
    "reference": ("reference", "Pages about tools, scopes, settings and error codes."),
    "policy": ("policy", "Rules for what agents may do: allow, ask, deny, freeze."),
    "limits": ("limits", "How often, how much in a day, and which features."),
    "oauth-client": ("oauth", "OAuth clients that an admin registered."),
    "oauth-grant": ("oauth", "What people let OAuth clients do."),
    "effects": ("effects", "What goes out of the shop: mails, labels, payments."),
    "store": ("stores", "The shop's store: import, export, books."),
    "knowledge": ("knowledge", "Policies and articles, and proposals to change them."),
    "restored": ("restoring", "After a backup was restored: hold back all writes until you have looked."),
    "db": ("databases", "The databases' schema."),
}


class _Commands(TyperGroup):
    """The top level: lists every command from the table, loads the module of the one that is used."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.commands.update({name: TyperCommand(name, help=line) for name, (_, line) in _COMMANDS.items()})

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in _COMMANDS:
            part = typer.Typer(callback=_nothing_in_common)  # with a callback it stays a group, also with one command
            _load(f"tradepost.cli.{_COMMANDS[args[0]][0]}").register(part)
            self.commands.update(get_group(part).commands)
        return super().resolve_command(ctx, args)


def _load(module: str) -> Any:
    """The module of a command. Loading makes some hundred thousand objects that stay until the end and next to no
    garbage: looking through them, now or later, would be a fifth of a start."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _nothing_in_common() -> None:
    """No option is common to all commands."""


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tradepost {__version__}")
        raise typer.Exit


def _for_all_commands(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """What goes before a command."""


app = typer.Typer(
    name="tradepost",
    help="The MCP hub for commerce teams: a shop's systems behind one governed door.",
    cls=_Commands,
    callback=_for_all_commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the `tradepost` command."""
    app()
