"""Answers of the OAuth endpoints: JSON that nobody keeps, pages that nobody frames, redirects back to a client."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import RedirectResponse, Response

from tradepost.hub.access.oauth.errors import OAuthError
from tradepost.identity.pages import Pages

_PAGES = Pages([Path(__file__).parent / "templates"])
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
    return _PAGES.page(template, status, **values)


def error_page(message: str, status: int = 400, hint: str = "") -> Response:
    """For what must not go back to a client: nobody knows yet where it may be sent."""
    return _PAGES.message("This cannot go on", message, hint or None, status)


def back(redirect_uri: str, issuer: str, state: str | None, values: Mapping[str, str], status: int = 302) -> Response:
    """To the client, with its state and who is speaking (RFC 9207)."""
    given = {**values, "iss": issuer} if state is None else {**values, "state": state, "iss": issuer}
    joint = "&" if "?" in redirect_uri else "?"
    headers = {"cache-control": "no-store", "referrer-policy": "same-origin"}
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(given)}", status, headers)
