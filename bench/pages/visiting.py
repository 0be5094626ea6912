"""A person's browser as far as measuring needs one: a connection, cookies, the tokens of forms, the links of pages."""

import re
import time
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

PASSWORD = "correct horse battery"
_LINK = re.compile(r'<a[^>]* href="([^"]+)"')
_ASSET = re.compile(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"')
_FIELD = re.compile(r'<input type="hidden" name="form_token" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, the milliseconds until its last byte, and the bytes of its body as they were sent."""

    status: int
    body: bytes
    milliseconds: float
    location: str

    @property
    def links(self) -> list[str]:
        """Where the page leads."""
        return [unescape(found) for found in _LINK.findall(self.body.decode())]

    @property
    def assets(self) -> list[str]:
        """What the page loads."""
        return [unescape(found) for found in _ASSET.findall(self.body.decode())]


class Visitor:
    """Opens pages of one hub."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=300)
        self._cookies: dict[str, str] = {}
        self._token = ""

    def sign_in(self, link: str) -> None:
        """Set a password by a one-time link, which signs in."""
        there = urlsplit(link).path
        self.get(there)
        done = self.post(there, password=PASSWORD, again=PASSWORD)
        if done.status != 303:
            raise RuntimeError(f"signing in was answered with {done.status}: {done.body.decode()[:500]}")

    def get(self, path: str) -> Seen:
        """A page, or an asset."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Seen:
        """Send a form with the token of the last page."""
        return self._ask("POST", path, urlencode({"form_token": self._token, **fields}))

    def _ask(self, method: str, path: str, form: str | None = None) -> Seen:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request(method, path, form, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - began) * 1000
        for line in answer.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        if found := _FIELD.search(body.decode("utf-8", "replace")):
            self._token = unescape(found[1])
        return Seen(answer.status, body, taken, answer.headers.get("location", ""))
