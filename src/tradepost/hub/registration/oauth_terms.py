"""What an admin says of OAuth at a server: which flow, as which client, for what. Checked before anything is stored."""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.guard import read_url
from tradepost.hub.upstreams.oauth.metadata import BASIC, POST
from tradepost.hub.upstreams.oauth.setups import CLIENT, CONSENT

Flow = Literal["client_credentials", "authorization_code"]
Method = Literal["client_secret_basic", "client_secret_post"]
MAX_SCOPES = 50
MAX_TEXT = 2_048

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_TEXT = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class OAuthTerms:
    """`client_credentials`: the hub is a client of its own, with an id and a secret from the vendor; without a
    `token_url` the server says where tokens are. `authorization_code`: people agree in their browser, once for all
    agents or, `per_user`, each for themselves; without a client the hub brings its own. `issuer` is the authorization
    server, where the server's own word is not to count or it gives none; `resource` what the tokens are for."""

    flow: Flow
    per_user: bool = False
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    method: Method | None = None
    token_url: str | None = None
    issuer: str | None = None
    scopes: tuple[str, ...] = ()
    resource: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Those that the hub will ask."""
        return tuple(url for url in (self.token_url, self.issuer) if url is not None)


def checked_terms(terms: OAuthTerms) -> OAuthTerms:
    """The terms, each scope once. Raises InvalidArgument; no message holds a secret."""
    if terms.flow not in get_args(Flow):
        raise _wrong("flow", "There is no such way to get a token.", f"It is one of: {', '.join(get_args(Flow))}.")
    for name in ("client_id", "client_secret"):
        value = getattr(terms, name)
        if value is not None and (len(value) > MAX_TEXT or not _TEXT.fullmatch(value)):
            raise _wrong(name, f"It is not visible ASCII text of at most {MAX_TEXT} characters.")
    if terms.flow == CLIENT:
        if terms.client_id is None or terms.client_secret is None:
            raise _wrong("client_id", "Client credentials are an id and a secret.", "Get both from the vendor.")
        if terms.per_user:
            raise _wrong("per_user", "A client that is its own person has no people.", f"Use {CONSENT} for that.")
    if terms.flow == CONSENT and terms.token_url is not None:
        raise _wrong("token_url", "With consent the authorization server says where its pages and tokens are.")
    if terms.client_id is None and terms.client_secret is not None:
        raise _wrong("client_secret", "A secret belongs to a client.", "Give the client's id too.")
    if terms.method is not None and terms.method not in (BASIC, POST):
        raise _wrong("method", "There is no such way to show a client's secret.", f"Use {BASIC} or {POST}.")
    if len(terms.scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in terms.scopes):
        raise _wrong("scopes", f"They are not at most {MAX_SCOPES} words of visible ASCII text.")
    for url in (*terms.urls, *((terms.resource,) if terms.resource is not None else ())):
        read_url(url)
    return terms


def _wrong(name: str, why: str, hint: str | None = None) -> InvalidArgument:
    return InvalidArgument(why, field=name, hint=hint)
