"""`tradepost server browse` and `tradepost server add-from`: picking servers from an MCP registry."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.server_tools import registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.offers import Input, Offer
from tradepost.hub.registration.picking import pick, questions
from tradepost.hub.registration.registries import DEFAULT_LIMIT, OFFICIAL_URL, Registries
from tradepost.hub.registration.ways_in import shown_url
from tradepost.hub.upstreams.addresses import Network
from tradepost.hub.upstreams.guard import Guard
from tradepost.settings import load

KEY_VARIABLE = "TRADEPOST_REGISTRY_KEY"

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry",
        envvar="TRADEPOST_REGISTRY",
        help=f"A registry with the official API. {KEY_VARIABLE} is sent as its bearer key, except to the official one.",
    ),
]


def register(server: typer.Typer) -> None:
    """Add the commands to `tradepost server`."""
    server.command("browse")(browse)
    server.command("add-from")(add_from)


@asynccontextmanager
async def _reading(networks: Sequence[Network], registry: str) -> AsyncIterator[Registries]:
    """The official registry wants no key, and gets none that is meant for another one."""
    key = os.environ.get(KEY_VARIABLE) if registry.rstrip("/") != OFFICIAL_URL else None
    registries = Registries(Guard(networks), key or None)
    try:
        yield registries
    finally:
        await registries.close()


def browse(
    search: Annotated[str, typer.Argument(help="A text in the names to look for.")] = "",
    registry: RegistryOption = OFFICIAL_URL,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, typer.Option(help="Where to go on, as said at the end of a page.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List servers of an MCP registry. What it says of them is its publishers' word."""

    async def work() -> None:
        async with _reading(load(data=data).private_networks, registry) as registries:
            found = await registries.browse(registry, search, cursor, limit)
        if as_json:
            console.show_json({"servers": [asdict(one) for one in found.items], "next_cursor": found.more})
            return
        columns = ["name", "version", "status", "addable", "description"]
        console.show_table([_row(one) for one in found.items], columns, "The registry has no such server.")
        if found.more is not None:
            console.say(f"There are more: --cursor '{found.more}'")

    run(work)


def _row(offer: Offer) -> dict[str, Any]:
    kind = offer.remote.type if offer.remote is not None else "no: a package" if offer.packages else "no"
    return {
        "name": offer.name,
        "version": offer.version,
        "status": "" if offer.status == "active" else offer.status,
        "addable": kind,
        "description": offer.description or offer.title,
    }


def add_from(
    name: Annotated[str, typer.Argument(help="The server's name in the registry, for example com.example/tracker.")],
    registry: RegistryOption = OFFICIAL_URL,
    version: Annotated[str | None, typer.Option(help="A version of it; else the latest.")] = None,
    slug: Annotated[str | None, typer.Option(help="Its short name here; else made of its name.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", help="A value that it asks for, NAME=VALUE; repeat it.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Register a server of an MCP registry: its remote endpoint, with the headers that it declares. What it needs is
    asked for; secrets are sealed. Nothing of it is visible to agents yet."""

    async def work() -> None:
        values = dict(_pair(text) for text in given or ())
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            async with _reading(found.settings.private_networks, registry) as registries:
                offer = await registries.offer(registry, name, version)
            _introduce(offer)
            asked = questions(offer)
            if sys.stdin.isatty():
                _ask(asked, values)
            picked = await pick(registration.servers, caller, offer, values, slug)
        short = picked.server.slug
        console.say(f"The server {short} is registered: {shown_url(picked.server)}")
        if picked.headers:
            console.say(f"It is sent: {', '.join(picked.headers)}.")
        console.say(f"Test it next: tradepost server test {short}")

    run(work)


def _introduce(offer: Offer) -> None:
    console.say(f"{offer.name} {offer.version}: {offer.description or offer.title}")
    if offer.status == "deprecated":
        console.warn("The registry calls it deprecated.")


def _ask(asked: Sequence[Input], values: dict[str, str]) -> None:
    """Ask for what is not there yet; nothing is shown of a secret."""
    there = {name.lower() for name in values}
    for one in asked:
        if one.name.lower() in there:
            continue
        if one.description:
            console.say(one.description)
        if one.choices:
            console.say(f"One of: {', '.join(one.choices)}")
        default = one.default if one.default is not None else None if one.required else ""
        values[one.name] = typer.prompt(
            one.name, default=default, hide_input=one.secret, show_default=bool(default) and not one.secret
        )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InvalidArgument("A value is written NAME=VALUE.", hint="Quote it: --set 'Authorization=Bearer …'.")
    return name.strip(), value.strip()
