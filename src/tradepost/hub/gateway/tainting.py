"""Noting what a call is about to give its run: text that outsiders wrote makes what the run does next theirs, perhaps.

Whatever a foreign server gives is such text, errors included. What it asks in the middle of a call is not: that goes to
the person at the client, and the answer back to the server. Of a bundled server it is what it marks so
(foundation/outsiders), in results, resources, prompts and previews.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

from tradepost.foundation.outsiders import delivered_values
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogTool

MOST_NAMED = 120  # characters


def taint(call: Call, parts: Parts) -> Awaitable[None] | None:
    """What to wait for before a call is answered, if anything."""
    if call.entry is None:
        return None
    if call.entry.server_kind != "builtin":
        what = _from_foreign(call)
    else:
        if call.preview is not None or call.dry_run:
            _look_at_preview(call)
        what = " and ".join(call.outside.kinds) or _from_replay(call)
    return None if what is None else _note(call, parts, what)


def _from_foreign(call: Call) -> str | None:
    if call.error is not None:
        return "an error of another server" if "server_said" in call.error.details else None
    if call.result is not None:
        return None if call.result.get("resultType") == "input_required" else "a result of another server"
    recorded = call.replayed and call.action is not None and call.action.result is not None
    return "a result of another server" if recorded else None


def _from_replay(call: Call) -> str | None:
    """What a bundled write gave then."""
    kept = call.action.result if call.replayed and call.action is not None else None
    return "what a write gave before" if kept is not None and '"untrusted":' in kept else None


def _look_at_preview(call: Call) -> None:
    """A preview that is given to the caller shows what is stored now."""
    shown: Any = call.answer or call.result
    said = shown.get("structuredContent") if isinstance(shown, Mapping) else None
    preview = said.get("preview") if isinstance(said, Mapping) else None
    changes = preview.get("changes") if isinstance(preview, Mapping) else None
    if isinstance(changes, list):
        delivered_values(one.get("before") for one in changes if isinstance(one, Mapping))


def _note(call: Call, parts: Parts, what: str) -> Awaitable[None] | None:
    entry = call.found
    if isinstance(entry, CatalogTool):
        named = entry.raw_name
    else:
        named = entry.name if isinstance(entry, CatalogPrompt) else entry.uri
    return parts.taints.note(call.caller, call.run_id, what, entry.server_slug, named[:MOST_NAMED])
