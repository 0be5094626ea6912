"""Pages for people: templates that escape everything, one stylesheet of our own, no script, nothing from elsewhere."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

HERE = Path(__file__).parent
STYLE_PATH = "/identity/style.css"

# No `form-action`: browsers hold it against redirects too, and a sign-in may end with one to the client that asked.
# The referrer is kept within the site: with none at all, browsers send `Origin: null` with our own forms.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Pages:
    """Renders templates of the shared folder and of folders beside the code that uses them."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([*folders, HERE / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["style"] = f"{STYLE_PATH}?v={_style()[1]}"

    def page(self, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """A page from a template, which gets the facts as text."""
        body = self._templates.get_template(template).render(**facts)
        return HTMLResponse(body, status, dict(HEADERS))

    def message(self, title: str, message: str, hint: str | None = None, status: int = 200) -> HTMLResponse:
        """A page that only says something."""
        return self.page("message.html", status, title=title, message=message, hint=hint)


def go_to(where: str) -> RedirectResponse:
    """On to another page, by GET, whatever was asked."""
    return RedirectResponse(where, 303, dict(HEADERS))


def style() -> Response:
    """The stylesheet. Its address changes with it."""
    kept = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(_style()[0], 200, kept, "text/css")


@lru_cache(maxsize=1)
def _style() -> tuple[bytes, str]:
    text = (HERE / "static" / "style.css").read_bytes()
    return text, hashlib.sha256(text).hexdigest()[:12]
