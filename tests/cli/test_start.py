"""What a start of the hub does not load: what only other commands, other databases or later calls need."""

from __future__ import annotations

import subprocess

from tests.processes import PYTHON, ROOT, Place

LATER = ("alembic", "mcp", "mcp_types", "psycopg", "httpx2", "pygments", "anyio.pytest_plugin", "fastapi")
BEHIND = ("tradepost.commerce.declared", "tradepost.commerce.servers", "tradepost.api.front")


def test_a_start_loads_what_serving_needs_at_once(made: Place):
    script = f"import sys, tradepost.cli.serving; print([name for name in {LATER + BEHIND!r} if name in sys.modules])"
    loaded = subprocess.run([PYTHON, "-c", script], env=made.env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


EARLY = """
import asyncio, sys
from tradepost import settings
from tradepost.app import open_tradepost

from tradepost.database.base import HubBase, StoreBase

PAGES = ("fastapi", "tradepost.api.application", "tradepost.dashboard.site", "tradepost.identity.people.approval_pages")

async def main():
    hub = await open_tradepost(settings.load())
    await hub.start()
    print([name in sys.modules for name in PAGES])
    declared = [len(base.registry.mappers) for base in (HubBase, StoreBase)]
    await hub.behind.loaded()
    print([name in sys.modules for name in PAGES])
    print(declared == [len(base.registry.mappers) for base in (HubBase, StoreBase)])
    await hub.stop()
    again = await open_tradepost(settings.load())
    await again.start()
    await again.stop()

asyncio.run(main())
"""


def test_pages_are_loaded_once_the_hub_has_started(place: Place):
    """Not before, and before anybody asks for one. A hub that stops at once does not wait for it."""
    done = subprocess.run([PYTHON, "-c", EARLY], env=place.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after, same_tables = done.stdout.splitlines()
    assert "True" not in before
    assert "False" not in after
    assert same_tables == "True"  # another thread may not declare any while statements are made
