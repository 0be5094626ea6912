"""`tradepost reference`: pages that the program writes about itself."""

from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import in_words
from tradepost.foundation.errors import NotFound
from tradepost.starter.reference import PAGES


def register(app: typer.Typer) -> None:
    app.command("reference")(reference)


def reference(
    page: Annotated[str | None, typer.Argument(help=f"One of {', '.join(PAGES)}; a list of them without it.")] = None,
    folder: Annotated[Path | None, typer.Option("--write", help="Write all pages into this folder.")] = None,
) -> None:
    """Reference pages in Markdown: tools and the scopes they need, scopes, settings, error codes."""
    in_words(lambda: _show(page, folder))


def _show(page: str | None, folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in PAGES.items():
            (folder / f"{name}.md").write_text(write(), encoding="utf-8")
        console.say(f"{len(PAGES)} pages are in {folder}.")
    elif page is None:
        rows = [{"page": name, "about": (write.__doc__ or "").strip()} for name, write in PAGES.items()]
        console.show_table(rows, ["page", "about"], "")
    elif page in PAGES:
        typer.echo(PAGES[page]())
    else:
        raise NotFound(f"There is no page '{page[:40]}'.", hint=f"There are: {', '.join(PAGES)}.")
