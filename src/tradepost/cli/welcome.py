"""The way in for a first owner: a one-time link, printed when the hub starts and nobody could sign in yet."""

from tradepost.app import Tradepost
from tradepost.cli import console
from tradepost.hub.access.person_links import first_links


async def say_welcome(hub: Tradepost) -> None:
    """Print a link for the first owner of each workspace whose owners have neither a password nor an identity."""
    for slug, link in await first_links(hub.hub):
        console.say(f"{link.email}, the first owner of {slug}, sets a password here (once, within three days):")
        console.say(hub.settings.url + link.path)
