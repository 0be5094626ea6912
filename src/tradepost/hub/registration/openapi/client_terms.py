"""OAuth's client credentials as a document names them: where tokens are, and the scopes that its operations need."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.operations import Operation
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.security import Scheme, schemes_of
from tradepost.hub.upstreams.oauth.setups import CLIENT

MAX_NAMED = 5  # token URLs in a hint


def terms_with_document(
    terms: OAuthTerms, document: Document, operations: Sequence[Operation], base_url: str
) -> OAuthTerms:
    """The terms with what they leave open: the token URL, and the scopes of `operations`, those that were chosen.
    Where the document names no token URL, they stay open: the API is asked. Raises InvalidArgument where the document
    names several."""
    if terms.flow != CLIENT:
        return terms
    schemes = {_seen_from(base_url, one.token_url): one for one in schemes_of(document).values() if one.token_url}
    url = terms.token_url
    if url is None and terms.issuer is None and schemes:
        if len(schemes) > 1:
            raise InvalidArgument(
                "The document names several token URLs.",
                field="token_url",
                hint=f"Give one of them: {clean(', '.join(list(schemes)[:MAX_NAMED]), 600)}.",
            )
        url = next(iter(schemes))
    scheme = schemes.get(url or "")
    scopes = terms.scopes or (_scopes(scheme, document, operations) if scheme is not None else ())
    return replace(terms, token_url=url, scopes=scopes)


def _seen_from(base_url: str, token_url: str) -> str:
    try:
        return urljoin(f"{base_url}/", token_url)
    except ValueError:
        return token_url  # no address at all: refused as such where it would be kept


def _scopes(scheme: Scheme, document: Document, operations: Sequence[Operation]) -> tuple[str, ...]:
    """Those that the operations need of the scheme. Where none of them says what it needs, all that the scheme has."""
    needed: dict[str, None] = {}
    says = False
    for operation in operations:
        for requirement in _list(operation.node.get("security", document.raw.get("security"))):
            if isinstance(requirement, dict) and scheme.name in requirement:
                says = True
                needed.update(dict.fromkeys(one for one in _list(requirement[scheme.name]) if isinstance(one, str)))
    return tuple(needed) if says else scheme.scopes


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
