"""What a browser sends: forms that are our own, cookies, and where it wants to go afterwards.

A form counts when it comes from a page of this very hub (Origin, Sec-Fetch-Site) and carries the token of the browser's
cookie. Before the sign-in that is a cookie of its own, which opens nothing.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.hub.access.person_sessions import PersonSessions, cookie_value, form_token

HOME = "/today"  # where somebody goes who has just signed in
ACCOUNT = "/account"
MAX_FORM = 32_768
MAX_FIELDS = 20
MAX_PATH = 2_048
FORM_TYPE = "application/x-www-form-urlencoded"
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # visible ASCII, no backslash, and nothing that names another host
_VISIT = re.compile(r"[A-Za-z0-9_-]{43}")

Answer = TypeVar("Answer", bound=Response)


class Browsers:
    """Reads and sets what browsers hold. `url` is where the hub is reached."""

    def __init__(self, url: str, sessions: PersonSessions) -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        self._scheme = parts.scheme
        self._origin = f"{parts.scheme}://{parts.netloc}".lower()
        self._sessions = sessions
        self._visit = "__Host-tradepost-visit" if self.secure else "tradepost_visit"

    def visit(self, request: Request) -> str:
        """The browser's cookie from before the sign-in, or a fresh one, which `keep_visit` hands over."""
        value = cookie_value(cookies_of(request), self._visit)
        return value if value is not None and _VISIT.fullmatch(value) else secrets.token_urlsafe(32)

    def keep_visit(self, request: Request, visit: str, answer: Answer) -> Answer:
        """Set the cookie where the browser does not have it."""
        if cookie_value(cookies_of(request), self._visit) != visit:
            self._set(answer, self._visit, visit)
        return answer

    def sign_in(self, answer: Answer, session: str) -> Answer:
        """Set the session's cookie and take the other one away."""
        self._set(answer, self._sessions.cookie, session)
        self._set(answer, self._visit, "", max_age=0)
        return answer

    def sign_out(self, answer: Answer) -> Answer:
        """Take the session's cookie away."""
        self._set(answer, self._sessions.cookie, "", max_age=0)
        return answer

    async def form_of_visitor(self, request: Request) -> tuple[str, dict[str, str]]:
        """The cookie from before the sign-in, and the fields of a form that goes with it. Raises ForbiddenScope,
        InvalidArgument."""
        visit = self.visit(request)
        return visit, await self.form(request, form_token(visit))

    async def form(self, request: Request, token: str, most: int = MAX_FIELDS) -> dict[str, str]:
        """The fields of a form of ours, at most so many. Raises ForbiddenScope for one that is not, InvalidArgument."""
        self._check_site(request)
        fields = await _fields(request, most)
        if not hmac.compare_digest(fields.get("form_token", "").encode(), token.encode()):
            raise _foreign()
        return fields

    def _check_site(self, request: Request) -> None:
        """Whoever says where the form comes from must say: from here. Old browsers and programs say nothing."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        here = {self._origin, f"{self._scheme}://{request.headers.get('host', '')}".lower()}
        if (site is not None and site not in ("same-origin", "none")) or (origin is not None and origin not in here):
            raise _foreign()

    def _set(self, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
        answer.set_cookie(name, value, max_age, path="/", secure=self.secure, httponly=True, samesite="lax")


def headers_of(request: Request) -> Mapping[str, str]:
    """The headers as `SignedInPeople` wants them."""
    return {"cookie": cookies_of(request)}


def cookies_of(request: Request) -> str:
    """All cookies; HTTP/2 may bring them in several headers."""
    return "; ".join(request.headers.getlist("cookie"))


def local_path(text: str) -> str:
    """A path of this very hub to go to after the sign-in; HOME for anything else."""
    is_ours = len(text) <= MAX_PATH and _LOCAL.fullmatch(text) is not None
    return text if is_ours and not text.startswith(("/sign-in", "/sign-out")) else HOME


async def _fields(request: Request, most: int) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise InvalidArgument("That is no form of this page.", hint=f"Send it as {FORM_TYPE}.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max(MAX_FORM, 64 * most):
            raise InvalidArgument("The form is too long.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=most,
        )
    except ValueError:
        raise InvalidArgument("The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\0" in part for pair in pairs for part in pair):
        raise InvalidArgument("The form cannot be read.")
    return fields


def _foreign() -> ForbiddenScope:
    return ForbiddenScope(
        "This form does not come from a page that was opened here a short while ago.",
        hint="Open the page again and send the form from there.",
    )
