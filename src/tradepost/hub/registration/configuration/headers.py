"""Headers of servers in a file: that they exist, never what they say."""

from typing import Any

from tradepost.hub.registration.configuration.addresses import moves
from tradepost.hub.registration.configuration.document import HeaderPart, ServerPart
from tradepost.hub.registration.configuration.values import Values
from tradepost.hub.upstreams.programs import SCHEME


def compare_headers(
    part: ServerPart, now: ServerPart | None, values: Values
) -> tuple[dict[str, tuple[Any, Any]], list[HeaderPart]]:
    """The member `headers` where it changes, with names alone, and the headers that nobody has a value for."""
    if not part.says("headers") or (part.url or "").startswith(SCHEME):
        return {}, []
    there = {header.name.lower(): header for header in now.headers} if now is not None and not moves(part, now) else {}
    wanted = {header.name.lower(): header for header in part.headers}
    missing, kept, others = [], [], []
    for name, header in wanted.items():
        given = values.given_for(part.slug, name)
        if given is None and name not in there:
            missing.append(header)
            continue
        kept.append(header.name)
        is_other = given is not None and given != values.stored_for(part.slug, name)
        # A value that was hidden is shown again to nobody; one that was shown can be hidden from now on.
        hides = name in there and header.secret and not there[name].secret
        if is_other or hides or name not in there:
            others.append(header.name)
    before = [header.name for header in now.headers] if now is not None else []
    if not others and {name.lower() for name in before} == {name.lower() for name in kept}:
        return {}, missing
    after = [f"{name} (value)" if name in others and name in before else name for name in kept]
    return {"headers": (before, after)}, missing
