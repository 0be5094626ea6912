"""A run as one page: no scripts, nothing from elsewhere, and whatever models and tools said only as text."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tradepost.agents.evals.reports.comparing import Comparison
from tradepost.agents.evals.reports.results import Run
from tradepost.agents.evals.reports.wording import money, share

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals.update(money=money, share=share)


def page_of(run: Run) -> str:
    """The page of a run."""
    return _PAGES.get_template("run.html").render(run=run)


def page_of_two(comparison: Comparison) -> str:
    """The page of a comparison."""
    return _PAGES.get_template("comparison.html").render(of=comparison)
