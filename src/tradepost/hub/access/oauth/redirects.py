"""Where a browser may be sent back to: what a client may register, and what counts as the same.

A redirect URI is compared character by character. The one exception is the port of a loopback address, which a native
application gets from its system anew each time (RFC 8252 section 7.3): `http://127.0.0.1:7777/callback` counts as the
registered `http://127.0.0.1/callback`.
"""

import re

MAX_LENGTH = 600
MAX_URIS = 10

# Schemes without a dot that an application has made known; all others have to be a reversed domain name (RFC 8252).
KNOWN_SCHEMES = frozenset({"claude", "cursor"})

_VISIBLE = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_HTTPS = re.compile(r"https://(?P<host>[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)(:[1-9][0-9]{0,4})?(?P<rest>[/?].*)?")
_LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(:(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?].*)?")
_PRIVATE = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{1,80}):/{1,2}(?P<rest>[^/].*)")
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(?=/|$)", re.IGNORECASE)


def fault_of(uri: str) -> str | None:
    """Why a client may not register this redirect URI; None when it may."""
    if len(uri) > MAX_LENGTH or not _VISIBLE.fullmatch(uri):
        return "it is too long or has characters that no plain URI has"
    found = _HTTPS.fullmatch(uri) or _LOOPBACK.fullmatch(uri)
    if found is None:
        private = _PRIVATE.fullmatch(uri)
        if private is None or not ("." in private["scheme"] or private["scheme"] in KNOWN_SCHEMES):
            return "it is neither https, nor http on loopback, nor a private scheme like com.example.app:/callback"
        found = private
    path = (found["rest"] or "").partition("?")[0]
    if "@" in uri.partition("?")[0] or _DOTS.search(path):
        return "it has a user name or dot segments inside"
    return None


def matches(registered: str, given: str) -> bool:
    """Whether a redirect URI is the registered one."""
    if registered == given:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    if ours is None or theirs is None or not _VISIBLE.fullmatch(given):
        return False
    port = theirs["port"]
    return (ours["host"], ours["rest"]) == (theirs["host"], theirs["rest"]) and int(port or 80) < 65536


def is_loopback(uri: str) -> bool:
    """Whether it leads to whatever program listens on the person's own machine."""
    return _LOOPBACK.fullmatch(uri) is not None


def is_certain(uri: str) -> bool:
    """Whether only the owner of the client can receive what is sent there: a private scheme or a local port can be
    taken by any program on the person's machine."""
    return _HTTPS.fullmatch(uri) is not None


def shown(uri: str) -> str:
    """The part of it that tells a person where they are sent to."""
    found = _HTTPS.fullmatch(uri) or _LOOPBACK.fullmatch(uri)
    return found["host"] if found is not None else uri.partition(":")[0] + ":"
