"""Stylesheets, script and icon of the pages. Their addresses change with them, so that browsers keep them for good."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = "/identity/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


async def asset(request: Request) -> Response:
    """GET of one of them."""
    found = _all().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    return Response(content, 200, _HEADERS, media_type)


def asset_paths() -> dict[str, str]:
    """Where each is, by file name; with the digest of what it is now."""
    return {name: f"{FOLDER}{name}?v={hashlib.sha256(text).hexdigest()[:12]}" for name, (text, _) in _all().items()}


@cache
def _all() -> dict[str, tuple[bytes, str]]:
    folder = Path(__file__).parent / "static"
    return {file.name: (file.read_bytes(), _TYPES[file.suffix]) for file in folder.iterdir() if file.suffix in _TYPES}
