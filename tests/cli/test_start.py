"""What a start of the hub does not load: what only other commands, other databases or later calls need."""

from __future__ import annotations

import subprocess

from tests.processes import PYTHON, ROOT, Place

LATER = ("alembic", "mcp", "mcp_types", "psycopg", "httpx2", "pygments", "anyio.pytest_plugin", "fastapi")
BEHIND = ("tradepost.commerce.declared", "tradepost.commerce.orders.models", "tradepost.api.front")


def test_a_start_loads_what_serving_needs_at_once(made: Place):
    script = f"import sys, tradepost.cli.serving; print([name for name in {LATER + BEHIND!r} if name in sys.modules])"
    loaded = subprocess.run([PYTHON, "-c", script], env=made.env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
