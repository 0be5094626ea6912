"""Answers of the OAuth endpoints: JSON that nobody keeps, pages that nobody frames, redirects back to a client."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from tradepost.hub.access.oauth.errors import OAuthError

_ENVIRONMENT = Environment(
    loader=PackageLoader("tradepost.identity.oauth"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "fieldset{margin:1rem 0}label{display:block;margin:.4rem 0}.warning{border-left:.3rem solid #c60;padding-left:1rem}"
    "button{font:inherit;padding:.4rem 1rem;margin-right:.5rem}"
)
_POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)
# No `form-action`: browsers apply it to the redirect after the form, too, which leads to the client.
_PAGE_HEADERS = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
_NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache", "x-content-type-options": "nosniff"}


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] = _NOT_KEPT) -> Response:
    """JSON that is not to be kept, unless other headers say so."""
    return Response(orjson.dumps(value), status, headers, "application/json")


def refusal(error: OAuthError) -> Response:
    """An error of RFC 6749. A client that did not prove itself is told how it could."""
    headers = dict(_NOT_KEPT)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="Tradepost"'
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_seconds)))
    return json_answer(error.as_body(), error.status, headers)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page for a person."""
    html = _ENVIRONMENT.get_template(template).render(style=_STYLE, **values)
    return Response(html, status, _PAGE_HEADERS, "text/html")


def error_page(message: str, status: int = 400, hint: str = "") -> Response:
    """For what must not go back to a client: nobody knows yet where it may be sent."""
    return page("error.html", status, message=message, hint=hint)


def back(redirect_uri: str, issuer: str, state: str | None, values: Mapping[str, str], status: int = 302) -> Response:
    """To the client, with its state and who is speaking (RFC 9207)."""
    given = {**values, "iss": issuer} if state is None else {**values, "state": state, "iss": issuer}
    joint = "&" if "?" in redirect_uri else "?"
    headers = {"cache-control": "no-store", "referrer-policy": "same-origin"}
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(given)}", status, headers)
