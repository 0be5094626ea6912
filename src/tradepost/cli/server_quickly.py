"""`tradepost server add --yes`: all the way from a URL to a tool that an agent can call."""

import asyncio

from tradepost.cli import console
from tradepost.cli.server_credentials import led_there
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.hub.registration.arranging import Arranged, arrange
from tradepost.hub.registration.build import Registration
from tradepost.hub.registration.trial import TestReport
from tradepost.hub.registry.models import Server

CREDENTIAL = "tradepost server credential"
AGAIN = ": add it again, `tradepost server add` takes the same options"


async def go_on(
    hub: Database, registration: Registration, by: Caller, server: Server, agent: str | None, profile: str | None
) -> None:
    """Do the rest for a server that was registered a moment ago, and say what was done. It is gone again where that
    fails: nothing stays half done."""
    slug = server.slug
    try:
        _, way = await registration.connecting.look(by, slug)
        if way.connection is not None:
            await led_there(registration.connecting, by, slug, wait=True)
        done = await arrange(hub, registration.discovery, by, slug, agent, profile)
    except TradepostError as error:
        await registration.servers.delete(by, slug)
        hint = error.hint or ""
        error.hint = f"{hint} The server {slug} was not kept{AGAIN if CREDENTIAL in hint else ''}.".strip()
        raise
    except asyncio.CancelledError:  # Ctrl-C, while it waited for somebody
        await registration.servers.delete(by, slug)
        raise
    console.say(f"The server {slug} is registered.")
    say_report(slug, done.report)
    _say(slug, done, agent or profile)


def say_report(slug: str, report: TestReport) -> None:
    """What a test found, where all is well."""
    name = report.server_name or "a server without a name"
    console.say(
        f"{slug} answers: {name}, {report.tools} tools, MCP {report.protocol_version} "
        f"({report.era}), {report.transport}, {report.latency_ms:.0f} ms."
    )
    if report.scopes_missing:
        console.say(f"Scopes that were not given: {', '.join(report.scopes_missing)}.")


def _say(slug: str, done: Arranged, target: str | None) -> None:
    console.say(f"Enabled, to read: {', '.join(done.enabled) or 'nothing'}.")
    if done.contents:
        console.say(f"Enabled resources and prompts: {', '.join(done.contents)}.")
    if done.assigned:
        console.say(f"{target} sees: {', '.join(done.assigned)}.")
    elif done.enabled:
        console.say(f"Assign them: tradepost server assign {slug} TOOL --agent NAME")
    if done.left:
        console.say(f"Left for you to decide: {', '.join(done.left)}.")
        console.say(f"Look at one (tradepost server show {slug} TOOL), then: tradepost server enable {slug} TOOL")
    for name, why in done.refused:
        console.say(f"Refused: {name}: {why}")
    for warning in done.warnings:
        console.say(f"Warning: {warning}")
