"""OAuth at servers in a file: the terms, without the client's secret and without anybody's account.

What the hub found out about an authorization server is kept beside the terms. A file that is silent about it leaves it,
so a file from before somebody connected disconnects nobody.
"""

from collections.abc import Mapping
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.configuration.addresses import VALUE, is_web, moves
from tradepost.hub.registration.configuration.document import OAuthPart, ServerPart
from tradepost.hub.registration.configuration.values import Values
from tradepost.hub.registration.oauth_terms import OAuthTerms, check_no_authorization, check_not_both, checked_terms
from tradepost.hub.upstreams.oauth.metadata import KNOWN_METHODS, NONE
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.upstreams.oauth.setups import CLIENT

_EXACT = ("flow", "per_user", "client_id", "scopes")
_FOUND = ("method", "token_url", "issuer", "resource")  # which the server may say as well
_GIVEN_ENDPOINTS = {"issuer", "token"}


def oauth_part(row: ServerOAuth | None, sealed: set[str]) -> OAuthPart | None:
    """The terms that a row keeps. A client that the hub brought is none of the file's business."""
    if row is None:
        return None
    is_given = row.client_kind == "given"
    has_method = is_given and row.client_auth in KNOWN_METHODS and row.client_auth != NONE
    knows_token = row.flow == CLIENT and row.endpoints.keys() == _GIVEN_ENDPOINTS
    return OAuthPart.model_validate(
        {
            "flow": row.flow,
            "per_user": row.per_user,
            "client_id": row.client_id if is_given else None,
            "client_secret": row.flow == CLIENT or (is_given and row.id in sealed),
            "method": row.client_auth if has_method else None,
            "token_url": row.endpoints["token"] if knows_token else None,
            "issuer": row.issuer,
            "scopes": sorted(row.scopes),
            "resource": row.resource,
        }
    )


def terms_of(part: OAuthPart, secret: str | None) -> OAuthTerms:
    """What a file says, with the client's secret where somebody gave it."""
    return OAuthTerms(
        flow=part.flow,
        per_user=part.per_user,
        client_id=part.client_id,
        client_secret=secret,
        method=part.method,
        token_url=part.token_url,
        issuer=part.issuer,
        scopes=tuple(part.scopes),
        resource=part.resource,
    )


def checked_oauth(server: ServerPart) -> OAuthPart | None:
    """The terms, scopes sorted. Raises InvalidArgument, also for a server that takes no tokens."""
    part = server.oauth
    if part is None:
        return None
    if not is_web(server.url) and server.says("url"):
        raise InvalidArgument("A program has no credential here: what it needs stands in the operator's file.")
    checked_terms(terms_of(part, "x" if part.client_secret else None))
    check_not_both(server.secret_url)
    check_no_authorization([header.name for header in server.headers])
    return part.model_copy(update={"scopes": sorted(set(part.scopes))})


def compare_oauth(
    part: ServerPart, now: ServerPart | None, values: Values, has_secret: bool
) -> tuple[Mapping[str, tuple[Any, Any]], bool]:
    """The member `oauth` where it changes, and whether the client's secret is missing."""
    if not part.says("oauth"):
        return {}, False
    wanted, before = part.oauth, now.oauth if now is not None else None
    if wanted is None:
        return ({"oauth": (told(before), None)} if before is not None else {}), False
    given = values.given.client_secrets.get(part.slug) if wanted.client_secret else None
    stays = before is not None and now is not None and not moves(part, now) and same_terms(wanted, before)
    if not stays:
        # A secret belongs to its client, and so to the terms it came with.
        return {"oauth": (told(before), told(wanted))}, wanted.client_secret and given is None
    if given is not None and given != values.client_secrets.get(part.slug):
        return {"oauth": (told(before), {**(told(before) or {}), "client_secret": VALUE})}, False
    if has_secret and not wanted.client_secret:
        return {"oauth": (told(before), told(wanted))}, False
    return {}, wanted.client_secret and given is None and not has_secret


def same_terms(wanted: OAuthPart, now: OAuthPart) -> bool:
    """Whether what is kept fits to what a file says, but for the client's secret."""
    exact = all(getattr(wanted, name) == getattr(now, name) for name in _EXACT)
    return exact and all(getattr(wanted, name) in (None, getattr(now, name)) for name in _FOUND)


def told(part: OAuthPart | None) -> dict[str, Any] | None:
    """For a plan and the audit."""
    return None if part is None else part.model_dump(exclude_defaults=True)
