"""Noting what a call is about to give its run: text that outsiders wrote makes what the run does next theirs, perhaps.

Whatever a foreign server gives is such text, errors included. What it asks in the middle of a call is not: that goes to
the person at the client, and the answer back to the server. Of a bundled server it is what it marks so
(foundation/outsiders), in results, resources, prompts and previews.

What else bundled servers give is noted, too, where the caller may reach other servers: in a run that outsiders may have
told what to do, it is not for those.
"""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from tradepost.foundation.outsiders import delivered_values
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogTool
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.trust.looking import texts_in
from tradepost.hub.trust.taint import KNOWN, SHOP

MOST_NAMED = 120  # characters
OWN_WORDS = "the shop's own words"


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
    if what is None:
        return _note(call, parts, OWN_WORDS, KNOWN) if call.reaches_out and _gives_own_words(call) else None
    _show(call, parts)
    return _note(call, parts, what, SHOP if call.entry.server_kind == "builtin" else call.entry.server_id)


def _show(call: Call, parts: Parts) -> None:
    """Let the detector look at it, once the call is answered."""
    texts = call.outside.texts if call.found.server_kind == "builtin" else _texts_of_foreign(call)
    if texts:
        parts.signals.read(call.caller, call.run_id, call.found.server_slug, _named(call), texts)


def _texts_of_foreign(call: Call) -> Iterable[str]:
    if call.error is not None:
        return texts_in(call.error.details.get("server_said"))
    if call.result is not None:
        return texts_in(call.result)
    return [] if call.action is None else [call.action.result or ""]


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


def _gives_own_words(call: Call) -> bool:
    entry = call.found
    return call.result is not None and entry.server_kind == "builtin" and entry.builtin_key != HUB_SERVER


def _note(call: Call, parts: Parts, what: str, source: str) -> Awaitable[None] | None:
    return parts.taints.note(call.caller, call.run_id, what, call.found.server_slug, _named(call), source)


def _named(call: Call) -> str:
    entry = call.found
    if isinstance(entry, CatalogTool):
        return entry.raw_name[:MOST_NAMED]
    return (entry.name if isinstance(entry, CatalogPrompt) else entry.uri)[:MOST_NAMED]
