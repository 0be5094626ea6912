"""What an admin says of OAuth at a server: which flow, as which client, for what. Checked before anything is stored."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.upstreams.guard import Guard, Origin, origin_of, read_url
from tradepost.hub.upstreams.oauth.metadata import BASIC, POST
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.upstreams.oauth.setups import CLIENT, CONSENT, keep_secret
from tradepost.hub.vault.vault import Vault

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


async def check_beside(guard: Guard, terms: OAuthTerms | None, headers: Iterable[str], *, hide_url: bool) -> None:
    """Check the terms, and that they fit to the other parts of a server's credential. Raises InvalidArgument,
    StateConflict."""
    if terms is None:
        return
    check_not_both(hide_url)
    check_no_authorization(headers)
    for url in checked_terms(terms).urls:
        await require_privacy(guard, await guard.check(url))


def check_not_both(is_both: bool) -> None:
    """Raises InvalidArgument for a secret URL with OAuth beside it."""
    if is_both:
        raise InvalidArgument(
            "A URL that is a secret is the whole credential, so there is no OAuth beside it.",
            field="url",
            hint="Use one of the two.",
        )


def check_no_authorization(headers: Iterable[str]) -> None:
    """Raises StateConflict for a header of ours where the token goes."""
    if any(name.lower() == "authorization" for name in headers):
        raise StateConflict(
            "With OAuth the header 'Authorization' carries the token.", hint="Leave the header out, or OAuth."
        )


async def require_privacy(guard: Guard, origin: Origin) -> None:
    """Raises InvalidArgument where a secret would travel for everybody to read."""
    check_safe(await is_safe(guard, origin))


async def is_safe(guard: Guard, origin: Origin) -> bool:
    """Whether a secret may travel there. Raises PermissionError, OSError for what the guard does not allow."""
    if origin.scheme == "https":
        return True
    return guard.may_use_plain_http(origin, await guard.addresses(origin.host, origin.port))


def check_safe(safe: bool) -> None:
    """Raises InvalidArgument where it may not."""
    if not safe:
        raise InvalidArgument("A secret would travel over plain http.", field="url", hint="Use the server's https URL.")


async def keep_terms(session: AsyncSession, vault: Vault, server_id: str, url: str, terms: OAuthTerms) -> None:
    """Keep them for a server at `url` that has none, in the caller's transaction."""
    given = {} if terms.token_url is None else {"issuer": terms.issuer or "", "token": terms.token_url}
    row = ServerOAuth(
        id=new_id("oau"),
        server_id=server_id,
        origin=origin_of(url),
        flow=terms.flow,
        per_user=terms.per_user,
        issuer=terms.issuer,
        endpoints=given,
        client_id=terms.client_id,
        client_kind="given" if terms.client_id is not None else None,
        client_auth=terms.method or (BASIC if given else None),
        scopes=list(dict.fromkeys(terms.scopes)),
        resource=terms.resource,
    )
    session.add(row)
    await session.flush()
    await keep_secret(session, vault, row.id, terms.client_secret)


def _wrong(name: str, why: str, hint: str | None = None) -> InvalidArgument:
    return InvalidArgument(why, field=name, hint=hint)
