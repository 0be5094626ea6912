"""A run as one page: no scripts, nothing from elsewhere, and whatever models and tools said only as text."""

import hashlib
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tradepost.agents.evals.reports.comparing import Comparison
from tradepost.agents.evals.reports.results import Run
from tradepost.agents.evals.reports.wording import money, share

_FOLDER = Path(__file__).parent / "pages"
_PAGES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_DIGEST = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()  # the page allows this style, and nothing else
_PAGES.globals.update(money=money, share=share, style=Markup(_STYLE), style_digest=_DIGEST)  # noqa: S704 (our own file)


def page_of(run: Run) -> str:
    """The page of a run."""
    return _PAGES.get_template("run.html").render(run=run)


def page_of_two(comparison: Comparison) -> str:
    """The page of a comparison."""
    return _PAGES.get_template("comparison.html").render(of=comparison)
