"""Processes forked from one that has everything loaded: each costs milliseconds, not the seconds of its imports."""

from __future__ import annotations

from multiprocessing import get_context

# The runner itself, too: else every process would load that again. There is one such list in a Python process.
_LOADED = (
    "__main__",
    "tests.program",
    "tests.hub.gateway.beside",
    "tests.hub.gateway.process",
    "tests.api.dying",
    "tests.commerce.at_once",
    "tests.hub.registration.refreshed",
    "tests.identity.oauth.racing",
)

context = get_context("forkserver")
context.set_forkserver_preload(list(_LOADED))
