"""Pages for people: templates that escape everything, one stylesheet and one script of our own, nothing from
elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from tradepost.identity.assets import asset_paths

HERE = Path(__file__).parent

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
        self._templates.globals["assets"] = asset_paths()

    def add(
        self,
        filters: Mapping[str, Callable[..., Any]],
        tests: Mapping[str, Callable[..., bool]],
        values: Mapping[str, Any],
    ) -> None:
        """Let templates use more words, tests and values."""
        self._templates.filters.update(filters)
        self._templates.tests.update(tests)
        self._templates.globals.update(values)

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
